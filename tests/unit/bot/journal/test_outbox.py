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


@pytest.mark.parametrize("written", ["'soon'", "x'ff'", "1e300", "-1e300", "9e999"])
@pytest.mark.parametrize("column", ["not_before", "created_at"])
def test_a_message_whose_time_can_not_be_read_keeps_no_other_back(build: Build, column: str, written: str) -> None:
    """It is given up, which its row and the log say; nobody waits for it for good."""
    engine = build({})
    for sentence in ("one", "two"):
        engine.outbox.add_message("cluster-x-1", "C1", MilestoneBody(sentence), START)
    engine.store._db.execute(f"update outbox set {column} = {written} where seq = (select min(seq) from outbox)")
    assert {one.not_before for one in engine.outbox.list_waiting(START)} == {None}
    assert [message.body for message in engine.outbox.list_unsent(START)] == [MilestoneBody("two")]
    (trouble,) = engine.store.read("select trouble from outbox where trouble <> ''")
    assert "its row can't be read: " in trouble["trouble"]
    assert len(engine.outbox.list_waiting(START)) == 1
