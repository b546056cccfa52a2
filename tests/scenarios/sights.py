"""Where an upgrade of cluster-x stands and what the cluster holds, and the way to a step of its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.journal.rows import UpgradeRow
from steps.notes.control_plane import FIRST_WRITE
from tests.scenarios.rig import BEN, Rig, World

OLD, NEW = "1.4.7-asm.0", "1.4.10-asm.18"


def read_row(rig: Rig, upgrade: str) -> UpgradeRow:
    """The upgrade, which there is."""
    row = rig.bot.journal.find_upgrade(upgrade)
    assert row is not None
    return row


def has_moved(rig: Rig, before: UpgradeRow) -> bool:
    """Whether the first upgrade stands at another step, question or state than before."""
    now = read_row(rig, "cluster-x-1")
    return (now.step, now.generation, now.state) != (before.step, before.generation, before.state)


def approve_to(rig: Rig, step: str) -> None:
    """Approve every gate until the upgrade stands at this step."""
    while (row := read_row(rig, "cluster-x-1")).step != step:
        if row.state == "asking":
            rig.run_until(lambda asked=row: rig.approve_next(BEN, asked), 120)  # type: ignore[misc]
            rig.run_until(lambda asked=row: has_moved(rig, asked), 120)  # type: ignore[misc]
        else:
            rig.run_until(lambda left=row: has_moved(rig, left), 3600)  # type: ignore[misc]


def run_to(rig: Rig, step: str) -> None:
    """The same, once the step's program or pods are under way."""
    approve_to(rig, step)
    rig.run_until(lambda: rig.bot.journal.recall("cluster-x-1", FIRST_WRITE) is not None, 600)
    if step == "sidecars/restart":
        rig.run_until(lambda: rig.bot.journal.count_ledger("cluster-x-1").get("upgraded", 0) > 5, 600)


@dataclass(frozen=True)
class Sight:
    """What the cluster held at one moment."""

    images: dict[str, int]
    policies: list[Any]


def look(world: World) -> Sight:
    """What the cluster holds now."""
    return Sight(count_images(world), list_policies(world))


def count_images(world: World) -> dict[str, int]:
    """How many containers of pods run each of both releases."""
    pods = [found for found in world.cluster.canonical_state() if found["kind"] == "Pod"]
    images = [container["image"] for pod in pods for container in pod["spec"]["containers"]]
    return {version: sum(image.endswith(f":{version}") for image in images) for version in (OLD, NEW)}


def list_policies(world: World) -> list[Any]:
    """What the authorization policies say."""
    return [found["spec"] for found in world.cluster.canonical_state() if found["kind"] == "AuthorizationPolicy"]
