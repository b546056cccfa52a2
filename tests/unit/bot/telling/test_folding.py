"""What stands in a message of its own, and what the card decided before it carries."""

from __future__ import annotations

import pytest

from bot.journal.bodies import FileBody, GateBody, Line, MilestoneBody, ProgressBody
from bot.journal.outbox import name_card
from bot.telling.folding import FOLDED, GOES_ON, SHOWING
from steps.contract.cards import Attachment, Card, Progress
from steps.contract.step import Ask, Done, Waiting
from steps.contract.wording import Aside
from steps.plan import ORDER, STEPS
from tests.unit.bot.workbench import BEN, START, Build, Engine

ASKED = Ask("Download it?", Card("Download"), {"what": "this"})
# What people decide or look at, and where the cluster begins to be written to and ends to be.
NEVER = ("approve", "acknowledge", "bind", "rollout", "verify", "report", "return", "land", "revoke")


@pytest.fixture
def engine(build: Build) -> Engine:
    """An upgrade whose gate of the download is decided."""
    engine = build({})
    engine.add_upgrade([step.id for step in ORDER])
    engine.journal.change_upgrade("cluster-x-1", step="download/approve", generation=1)
    engine.chronicle.tell_question(engine.row(), 1, ASKED, START, None)
    engine.chronicle.close_card(engine.row(), f"approved by <@{BEN}>", START)
    return engine


def reach(engine: Engine, step: str, outcome: Done) -> None:
    """The upgrade stands at this step, and it is done."""
    engine.journal.change_upgrade("cluster-x-1", step=step)
    engine.chronicle.tell_done(engine.row(), outcome, START)


def read_card(engine: Engine) -> GateBody:
    """The card that was decided."""
    card = engine.outbox.find_body("cluster-x-1", name_card("download/approve", 1))
    assert isinstance(card, GateBody)
    return card


def list_posted(engine: Engine) -> list[str]:
    """The sentences and file names that Slack is to get in messages of their own."""
    bodies = [message.body for message in engine.outbox.list_unsent(START)]
    told = [body.sentence for body in bodies if isinstance(body, MilestoneBody | ProgressBody)]
    return [*told, *(body.name for body in bodies if isinstance(body, FileBody))]


@pytest.mark.parametrize("step", sorted(FOLDED | SHOWING | GOES_ON.keys() | set(GOES_ON.values())))
def test_only_steps_that_there_are_fold(step: str) -> None:
    """A name that is misspelt folds nothing."""
    assert step in STEPS


@pytest.mark.parametrize("step", sorted(STEPS))
def test_decisions_and_the_ends_of_writes_never_fold(step: str) -> None:
    """Whoever scrolls through the thread sees them."""
    assert not (step in FOLDED and any(word in step.partition("/")[2] for word in NEVER))


@pytest.mark.parametrize("step", sorted(FOLDED))
def test_a_folded_outcome_is_a_line_of_the_card_with_its_time(engine: Engine, step: str) -> None:
    """And no message; the journal has it."""
    reach(engine, step, Done("backup: 28 objects"))
    assert (read_card(engine).lines, list_posted(engine)) == ((Line("backup: 28 objects", START),), [])
    assert MilestoneBody in [type(message.body) for message in engine.outbox.list_told("cluster-x-1")]


@pytest.mark.parametrize("step", ["download/verify", "control-plane/rollout", "access/bind"])
def test_what_people_wait_for_is_a_message(engine: Engine, step: str) -> None:
    """Verified, replaced, and the first write."""
    reach(engine, step, Done("it is so"))
    assert (read_card(engine).lines, list_posted(engine)) == ((), ["it is so"])


def test_what_goes_on_in_one_message_ends_in_it(engine: Engine) -> None:
    """The apply and its rollout are one to whoever waits for them."""
    engine.journal.change_upgrade("cluster-x-1", step="control-plane/apply")
    engine.chronicle.tell_waiting(engine.row(), Waiting("istioctl runs", 5, details=("Pilot",)), START)
    reach(engine, "control-plane/apply", Done("istioctl has ended"))
    engine.journal.change_upgrade("cluster-x-1", step="control-plane/rollout")
    engine.chronicle.tell_waiting(engine.row(), Waiting("2 of 5", 5, Progress(2, 5, "workloads")), START)
    reach(engine, "control-plane/rollout", Done("control plane replaced"))
    assert (list_posted(engine), [line.text for line in read_card(engine).lines]) == (
        ["control plane replaced"],
        ["istioctl has ended"],
    )


def test_asides_of_a_step_fold_and_what_else_it_says_does_not(engine: Engine) -> None:
    """A wave that is done is looked up; a workload that drops out is told."""
    engine.chronicle.tell_sentences(engine.row(), [Aside("wave shop done"), "shop/web drops out"], START)
    assert ([line.text for line in read_card(engine).lines], list_posted(engine)) == (
        ["wave shop done"],
        ["shop/web drops out"],
    )


def test_files_of_what_went_well_are_kept_and_the_difference_is_posted(engine: Engine) -> None:
    """One difference, one ledger."""
    files = tuple(Attachment(name, "text") for name in ("difference.txt", "manifest.yaml"))
    reach(engine, "download/preview", Done("preview: 7 changed", attachments=files))
    reach(engine, "sidecars/restart", Done("56/56", attachments=(Attachment("sidecars-ledger.csv", "web"),)))
    reach(engine, "sidecars/acknowledge", Done("all", attachments=(Attachment("sidecars-ledger.csv", "web"),)))
    assert [name for name in list_posted(engine) if "." in name] == ["difference.txt", "sidecars-ledger.csv"]


def test_the_first_card_holds_the_proposal_and_no_other_does(build: Build) -> None:
    """One card a gate, and what is known of the cluster stands there once."""
    engine = build({})
    engine.add_upgrade([step.id for step in ORDER])
    reach(engine, "prepare/propose", Done("proposal", Card("58 sidecars")))
    for generation, step in enumerate(("access/approve", "download/approve"), 1):
        engine.journal.change_upgrade("cluster-x-1", step=step, generation=generation)
        engine.chronicle.tell_question(engine.row(), generation, ASKED, START, None)
    cards = [message.body for message in engine.outbox.list_unsent(START)]
    assert [card.proposal for card in cards if isinstance(card, GateBody)] == [Card("58 sidecars"), None]


def test_an_aborted_upgrade_folds_nothing(engine: Engine) -> None:
    """What went otherwise than approved is told whole."""
    engine.journal.change_upgrade("cluster-x-1", aborted_by=BEN)
    reach(engine, "access/release", Done("cluster-admin is taken back"))
    assert (read_card(engine).lines, list_posted(engine)) == ((), ["cluster-admin is taken back"])
