"""What a look at the outbox costs, and that it shows what is there."""

from __future__ import annotations

import pytest

from bot.journal.bodies import Body, FileBody, MessageKind, MilestoneBody, decode_body
from tests.unit.bot.workbench import START, Build


def test_a_look_at_a_backlog_reads_none_of_it(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack is away, and each commit wakes the outbox: what a message tells is read when it is sent."""
    read: list[str] = []

    def count(kind: MessageKind, text: str) -> Body:
        read.append(kind)
        return decode_body(kind, text)

    monkeypatch.setattr("bot.journal.outbox.decode_body", count)
    outbox = build({}).outbox
    outbox.add_message("cluster-x-1", "C1", FileBody("manifest.yaml", "kind: Service\n" * 500), START)
    outbox.put_message("cluster-x-1", "proposal", "C1", MilestoneBody("one"), START)
    looks = [outbox.list_waiting(START) for _ in range(50)]
    assert (read, looks[0] == looks[49], [one.kind for one in looks[0]]) == ([], True, ["file", "milestone"])
    outbox.put_message("cluster-x-1", "proposal", "C1", MilestoneBody("two"), START)
    read.clear()
    message = outbox.find_message(looks[0][1].id)
    assert message is not None
    assert (message.body, message.revision, read) == (MilestoneBody("two"), 2, ["milestone"])
    outbox.mark_sent(looks[0][0].id, "1.1", 1, START)
    assert [one.kind for one in outbox.list_waiting(START)] == ["milestone"]
