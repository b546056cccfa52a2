"""On a record that the bot can't have written nothing acts before a person says so; the same where the key was lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.journal.audit import Decided
from bot.journal.grounds import PASSED
from bot.journal.proofs import Key
from bot.windows.appointments import Appointment
from steps.contract.cards import Card
from steps.contract.notes import Note, read_as
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.mesh import Binding
from tests.unit.bot.engine.test_deeds import Places
from tests.unit.bot.workbench import ANA, BEN, CAI, Build

GATE, ACT = "access/approve", "access/bind"
WHAT = Note("access/what", read_as(str))
ASKED = "Go on with the upgrade of cluster-x as the journal has it now?"


class Bench:
    """An upgrade of ana's with a gate, and a step that acts; `acted` is on what."""

    def __init__(self, build: Build) -> None:
        self.acted: list[str] = []
        steps = {GATE: ask, ACT: self.act, "abort/report": lambda _ctx: Done("over")}
        self.engine = build(steps, ports=Places())
        self.engine.add_upgrade([GATE, ACT])
        self.engine.runner.turn()
        self.engine.post_cards()

    def act(self, ctx: Context) -> Outcome:
        """What an approval is for."""
        ctx.kubernetes.create_binding(Binding("one", "role", ()))
        self.acted.append(ctx.remember(WHAT, ctx.requester))
        return Waiting("for pods", 5.0)

    def forge(self, statement: str) -> None:
        """Write as somebody who has the file and no key."""
        with self.engine.store.transact() as db:
            assert db.execute(statement).rowcount >= 1

    def turn(self, seconds: float = 20.0) -> None:
        """The next turn."""
        self.engine.runner.turn()
        self.engine.post_cards()
        self.engine.clock.advance(seconds)

    @property
    def card(self) -> str:
        """What the latest card says."""
        return str(self.engine.store.read("select body from outbox where kind = 'gate' order by seq desc")[0]["body"])

    @property
    def sentence(self) -> str:
        """Where the upgrade stands."""
        return self.engine.row().sentence


def ask(ctx: Context) -> Outcome:
    """The gate."""
    return pass_gate(ctx, Ask("May it?", Card("Card"), {"what": "shown"}))


@pytest.fixture
def bench(build: Build) -> Bench:
    """It asks."""
    return Bench(build)


@pytest.fixture
def acting(bench: Bench) -> Bench:
    """It was let pass, and has acted once."""
    bench.engine.click("approve", BEN)
    for _ in range(2):
        bench.turn()
    assert bench.acted == [ANA]
    bench.acted.clear()
    return bench


def test_what_a_person_approves_is_believed_and_goes_on(acting: Bench) -> None:
    """From then on it is proven, and nobody is asked again."""
    acting.forge("update upgrades set created_at = created_at + 1")
    acting.turn()
    assert (acting.sentence, acting.acted) == (ASKED, [])
    acting.engine.click("approve", CAI)
    for _ in range(4):
        acting.turn()
    assert acting.acted == [ANA] * 3
    assert acting.engine.journal.standing.read("cluster-x-1").faults == ()


def test_the_approval_of_it_stands_in_the_audit(acting: Bench) -> None:
    """With the digest of what was believed."""
    acting.forge("update upgrades set created_at = created_at + 1")
    acting.turn()
    digest = acting.engine.journal.standing.read("cluster-x-1").digest
    question = acting.engine.journal.find_open_question("cluster-x-1")
    acting.engine.click("approve", CAI)
    assert question
    assert set(question.binding.values()) == {digest}
    last = acting.engine.journal.list_audit("cluster-x-1")[-1].event
    assert isinstance(last, Decided)
    assert last.digest == question.digest


