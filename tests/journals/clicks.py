"""Clicks as the doors commit them, for frames whose bot answered none or never spoke to Slack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bot.clicks.clicks import Click
from bot.journal.records import OPERATOR, Action
from bot.journal.rows import UpgradeRow
from tests.journals.filming import FilmRig, find_row, is_in
from tests.scenarios.rig import ANA, BEN, CAI, CHANNEL, DEE
from tests.scenarios.test_downtime import find_element, list_channel
from tests.unit.bot.workbench import write_click

MOST_TURNS = 5000


def order(rig: FilmRig, action: Action, user: str, reason: str = "", **arguments: Any) -> None:
    """Commit a command about cluster-x and settle it."""
    now = rig.world.clock.now()
    number = rig.bot.store.read("select count(*) as n from clicks")[0]["n"]
    words = {"reason": reason, "channel": CHANNEL, "arguments": arguments}
    assert rig.bot.upgrades.receive(write_click(f"command-{number}", action, user, now, "cluster-x", **words))
    rig.bot.upgrades.settle_clicks()


def give_reason(rig: FilmRig, user: str, choice: str, reason: str) -> None:
    """Commit the form of a choice of the open question, with its reason, and settle it."""
    row, now = find_row(rig), rig.world.clock.now()
    assert row is not None
    card = {"step": row.step, "generation": row.generation, "choice": choice, "reason": reason}
    assert rig.bot.upgrades.receive(write_click("reason", "decide", user, now, "cluster-x", channel=CHANNEL, **card))
    rig.bot.upgrades.settle_clicks()


def run_to_question(rig: FilmRig) -> UpgradeRow | None:
    """Turn until the upgrade asks or is blocked; None where it has ended."""
    for _ in range(MOST_TURNS):
        row = find_row(rig)
        assert row is not None
        if row.ended_at:
            return None
        if row.state != "running":
            return row
        rig.pass_time(rig.turn())
    raise AssertionError(rig.describe())


def approve_until_held(rig: FilmRig) -> None:
    """Approve all that is done ahead of the window, up to what waits for it; earlier bots held the first already."""
    while rig.bot.schedules.find_hold("cluster-x-1") is None:
        rig.run_until(lambda: is_in(rig, "asking"))
        rig.decide_by_code(BEN)
        rig.run_until(lambda: is_in(rig, "asking") or rig.bot.schedules.find_hold("cluster-x-1") is not None)


def snooze(rig: FilmRig) -> None:
    """Ben snoozes the last reminder of the channel, by its menu."""
    message = list_channel(rig)[-1]
    choice = find_element(message, "asm-snooze")["options"][0]["value"]
    rig.world.act("click", user=BEN, channel=CHANNEL, ts=message["ts"], action_id="asm-snooze", value=choice)


def list_clicks(row: UpgradeRow, now: datetime) -> Iterator[Click]:
    """Clicks of every kind, from every door; the last one answers the open question."""
    soon = now + timedelta(minutes=10)
    given: list[tuple[Action, str, dict[str, Any]]] = [
        ("help", ANA, {"target": ""}),
        ("status", DEE, {"target": ""}),
        ("history", ANA, {}),
        ("windows", ANA, {}),
        ("calendar", ANA, {}),
        ("start", ANA, {"arguments": {"mtls": "STRICT", "canary_namespaces": ["data"], "set": ["a.b=c"]}}),
        ("approve", ANA, {"choice": "approve"}),
        ("deny", DEE, {"reason": "no"}),
        ("break-glass", DEE, {"choice": "approve", "reason": "now"}),
        ("retry", BEN, {}),
        ("snooze", BEN, {"choice": "3600", "arguments": {"reminder": 1, "place": CHANNEL}}),
        ("schedule", ANA, {"arguments": {"date": f"{soon:%Y-%m-%d}", "time": f"{soon:%H:%M}", "zone": "UTC"}}),
        ("extend", CAI, {"choice": "1h", "reason": "it takes longer"}),
        ("abort", DEE, {"reason": "no"}),
        ("pause", CAI, {"target": row.id, "answer_to": "https://hooks.example.com/1"}),
        ("pause", OPERATOR, {"channel": ""}),
        ("resume", OPERATOR, {"channel": ""}),
    ]
    for number, (action, user, rest) in enumerate(given):
        yield write_click(
            f"unsettled-{number}", action, user, now, **{"target": "cluster-x", "channel": CHANNEL, **rest}
        )
    yield write_click(
        "unsettled-last", "decide", BEN, now, row.id, row.step, row.generation, "approve", team="T0MESHTEAM",
        channel=CHANNEL,
    )  # fmt: skip
