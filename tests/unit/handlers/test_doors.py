"""Each door of Slack, walked with its payload: the order that comes in is typed, and one that the table lets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import pytest

from bot.clicks.clicks import DOORS, Click, Door
from bot.clicks.orders import Approve, Deny, Order, Pause, Schedule, Snooze, Start, StartOptions
from bot.windows.appointments import Written
from handlers.approvals import receive_button, receive_reason
from handlers.commands import receive_order
from handlers.desk import FormPlace, Reception, commit_form
from handlers.forms.scheduling import receive_schedule, receive_snooze
from handlers.grammar import read_order
from handlers.threads import receive_mention, receive_order_form
from tests.unit.bot.workbench import ANA, START

PERSON = {"user": {"id": ANA, "team_id": "T1"}, "channel": {"id": "C1"}}
CARD = "cluster-x-1|access/approve|1"


@dataclass
class Threshold:
    """A desk, a clock and a fleet that finds no fault; it keeps what came in."""

    came: list[Click] = field(default_factory=list)

    def receive(self, click: Click) -> bool:
        self.came.append(click)
        return True

    def now(self) -> datetime:
        return START

    def read_name(self, target: str) -> str:
        return target

    def find_schedule_faults(self, _target: str, _written: Written) -> dict[str, str]:
        return {}


def press(action_id: str, container: dict[str, str], **action: Any) -> dict[str, Any]:
    """A click on a button or a menu."""
    return {**PERSON, "container": container, "actions": [{"action_id": action_id, "action_ts": "1.1", **action}]}


def submit(metadata: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    """A submitted form."""
    view = {"id": "V1", "hash": "h", "private_metadata": json.dumps(metadata), "state": {"values": values}}
    return {**PERSON, "view": view}


def type_command(reception: Reception) -> None:
    command = {"user_id": ANA, "trigger_id": "1.2.3"}
    receive_order(reception, read_order("pause cluster-x lunch"), command)


def mention(reception: Reception) -> None:
    event = {"user": ANA, "channel": "C1", "ts": "1.1", "text": "<@U0BOT> pause cluster-x lunch"}
    receive_mention(reception, event, "T1", cast(Any, None), cast(Any, None))


def use_shortcut(reception: Reception) -> None:
    body = submit({"channel": "C1", "thread": ""}, {"order": {"order": {"value": "pause cluster-x lunch"}}})
    receive_order_form(reception, body, cast(Any, lambda **_: None))


def press_button(reception: Reception) -> None:
    receive_button(reception, press("asm:approve", {"type": "message", "message_ts": "1.0"}, value=CARD))


def show_card(reception: Reception) -> None:
    receive_button(reception, press("asm:card", {"type": "message", "message_ts": "1.0"}, value=CARD))


def press_on_home(reception: Reception) -> None:
    receive_button(reception, press("asm:pause", {"type": "view"}, value="cluster-x-1||0"))


def give_reason(reception: Reception) -> None:
    metadata = {"value": CARD, "action_id": "asm:deny", "channel": "C1"}
    receive_reason(reception, submit(metadata, {"reason": {"reason": {"value": "no"}}}), cast(Any, lambda **_: None))


def schedule(reception: Reception) -> None:
    words = {"date": {"selected_date": "2026-12-03"}, "time": {"selected_time": "02:00"}, "zone": {"value": "UTC"}}
    values = {name: {name: entry} for name, entry in words.items()}
    body = submit({"target": "cluster-x", "channel": "C1"}, values)
    receive_schedule(reception, body, cast(Any, lambda **_: None))


def start_with_files(reception: Reception) -> None:
    options = StartOptions(overlay_texts={"mesh.yaml": "x: 1"})
    commit_form(reception, submit({}, {}), "start", Start("cluster-x", options), FormPlace("C1", "file"))


def snooze(reception: Reception) -> None:
    option = {"value": "cluster-x-1|7|C1|3600"}
    receive_snooze(reception, press("asm-snooze", {"type": "message"}, selected_option=option))


WALKS: list[tuple[Door, Callable[[Reception], None], Order]] = [
    ("command", type_command, Pause("cluster-x", "lunch")),
    ("mention", mention, Pause("cluster-x", "lunch")),
    ("shortcut", use_shortcut, Pause("cluster-x", "lunch")),
    ("button", press_button, Approve("cluster-x-1", "access/approve", 1)),
    ("button", show_card, Approve("cluster-x-1")),
    ("home", press_on_home, Pause("cluster-x-1")),
    ("form", give_reason, Deny("cluster-x-1", "access/approve", 1, "no")),
    ("form", schedule, Schedule("cluster-x", Written("2026-12-03", "02:00", "UTC"))),
    ("file", start_with_files, Start("cluster-x", StartOptions(overlay_texts={"mesh.yaml": "x: 1"}))),
    ("reminder", snooze, Snooze("cluster-x-1", 7, "C1", 3600)),
]


@pytest.mark.parametrize(("door", "walk", "order"), WALKS, ids=lambda one: getattr(one, "__name__", ""))
def test_an_order_comes_through_its_door(door: Door, walk: Callable[[Reception], None], order: Order) -> None:
    """By its type, with who gave it."""
    threshold = Threshold()
    parts = cast(Any, threshold)
    walk(Reception(parts, parts, parts, parts, parts, frozenset()))
    (click,) = threshold.came
    assert (click.order, click.door, click.user, click.received_at) == (order, door, ANA, START)
    assert order.action in DOORS[door]


def test_every_door_is_walked() -> None:
    """That of the command line is in its own tests."""
    assert {door for door, _, _ in WALKS} | {"command line"} == set(DOORS)