def test_a_denial_blocks_and_nothing_acts(acting: Bench) -> None:
    """Retry asks again."""
    acting.forge("update upgrades set created_at = created_at + 1")
    acting.turn()
    acting.engine.click("deny", CAI, reason="that was not me")
    acting.turn()
    assert acting.engine.row().state == "blocked"
    assert "denied to go on with it: that was not me" in acting.sentence
    acting.engine.click("retry", ANA)
    acting.turn()
    assert (acting.sentence, acting.acted) == (ASKED, [])


def test_what_changes_again_after_it_was_approved_is_asked_about_again(acting: Bench) -> None:
    """The approval holds for what stood on its card."""
    acting.forge("update upgrades set created_at = created_at + 1")
    acting.turn()
    acting.engine.click("approve", CAI)
    acting.forge("update memory set value = '\"other\"' where key = 'access/what'")
    acting.turn()
    assert (acting.sentence, acting.acted) == (ASKED, [])
    assert "has changed since that was approved" in acting.card


@pytest.mark.parametrize("order", ["pause", "resume"])
def test_what_a_person_orders_makes_a_forged_row_no_truer(acting: Bench, order: str) -> None:
    """The bot writes the same row then, and proves nothing that it did not find proven."""
    acting.forge("update upgrades set requester = 'U0OTHER'")
    acting.engine.click("pause", BEN)
    if order == "pause":
        acting.engine.journal.change_upgrade("cluster-x-1", paused_by="")
    acting.engine.click("resume", BEN)
    acting.turn()
    assert (acting.sentence, acting.acted) == (ASKED, [])


def test_a_note_that_is_changed_while_a_step_runs_is_not_used(build: Build) -> None:
    """A turn knows the notes as they were when they were proven."""
    seen: list[str | None] = []

    def look(ctx: Context) -> Outcome:
        with engine.store.transact() as db:
            db.execute("update memory set value = '\"other\"'")
        seen.append(ctx.recall(WHAT))
        return Done("")

    engine = build({ACT: look})
    engine.add_upgrade([ACT])
    engine.journal.remember("cluster-x-1", WHAT, "this")
    engine.runner.turn()
    assert seen == ["this"]


def test_a_row_that_moves_while_its_step_begins_is_looked_at_again(acting: Bench) -> None:
    """Whoever moved it: the step runs on what is proven, or not at all."""
    engine = acting.engine
    find, moved = engine.journal.find_upgrade, [True]

    def find_and_move(upgrade: str) -> object:
        row = find(upgrade)
        if moved and moved.pop():
            engine.journal.change_upgrade(upgrade, sentence="moved")
        return row

    engine.journal.find_upgrade = find_and_move  # type: ignore[method-assign, assignment]
    acting.turn()
    assert acting.acted == []
    acting.turn()
    assert acting.acted == [ANA]


def test_an_aborted_upgrade_on_such_a_record_writes_nothing_and_ends(acting: Bench) -> None:
    """What it leaves bound is found by its mark."""
    acting.engine.click("abort", ANA, reason="enough")
    acting.forge('update upgrades set address = \'{"key": "cluster-y"}\'')
    acting.turn()
    assert acting.engine.row().state == "blocked"
    acting.engine.click("abort", ANA, reason="enough")
    assert (acting.engine.row().state, acting.acted) == ("aborted", [])


def test_nobody_approves_as_another_by_a_forged_requester(bench: Bench) -> None:
    """Ana started it, and writes that Ben did: her approval decides nothing, and the journal is asked about first."""
    bench.forge(f"update upgrades set requester = '{BEN}'")
    assert "Nothing was decided" in bench.engine.click("approve", ANA)
    bench.forge(f"update upgrades set requester = '{ANA}'")
    for _ in range(3):
        bench.turn()
    assert (bench.sentence, bench.acted) == (ASKED, [])


LOST = Key(b"another key")


def test_with_another_key_everything_is_asked_again_and_nothing_is_lost(acting: Bench) -> None:
    """The same question, once; then the upgrade goes on where it stood."""
    acting.engine.store.key = LOST
    acting.turn()
    assert acting.sentence == ASKED
    acting.engine.click("approve", CAI)
    for _ in range(3):
        acting.turn()
    assert acting.acted == [ANA] * 2


