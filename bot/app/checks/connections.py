"""What the doctor learns from Slack's first word on a connection of the app token: who else uses it."""

from __future__ import annotations

import msgspec

from handlers.transport.headcount import CONNECTIONS
from steps.contract.checks import Check, passed, warned
from steps.contract.wording import count_things

HELLO_SECONDS = 5


class Hello(msgspec.Struct):
    """What Slack says first on a connection."""

    type: str
    num_connections: int = 0


def count_connections(url: str) -> int | None:
    """How many connections the app's token has besides this one; None where Slack does not say.

    A click that Slack hands to this one in that moment is lost, and the person is shown that.
    """
    import websocket

    try:
        connection = websocket.create_connection(url, timeout=HELLO_SECONDS)
        try:
            hello = msgspec.json.decode(connection.recv(), type=Hello)
        finally:
            connection.close()
    except (websocket.WebSocketException, OSError, msgspec.MsgspecError):
        return None
    return hello.num_connections - 1 if hello.type == "hello" else None


def judge_connections(name: str, others: int | None) -> Check:
    """One bot holds so many; more are another's."""
    opens = "Socket Mode can be opened"
    if others is None:
        return passed(name, opens)
    if others <= CONNECTIONS:
        return passed(name, f"{opens}; Slack counts {count_things(others, 'other connection')}")
    return warned(
        name,
        f"Slack counts {others} other connections, and one bot has {CONNECTIONS}: each click goes to one of them",
        "Find the other program that uses the app's token and end it, or give it a Slack app of its own.",
    )
