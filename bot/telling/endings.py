"""What becomes of a message that stands in Slack once what it tells is over, or there is more of it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from bot.journal.bodies import (
    Asking,
    Body,
    FinishedBody,
    GateBody,
    Line,
    NoticeBody,
    ProgressBody,
    Reminding,
    Unheard,
)


def close_body(body: Body, how: str, head: str = "", at: datetime | None = None) -> Body:
    """The same message once what it asks or reminds of is over; any other stays as it is."""
    if isinstance(body, Asking):
        return replace(body, closed=how, head=head, closed_at=at)
    if isinstance(body, Reminding):
        return replace(body, closed=how)
    return body


def add_line(body: Body, line: Line) -> Body:
    """A card that is decided, with one more line of what came of it; any other message stays as it is."""
    return replace(body, lines=(*body.lines, line)) if isinstance(body, GateBody) and body.closed else body


def leave_body(body: Body, how: str, at: datetime) -> Body:
    """A message that goes on in another channel: what is asked is asked there, and nothing moves here any more."""
    if isinstance(body, Asking):
        return body if body.closed else close_body(body, how, at=at)
    return end_progress(body)


def close_return(body: Body) -> Body:
    """A report without the button of the way back; any other stays as it is."""
    return replace(body, returnable=False) if isinstance(body, FinishedBody) else body


def end_progress(
    body: Body, sentence: str = "", details: tuple[str, ...] | None = None, *, barless: bool = False
) -> Body:
    """A message of progress at its end; any other stays as it is."""
    if isinstance(body, ProgressBody):
        kept, progress = body.details if details is None else details, None if barless else body.progress
        return replace(body, ended=True, sentence=sentence or body.sentence, details=kept, progress=progress)
    return body


def leave_out_heard(body: Body, failing: Collection[tuple[str, str]]) -> Body:
    """A notice without the upgrades that are not among those of a channel that fails; any other stays as it is."""
    if not isinstance(body, NoticeBody):
        return body
    return replace(body, upgrades=tuple(one for one in body.upgrades if (body.unheard_in, one.upgrade) in failing))


def add_unheard(body: Body, new: tuple[Unheard, ...]) -> Body:
    """A notice with more upgrades; any other message stays as it is."""
    return replace(body, upgrades=(*body.upgrades, *new)) if isinstance(body, NoticeBody) else body