def test_with_another_key_an_appointment_still_holds_the_upgrade(acting: Bench) -> None:
    """It counts again from the moment on at which somebody approved to go on, before anything acts."""
    starts = acting.engine.clock.now() + timedelta(hours=5)
    acting.engine.schedules.set_appointment("cluster-x-1", Appointment(starts, None, "UTC"), BEN, starts)
    acting.engine.store.key = LOST
    acting.turn()
    assert acting.sentence == ASKED
    acting.engine.click("approve", CAI)
    for _ in range(3):
        acting.turn()
    assert acting.acted == []
    assert acting.engine.schedules.find_appointment("cluster-x-1")


def test_with_another_key_an_open_question_is_not_lost(bench: Bench) -> None:
    """Whoever answers it is told; the journal is asked about, then the gate asks for itself."""
    bench.engine.store.key = LOST
    assert "Nothing was decided" in bench.engine.click("approve", BEN)
    bench.turn()
    assert bench.sentence == ASKED
    bench.engine.click("approve", BEN)
    for _ in range(2):
        bench.turn()
    assert bench.sentence == "May it?"
    bench.engine.click("approve", BEN)
    for _ in range(2):
        bench.turn()
    assert bench.acted == [ANA]


def test_with_another_key_a_denial_needs_nothing(bench: Bench) -> None:
    """To stop something no record has to be believed."""
    bench.engine.store.key = LOST
    bench.engine.click("deny", BEN, reason="no")
    assert bench.engine.journal.find_open_question("cluster-x-1") is None


def test_how_each_step_was_left_is_on_record(acting: Bench) -> None:
    """With the question whose decision led past it; whoever takes the decision away is found out."""
    grounds = acting.engine.journal.standing.read("cluster-x-1")
    assert grounds.passed == {GATE: 1}
    acting.forge("update approvals set proof = '', state = 'expired'")
    assert acting.engine.journal.standing.read("cluster-x-1").faults == (f"the decisions about {GATE}",)


def test_a_step_that_nothing_led_past_is_named(acting: Bench) -> None:
    """Even where row and notes are proven: an upgrade stands behind all that it was let past."""
    acting.engine.journal.change_upgrade("cluster-x-1", plan=(GATE, "control-plane/approve", ACT))
    acting.turn()
    assert (acting.sentence, acting.acted) == (ASKED, [])
    assert "the way past control-plane/approve" in acting.card


def test_what_an_earlier_version_passed_is_not_missed(acting: Bench) -> None:
    """It kept no note of that."""
    acting.engine.journal.revise_json("cluster-x-1", PASSED, {})
    acting.turn()
    assert acting.acted == [ANA]


FORMS: dict[str, Callable[[], str]] = {
    "no text": lambda: "update memory set value = x'ff00'",
    "no JSON": lambda: "update memory set value = '['",
    "too deep": lambda: f"update memory set value = '{'[' * 10_000}'",
    "a proof that is no text": lambda: "update memory set proof = x'ff00'",
    "a count in words": lambda: "update upgrades set notes = 'many'",
    "a step that is no text": lambda: "update upgrades set step = x'ff00'",
    "a step that nobody knows": lambda: "update upgrades set step = 'no/step'",
    "a plan without the step": lambda: "update upgrades set plan = '[]'",
    "a generation beyond all": lambda: "update upgrades set generation = 1e300",
}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_stands_there_is_a_question_or_a_block_and_never_an_end(acting: Bench, form: str) -> None:
    """SQLite keeps whatever it is given."""
    acting.forge(FORMS[form]())
    acting.turn()
    assert acting.engine.store.read("select state from upgrades")[0]["state"] in ("asking", "blocked")
    assert acting.acted == []
