"""What the listeners need of the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.journal.records import Action, Click
from bot.orders.board import ClusterView
from bot.slack.api.identity import SlackIdentity
from bot.windows.appointments import Appointment
from handlers.payloads import find_team, find_user, hash_id


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        ...


class Desk(Protocol):
    """Takes clicks in; a worker decides them afterwards and answers through the outbox."""

    def receive(self, click: Click) -> bool:
        """Commit the click as it came; False where it was seen before. Nothing is decided yet."""
        ...


class Board(Protocol):
    """The fleet as one person sees it; answers from what is known, without any call."""

    def list_clusters(self, user: str) -> Sequence[ClusterView]:
        """Every cluster with what this person may do there."""
        ...

    def list_search_faults(self) -> Sequence[str]:
        """A sentence for each Google project that didn't tell all of its clusters."""
        ...

    def is_searched(self) -> bool:
        """Whether GKE was asked for clusters lately."""
        ...

    def search(self, then: Callable[[], None] | None = None) -> None:
        """Have GKE asked for clusters, unless it was lately; `then` is called afterwards, from another thread."""
        ...

    def read_mode(self, cluster: str, then: Callable[[], None]) -> None:
        """Have a cluster's mTLS mode read, unless it was lately; `then` is called afterwards, from another thread."""
        ...

    def find_schedule_faults(self, target: str, arguments: Mapping[str, object]) -> Mapping[str, str]:
        """What is wrong with an appointment, by date, time, zone or for."""
        ...

    def refuse_schedule(self, target: str, user: str) -> str:
        """Why no form is opened for this cluster or upgrade and person, "" where one is."""
        ...

    def propose_appointment(self, target: str) -> Appointment:
        """What a form for a cluster or an upgrade starts from."""
        ...

    def find_start_faults(self, cluster: str, arguments: Mapping[str, object]) -> Mapping[str, str]:
        """What is wrong with each argument of a start, by its name."""
        ...


class Tabs(Protocol):
    """The Home tabs that people look at."""

    def open(self, user: str, workspace: str) -> None:
        """Have this person's tab published soon; `workspace` is the address for links."""
        ...


@dataclass(frozen=True)
class Reception:
    """Everything that a listener works with; `workspaces` are those besides the bot's own whose people may count."""

    desk: Desk
    board: Board
    tabs: Tabs
    identity: SlackIdentity
    clock: Clock
    workspaces: frozenset[str] = frozenset()


def commit_form(
    reception: Reception,
    body: Mapping[str, Any],
    action: Action,
    target: str,
    channel: str,
    arguments: Mapping[str, Any],
) -> None:
    """Commit what a submitted form orders; the same submission, delivered twice, is one click."""
    view = body.get("view") or {}
    reception.desk.receive(
        Click(
            id=hash_id(action, str(view.get("id") or ""), str(view.get("hash") or "")),
            action=action,
            user=find_user(body),
            received_at=reception.clock.now(),
            target=target,
            team=find_team(body),
            channel=channel,
            arguments=arguments,
        )
    )
