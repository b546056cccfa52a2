"""Orders are written down and read again, those of earlier versions too, and each door lets in what it may."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest

from bot.clicks.clicks import DOORS, Click, Clicks, Door, decode_click, encode_click
from bot.clicks.orders import (
    Abort,
    Approve,
    BreakGlass,
    Decide,
    Deny,
    Extend,
    Order,
    Pause,
    ReadCalendar,
    ReadHelp,
    ReadHistory,
    ReadLog,
    ReadStatus,
    ReadWindows,
    Relocate,
    Resume,
    Retry,
    Rollback,
    Schedule,
    Snooze,
    Start,
    StartOptions,
)
from bot.journal.records import OPERATOR, Action
from bot.windows.appointments import Written
from tests.unit.bot.workbench import ANA, START, Build, write_click

WHEN = '{"date":"2026-12-03","time":"02:00","zone":"UTC","for":"3h"'
# What earlier versions wrote besides id, user, time and channel, to the letter.
FLAT: list[tuple[str, Order]] = [
    (
        '"action":"start","target":"cluster-x","step":"","generation":0,"choice":"","reason":"",'
        '"arguments":{"mtls":"STRICT","set":["a.b=c"],"overlay_texts":{"a.yaml":"x: 1"},"testing_workloads":false,'
        '"canary_namespaces":["shop"],"skip_namespaces":["ops"]}',
        Start(
            "cluster-x",
            StartOptions("STRICT", ("a.b=c",), {"a.yaml": "x: 1"}, False, ("shop",), ("ops",)),
        ),
    ),
    ('"action":"start","target":"cluster-x","arguments":{}', Start("cluster-x")),
    (
        '"action":"start","target":"cluster-x","arguments":{"colour":"red"}',
        Start("cluster-x", StartOptions(unknown=("colour",))),
    ),
    (
        '"action":"approve","target":"cluster-x-1","step":"access/approve","generation":1,"choice":"approve"',
        Approve("cluster-x-1", "access/approve", 1),
    ),
    ('"action":"approve","target":"cluster-x","choice":""', Approve("cluster-x")),
    ('"action":"approve","target":"cluster-x","choice":"accept"', Decide("cluster-x", choice="accept")),
    (
        '"action":"deny","target":"cluster-x-1","step":"access/approve","generation":2,"choice":"deny","reason":"no"',
        Deny("cluster-x-1", "access/approve", 2, "no"),
    ),
    (
        '"action":"decide","target":"cluster-x-1","step":"validate/run","generation":4,"choice":"accept","reason":"ok"',
        Decide("cluster-x-1", "validate/run", 4, "ok", "accept"),
    ),
    ('"action":"decide","target":"cluster-x","choice":"approve"', Approve("cluster-x")),
    (
        '"action":"break-glass","target":"cluster-x","choice":"approve","reason":"checkout is down"',
        BreakGlass("cluster-x", reason="checkout is down"),
    ),
    ('"action":"pause","target":"cluster-x","reason":"lunch"', Pause("cluster-x", "lunch")),
    ('"action":"pause","target":"cluster-x-1","step":"access/bind","generation":3', Pause("cluster-x-1")),
    ('"action":"resume","target":"cluster-x"', Resume("cluster-x")),
    ('"action":"retry","target":"cluster-x-1","step":"a/b","generation":2', Retry("cluster-x-1", "a/b", 2)),
    ('"action":"abort","target":"cluster-x","reason":"why not"', Abort("cluster-x", "why not")),
    (
        f'"action":"schedule","target":"cluster-x","arguments":{WHEN},"mtls":"STRICT"}}',
        Schedule("cluster-x", Written("2026-12-03", "02:00", "UTC", "3h"), StartOptions("STRICT")),
    ),
    ('"action":"extend","target":"cluster-x","choice":"1h","reason":"soon"', Extend("cluster-x", "1h", "soon")),
    (
        '"action":"snooze","target":"cluster-x-1","choice":"3600","arguments":{"reminder":7,"place":"C0MESHOPS1"}',
        Snooze("cluster-x-1", 7, "C0MESHOPS1", 3600),
    ),
    ('"action":"windows","target":""', ReadWindows()),
    ('"action":"calendar","target":"cluster-x"', ReadCalendar("cluster-x")),
    ('"action":"status","target":"cluster-x-1"', ReadStatus("cluster-x-1")),
    ('"action":"history","target":"cluster-x"', ReadHistory("cluster-x")),
    ('"action":"log","target":"cluster-x"', ReadLog("cluster-x")),
    ('"action":"help"', ReadHelp()),
]
ORDERS = [
    *(order for _, order in FLAT),
    Rollback("cluster-x", "the new proxies leak"),
    Relocate("cluster-x", "C0OTHER001"),
]


@pytest.mark.parametrize(("fields", "order"), FLAT)
def test_rows_of_earlier_versions_are_read(fields: str, order: Order) -> None:
    """A bot that is updated settles what came in before."""
    body = f'{{"id":"a","user":"U1","received_at":"2026-12-01T02:00:00Z","team":"T1","channel":"C1",{fields}}}'
    click = decode_click(body)
    assert (click.order, click.id, click.user, click.team, click.channel) == (order, "a", "U1", "T1", "C1")
    assert click.received_at == START


def test_every_action_stands_among_the_old_rows() -> None:
    """None was forgotten; the newest was never written so."""
    assert {order.action for order in ORDERS} == set(get_args(Action))


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_comes_back_as_it_was_written(order: Order) -> None:
    """With its type, and who gave it where."""
    click = Click("a", ANA, START, order, "T1", "C1", "https://example.com/answer", "form")
    assert decode_click(encode_click(click)) == click


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_cannot_be_changed(order: Order) -> None:
    """What was committed is what is decided."""
    with pytest.raises(AttributeError):
        order.target = "another"  # type: ignore[misc]


def test_an_operators_old_row_came_through_the_command_line() -> None:
    """So that it still needs nobody at Slack."""
    doors = {user: write_click("a", "pause", user, START, "cluster-x").door for user in (OPERATOR, ANA)}
    assert doors == {OPERATOR: "command line", ANA: "command"}


def test_every_action_has_a_door() -> None:
    """And every door of the type stands in the table."""
    assert frozenset[Action]().union(*DOORS.values()) == set(get_args(Action))
    assert set(DOORS) == set(get_args(Door))


@pytest.mark.parametrize("door", DOORS)
def test_a_door_lets_in_what_the_table_says(build: Build, door: Door) -> None:
    """Whatever else comes through it is refused in a sentence, and nothing is looked at."""
    engine = build({})
    refused = set()
    for number, order in enumerate(ORDERS):
        engine.upgrades.receive(Click(f"{number}", ANA, START, order, channel="C0", door=door))
        engine.upgrades.settle_clicks()
        if Clicks(engine.store).find_answer(f"{number}") == f"`{order.action}` is not done from the {door}.":
            refused.add(order.action)
    assert refused == set(get_args(Action)) - DOORS[door]


@pytest.mark.parametrize("fault", ["door", "order"])
def test_a_forged_row_is_no_click(fault: str) -> None:
    """A door or an action that there is not."""
    fields = {"id": "a", "user": ANA, "received_at": "2026-12-01T02:00:00Z", "order": {"action": "pause"}}
    fields |= {"door": "window"} if fault == "door" else {"order": {"action": "dance"}}
    with pytest.raises(msgspec.ValidationError):
        decode_click(json.dumps(fields))
