"""What is read of an upgrade."""

from __future__ import annotations

import pytest

from bot.evidence.record import count_waited, find_open_time, read_record
from bot.journal.bodies import GateBody
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.evidence.conftest import UPGRADE, WAITED, Ended, read, restart
from tests.unit.bot.workbench import ANA, BEN


def test_a_question_stands_with_its_card_and_who_decided_it(ended: Ended) -> None:
    """The card as it was shown, under the digest that the audit has of it."""
    engine = ended()
    (asked,) = read(engine).questions
    audited = [entry.event for entry in engine.journal.list_audit(UPGRADE)]
    assert isinstance(asked.card, GateBody)
    assert asked.question.decided_by == BEN
    assert [getattr(event, "shown", None) for event in audited[:2]] == [asked.shown, asked.shown]


def test_every_deed_is_a_call(ended: Ended) -> None:
    """With its result, in the order in which they were done."""
    deeds = (restart("shop/Deployment/web"), restart("shop/Deployment/cart", "failed: 409"))
    calls = read(ended(deeds=deeds)).calls
    assert [(call.to.partition(" ")[0], call.result) for call in calls] == [
        ("shop/Deployment/web", "accepted"),
        ("shop/Deployment/cart", "failed: 409"),
    ]


def test_an_upgrade_and_its_way_back_name_each_other(ended: Ended) -> None:
    """Whoever reads one of the two finds the other."""
    engine = ended()
    engine.journal.remember(UPGRADE, SOURCE, Source("1.4.7-asm.0"))
    back = engine.transitions.begin_return(engine.row(UPGRADE), ANA, "the new proxies leak")
    assert read(engine).way_back == f"{back.id} (running)"
    assert read_record(engine.store, back.id, engine.clock.now()).upgrade.takes_back == UPGRADE


def test_time_that_people_took_is_counted_apart(ended: Ended) -> None:
    """From the question to its answer."""
    assert count_waited(read(ended())) == WAITED


def test_an_open_question_waits_until_the_record_is_read(ended: Ended) -> None:
    """The upgrade is not over."""
    engine = ended()
    with engine.store.transact() as db:
        db.execute("update approvals set state = 'open', decided_at = null")
        db.execute("update upgrades set ended_at = null")
    record = read(engine)
    assert find_open_time(record, record.questions[0].question)[1] == record.read_at


def test_a_changed_row_of_the_audit_is_told(ended: Ended) -> None:
    """The record never vouches for what contradicts itself."""
    engine = ended()
    with engine.store.transact() as db:
        db.execute("update audit set actor = 'U0DEE00004' where action = 'approve'")
    assert [fault for fault in read(engine).faults if "was changed" in fault]


def test_an_upgrade_that_is_not_there_has_no_record(ended: Ended) -> None:
    """Whoever asks for it looked before."""
    engine = ended()
    with pytest.raises(KeyError):
        read_record(engine.store, "cluster-y-1", engine.clock.now())
