"""What the listeners need of the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.clicks.clicks import Click, Door
from bot.clicks.orders import Order, Snooze
from bot.clock import Clock
from bot.orders.fleet import Fleet
from bot.slack.api.identity import SlackIdentity
from bot.slack.sending.home_tabs import HomeTabs
from handlers.payloads import Payload, find_channel, find_first, find_team, find_text, find_user, hash_id


class Desk(Protocol):
    """Takes clicks in; a worker decides them afterwards and answers through the outbox."""

    def receive(self, click: Click) -> bool:
        """Commit the click as it came; False where it was seen before. Nothing is decided yet."""
        ...


@dataclass(frozen=True)
class Reception:
    """Everything that a listener works with; `workspaces` are those besides the bot's own whose people may count."""

    desk: Desk
    fleet: Fleet
    tabs: HomeTabs
    identity: SlackIdentity
    clock: Clock
    workspaces: frozenset[str]


@dataclass(frozen=True)
class FormPlace:
    """Where a form was opened and by which bot's button: `journal` and `thread` are "" where there was none."""

    channel: str
    door: Door = "form"
    journal: str = ""
    thread: str = ""


def commit_form(reception: Reception, body: Payload, name: str, order: Order, place: FormPlace) -> None:
    """Commit what a submitted form orders; the same submission, delivered twice, is one click. `name` is the form's."""
    reception.desk.receive(
        Click(
            id=hash_id(name, find_text(body, "view", "id"), find_text(body, "view", "hash")),
            user=find_user(body),
            received_at=reception.clock.now(),
            order=order,
            team=find_team(body),
            channel=place.channel,
            door=place.door,
            journal=place.journal,
            thread=place.thread,
        )
    )


def commit_press(reception: Reception, body: Payload, door: Door, order: Order, journal: str = "") -> None:
    """Commit what a button or a menu of a message orders; the same press, delivered twice, is one click."""
    message = find_text(body, "container", "message_ts")
    stamp = find_text(find_first(body, "actions"), "action_ts") or find_text(body, "trigger_id")
    name = "snooze" if isinstance(order, Snooze) else "button"
    reception.desk.receive(
        Click(
            id=hash_id(name, find_user(body), message, stamp),
            user=find_user(body),
            received_at=reception.clock.now(),
            order=order,
            team=find_team(body),
            channel=find_channel(body),
            answer_to=find_text(body, "response_url"),
            door=door,
            journal=journal,
        )
    )
