"""What the listeners need of the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.clicks.clicks import Click, Door
from bot.clicks.orders import Order
from bot.clock import Clock
from bot.orders.fleet import Fleet
from bot.slack.api.identity import SlackIdentity
from bot.slack.sending.home_tabs import HomeTabs
from handlers.payloads import Payload, find_part, find_team, find_user, hash_id


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


def commit_form(reception: Reception, body: Payload, order: Order, channel: str, door: Door = "form") -> None:
    """Commit what a submitted form orders; the same submission, delivered twice, is one click."""
    view = find_part(body, "view")
    reception.desk.receive(
        Click(
            id=hash_id(order.action, str(view.get("id") or ""), str(view.get("hash") or "")),
            user=find_user(body),
            received_at=reception.clock.now(),
            order=order,
            team=find_team(body),
            channel=channel,
            door=door,
        )
    )
