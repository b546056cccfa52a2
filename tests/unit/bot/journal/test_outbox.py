"""What a look at the outbox costs, and that it shows what is there."""

from __future__ import annotations

import pytest

from bot.journal.bodies import Body, FileBody, MessageKind, MilestoneBody, decode_body
from tests.unit.bot.workbench import START, Build


def test_a_backlog_is_read_once(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack is away, and each commit wakes the outbox: only what has changed is read again."""
    read: list[str] = []

    def count(kind: MessageKind, text: str) -> Body:
        read.append(kind)
        return decode_body(kind, text)

    monkeypatch.setattr("bot.journal.outbox.decode_body", count)
    outbox = build({}).outbox
    outbox.add_message("cluster-x-1", "C1", FileBody("manifest.yaml", "kind: Service\n" * 500), START)
    outbox.put_message("cluster-x-1", "proposal", "C1", MilestoneBody("one"), START)
    looks = [outbox.list_unsent(START) for _ in range(50)]
    assert (sorted(read), looks[0] == looks[49]) == (["file", "milestone"], True)
    outbox.put_message("cluster-x-1", "proposal", "C1", MilestoneBody("two"), START)
    read.clear()
    assert [message.body for message in outbox.list_unsent(START)][1] == MilestoneBody("two")
    assert read == ["milestone"]
    outbox.mark_sent(looks[0][0].id, "1.1", 1, START)
    assert [message.kind for message in outbox.list_unsent(START)] == ["milestone"]
    assert len(outbox._known) == 1
