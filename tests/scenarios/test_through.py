"""An upgrade whose team wants fewer questions: approved through at the control plane's card, to the end."""

from __future__ import annotations

from dataclasses import replace

from sandbox.watching.messages import buttons
from tests.scenarios.rig import ANA, BEN, Rig, World


def let_go_through(world: World) -> Rig:
    """The bot with `gates = "through"` for its cluster."""
    clusters = {
        key: replace(cluster, options=replace(cluster.options, gates="through"))
        for key, cluster in world.settings.clusters.items()
    }
    return Rig(replace(world, settings=replace(world.settings, clusters=clusters)))


def read_step(rig: Rig) -> str:
    """Where the upgrade asks or is blocked, "" while it runs."""
    row = rig.bot.journal.find_open_upgrade("cluster-x")
    return row.step if row and row.state != "running" else ""


def press_through(rig: Rig) -> bool:
    """Ben presses the button on the newest card that has it, where one is posted."""
    found = [
        (message, button)
        for message in rig.world.messages()
        for button in buttons(message)
        if button["action_id"] == "asm:decide:through"
    ]
    if found:
        rig.click(BEN, *found[-1])
    return bool(found)


def test_after_an_approval_through_only_what_its_card_names_is_asked(world: World) -> None:
    """Validation, sidecars and what is left to a person go by; the policies that have to be edited are asked about."""
    rig = let_go_through(world)
    rig.command(ANA, "start cluster-x")
    while read_step(rig) != "control-plane/approve":
        rig.run_until(lambda: bool(read_step(rig)), 20_000)
        if read_step(rig) != "control-plane/approve":
            row = rig.bot.journal.find_open_upgrade("cluster-x")
            rig.run_until(lambda asked=row: rig.approve_next(BEN, asked), 120)  # type: ignore[misc]
            rig.run_until(lambda g=row.generation: rig._moved_on("cluster-x", g), 120)  # type: ignore[misc,union-attr]
    rig.run_until(lambda: press_through(rig), 120)
    rig.run_until(lambda: read_step(rig) not in ("", "control-plane/approve"), 40_000)
    assert read_step(rig) == "authorization/approve"
    told = " ".join(str(message["text"]) for message in rig.world.messages())
    for what in ("validate approved", "sidecars approved", "what is left was acknowledged"):
        assert f"{what} by <@{BEN}>, with “Approve through”" in told
    counts = rig.bot.journal.count_ledger("cluster-x-1")
    assert set(counts) == {"upgraded", "manual"}
    rig.crash()
