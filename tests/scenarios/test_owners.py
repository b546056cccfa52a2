"""What somebody else keeps, through Slack: an owner is accepted with a reason, or gone round by a button."""

from __future__ import annotations

import json
from typing import Any

from sandbox.watching.messages import buttons
from tests.scenarios.film import BEFORE_WRITING, Film
from tests.scenarios.rig import ANA, BEN, Rig
from tests.scenarios.sights import approve_to
from tests.scenarios.test_drift import read_step

REASON = "the operator rests until tomorrow"


def find_state(rig: Rig) -> str:
    """What the upgrade is in, "" where there is none."""
    row = rig.bot.journal.find_open_upgrade("cluster-x")
    return row.state if row else ""


def find_choice(rig: Rig, choice: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest message that offers the choice, with its button."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def look() -> bool:
        found[:] = [
            (message, button)
            for message in rig.world.messages()
            for button in buttons(message)
            if button["action_id"].endswith(f":{choice}")
        ]
        return bool(found)

    rig.run_until(look, 120)
    return found[-1]


def read_thread(rig: Rig) -> str:
    """All that stands in the channel."""
    return json.dumps(rig.world.messages(), ensure_ascii=False)


def test_an_owned_control_plane_is_upgraded_once_an_approver_accepts_its_owner(rig: Rig) -> None:
    """The owner is named, a button takes a reason, and the proposal says who accepted it and why."""
    rig.world.cluster.sky.begin("mesh-operator")
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: find_state(rig) == "blocked", 20_000)
    card, button = find_choice(rig, "accept")
    assert "the control plane has an owner: " in read_thread(rig)
    assert "example-istiocontrolplane" in read_thread(rig)
    rig.click(BEN, card, button)
    form = rig.world.wait_for_form(BEN)
    rig.world.act("view-submit", user=BEN, view_id=form["id"], values={"reason": {"reason": REASON}})
    rig.run_until(lambda: bool(read_step(rig)), 20_000)
    rig.run_until(lambda: f"accepted by <@{BEN}>: {REASON}" in read_thread(rig), 120)


def test_a_restart_that_is_taken_back_is_replaced_by_eviction_by_a_button(film: Film) -> None:
    """The owner is named after two tries; Evict moves its pods, and the ledger tells them as upgraded."""
    with film.reach(BEFORE_WRITING) as rig:
        rig.world.cluster.sky.begin("operator-reverts", {"workload": "cart"})
        approve_to(rig, "sidecars/approve")
        rig.run_until(lambda: bool(read_step(rig)), 20_000)
        asked = rig.bot.journal.find_open_upgrade("cluster-x")
        rig.run_until(lambda: rig.approve_next(BEN, asked), 120)
        rig.run_until(lambda: find_state(rig) == "blocked", 20_000)
        card, button = find_choice(rig, "evict")
        told = read_thread(rig)
        assert "its restart was sent 2 times and taken back each time" in told
        assert "field manager shop-operator" in told
        rig.click(BEN, card, button)
        rig.run_until(lambda: find_state(rig) not in ("blocked", "running"), 20_000)
        entries = [
            entry for entry in rig.bot.journal.read_ledger("cluster-x-1") if entry.workload == "shop/Deployment/cart"
        ]
        assert {entry.state for entry in entries} == {"upgraded"}
