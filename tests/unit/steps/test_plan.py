"""The order of an upgrade."""

from __future__ import annotations

import pytest

from steps.contract.options import UpgradeOptions
from steps.plan import FIRST_WRITE, build_plan, is_guest, is_past_first_write, name_phases

NEW = build_plan("upgrade", UpgradeOptions(canary_namespaces=("shop",)))
# As upgrades were begun before the rights came right before their use.
EARLIER = (
    *NEW[: NEW.index("access/approve") + 1],
    "access/bind",
    "access/check",
    *(step for step in NEW[NEW.index("access/approve") + 1 :] if not step.startswith("access/")),
)


def test_cluster_admin_is_held_between_the_gates_and_the_sidecars() -> None:
    """Everything that people decide on before runs without it, and so does what comes after validate."""
    held = NEW[NEW.index("access/bind") : NEW.index("access/release") + 1]
    assert held == (
        "access/bind",
        "access/check",
        "control-plane/backup",
        "control-plane/apply",
        "control-plane/rollout",
        "validate/approve",
        "validate/run",
        "access/release",
    )
    assert NEW[NEW.index("access/bind") - 1] == "control-plane/approve"


@pytest.mark.parametrize("plan", [NEW, EARLIER], ids=["new", "earlier"])
def test_every_phase_is_shown_once_and_in_order(plan: tuple[str, ...]) -> None:
    """Binding and release are no phases of their own."""
    assert list(dict.fromkeys(name_phases(plan).values())) == [
        "prepare",
        "access",
        "download",
        "control-plane",
        "validate",
        "sidecars",
        "authorization",
        "finish",
    ]


def test_binding_stands_with_the_control_plane_and_release_with_validate() -> None:
    """In an earlier plan binding stands in its own phase."""
    shown = name_phases(NEW)
    assert (shown["access/bind"], shown["access/check"]) == ("control-plane", "control-plane")
    assert shown["access/release"] == "validate"
    assert {step for step in NEW if is_guest(NEW, step)} == {"access/bind", "access/check", "access/release"}
    assert not [step for step in EARLIER if is_guest(EARLIER, step)]


@pytest.mark.parametrize("plan", [NEW, EARLIER], ids=["new", "earlier"])
def test_the_cluster_counts_as_written_to_from_the_apply_on(plan: tuple[str, ...]) -> None:
    """Whichever steps come before it."""
    written = [step for step in plan if is_past_first_write(plan, step)]
    assert written == list(plan[plan.index(FIRST_WRITE) :])
    assert not {"access/bind", "access/check", "control-plane/backup"} & set(written)
