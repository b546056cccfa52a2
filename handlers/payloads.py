"""Where Slack's payloads keep what every listener needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from steps.contract.documents import BadDocument, read_table

# JSON from outside: nothing is known of its shape, so every reader asks for what it needs and takes "" for the rest.
Payload: TypeAlias = Mapping[str, Any]


def find_part(body: Payload, name: str) -> Payload:
    """An object in the payload, empty where there is none."""
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def find_first(body: Payload, name: str) -> Payload:
    """The first object of a list in the payload, empty where there is none."""
    parts = body.get(name)
    first = parts[0] if isinstance(parts, list) and parts else None
    return first if isinstance(first, Mapping) else {}


def find_text(body: Payload, *names: str) -> str:
    """A text however deep it stands, "" where there is none."""
    for name in names[:-1]:
        body = find_part(body, name)
    return mend_text(str(body.get(names[-1]) or ""))


def mend_text(text: str) -> str:
    """The text with a mark for each half of a character, which JSON can carry and neither journal nor Slack can."""
    return text.encode("utf-8", "replace").decode()


def read_carried(view: Payload, *names: str) -> tuple[str, ...] | None:
    """What a form carried unseen since it was opened; None where it carries something else, so is none of ours."""
    try:
        carried = read_table(find_text(view, "private_metadata"))
        return tuple(str(carried[name]) for name in names)
    except (BadDocument, KeyError):
        return None


def find_user(body: Payload) -> str:
    """Who acted."""
    return find_text(body, "user", "id")


def find_team(body: Payload) -> str:
    """The actor's own team, which in a channel shared with another company is not the workspace's."""
    return find_text(body, "user", "team_id") or find_text(body, "team", "id")


def find_channel(body: Payload) -> str:
    """Where an answer can be given: the channel, or in the Home tab, which has none, the person's own id."""
    return find_text(body, "channel", "id") or find_user(body)


def hash_id(*parts: str) -> str:
    """A click's id. Triggers open forms in Slack, so they themselves go into neither journal nor log."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
