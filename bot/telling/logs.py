"""All that was told of an upgrade with its times, also what no message of its own tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from bot.journal.bodies import (
    AnswerBody,
    Asking,
    BlockedBody,
    Body,
    FileBody,
    FinishedBody,
    GateBody,
    GatheredBody,
    Line,
    Message,
    MilestoneBody,
    NoticeBody,
    ProgressBody,
    ReminderBody,
    RootBody,
    UnreadableBody,
)
from bot.journal.outbox import OutboxView, PutAway
from steps.contract.wording import begin_sentence


def list_lines(messages: Iterable[Message]) -> tuple[Line, ...]:
    """What the messages of an upgrade tell, in the order in which it happened."""
    lines: list[Line] = []
    for message in messages:
        lines += [Line(told, message.created_at) for told in _list_told(message.body) if told]
        lines += _list_endings(message.body, message)
    return tuple(sorted(lines, key=lambda line: line.at))


def read_lines(outbox: OutboxView, upgrade: str) -> tuple[Line, ...]:
    """All that was told of an upgrade; where it was put away, that and where."""
    told = list_lines(outbox.list_told(upgrade))
    put = outbox.find_put_away(upgrade)
    return (*told, Line(describe_parcel(put), put.at)) if put else told


def describe_parcel(put: PutAway) -> str:
    """Where what was told besides the questions is now."""
    return f"what else was told, and what programs printed, was put away into {put.file} (SHA-256 {put.sha256})"


def write_lines(lines: Sequence[Line]) -> str:
    """The lines for a terminal, each with its time in UTC."""
    return "\n".join(f"{line.at:%Y-%m-%d %H:%M:%S} UTC  {begin_sentence(line.text)}" for line in lines)


def find_file(messages: Sequence[Message], name: str) -> str:
    """The latest file of this name, "" where there is none."""
    files = [message.body for message in messages if isinstance(message.body, FileBody)]
    return next((file.text for file in reversed(files) if file.name == name), "")


def _list_told(body: Body) -> list[str]:
    match body:
        case MilestoneBody() | ProgressBody() | FinishedBody():
            return [body.sentence]
        case GateBody():
            return [f"asked: {body.question}"]
        case BlockedBody():
            return [f"blocked: {body.sentence}"]
        case FileBody():
            return [f"file {body.name}"]
        case RootBody() | AnswerBody() | ReminderBody() | GatheredBody() | NoticeBody():
            return []
        case UnreadableBody():
            return [body.why]
        case _:
            assert_never(body)


def _list_endings(body: Body, message: Message) -> list[Line]:
    """How a question ended; where an earlier version didn't note when, it stands right behind the question."""
    if not isinstance(body, Asking) or not body.closed:
        return []
    asked = body.question if isinstance(body, GateBody) else body.sentence
    return [Line(f"{body.closed} ({asked})", body.closed_at or message.created_at)]
