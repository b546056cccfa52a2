"""The runner: outcomes become journal rows, and nothing is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.journal.store import StoreBroken
from steps.contract.cards import Card, Progress
from steps.contract.errors import GiveUp, NoPlace, NotGranted, TryAgain
from steps.contract.ledger import LedgerEntry
from steps.contract.notes import Note, read_as
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from tests.unit.bot.workbench import BEN, CAI, Build, HandClock

SHOWN, STAMP = Note("shown", read_as(str)), Note("stamp", read_as(str))


def say_done(_ctx: Context) -> Outcome:
    """A step that is done at once."""
    return Done("seen")


def ask(ctx: Context) -> Outcome:
    """A gate over what the memory holds."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": ctx.recall(SHOWN)}))


def test_a_done_step_moves_the_upgrade_to_the_next_one(build: Build) -> None:
    """One turn is one step."""
    engine = build({"prepare/a": say_done, "prepare/b": say_done})
    engine.add_upgrade(["prepare/a", "prepare/b"])
    engine.runner.turn()
    assert engine.row().step == "prepare/b"


def test_the_last_done_step_ends_the_upgrade(build: Build) -> None:
    """An upgrade at its plan's end is upgraded and never due again."""
    engine = build({"prepare/a": say_done})
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    assert (engine.row().state, engine.row().due) == ("upgraded", None)


def test_waiting_is_due_again_after_its_pause(build: Build) -> None:
    """A pause is capped by the runner's longest."""
    engine = build({"prepare/a": lambda _ctx: Waiting("not yet", 600)})
    engine.add_upgrade(["prepare/a"])
    due = engine.runner.turn()
    assert due == engine.clock.now() + timedelta(seconds=15)


def test_waiting_beyond_patience_is_blocked(build: Build) -> None:
    """A person decides when a step waits for too long."""
    engine = build({"prepare/a": lambda _ctx: Waiting("no node", 5)}, patience=timedelta(minutes=1))
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    engine.clock.advance(61)
    engine.runner.turn()
    assert engine.row().state == "blocked"
    assert "no node" in engine.row().sentence


@pytest.mark.parametrize(
    ("fault", "state", "sentence"),
    [
        (TryAgain("the API server is busy", 3), "running", "the API server is busy"),
        (GiveUp("the signature is wrong", "Take another archive."), "blocked", "the signature is wrong"),
        (ValueError("oops"), "blocked", "prepare stopped on a fault of the bot itself: ValueError: oops"),
    ],
)
def test_an_exception_becomes_an_outcome(build: Build, fault: Exception, state: str, sentence: str) -> None:
    """TryAgain waits, GiveUp and unknown faults ask a person."""

    def fail(_ctx: Context) -> Outcome:
        raise fault

    engine = build({"prepare/a": fail})
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    assert (engine.row().state, engine.row().sentence) == (state, sentence)


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (TryAgain("no answer"), [2.0, 2.0, 2.0, 3.0, 4.5, 6.75, 10.125, 15.0, 15.0]),
        (TryAgain("asked too often", 7.0), [7.0] * 9),
        (NoPlace("four programs run"), [15.0] * 9),
    ],
)
def test_the_pause_before_another_try_grows(build: Build, fault: Exception, pauses: list[float]) -> None:
    """Soon at first, up to the longest pause, unless the server said when; what waits for a place is in no hurry."""

    def fail(_ctx: Context) -> Outcome:
        raise fault

    engine = build({"prepare/a": fail}, patience=timedelta(hours=1))
    engine.add_upgrade(["prepare/a"])
    taken = []
    for _ in pauses:
        due = engine.runner.turn()
        assert due is not None
        taken.append((due - engine.clock.now()).total_seconds())
        engine.clock.time = due
    assert taken == pytest.approx(pauses)


def test_a_right_that_was_just_granted_is_waited_for(build: Build) -> None:
    """Told at once at first; after a retry it is looked for for minutes, more and more rarely, and told again."""

    def look(_ctx: Context) -> Outcome:
        raise NotGranted("GKE answered 403", "Grant the role, then retry.")

    engine = build({"prepare/a": look})
    row = engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    assert engine.row().state == "blocked"
    engine.click("retry", BEN, row.id)
    pauses: list[float] = []
    while True:
        engine.runner.turn()
        if engine.row().state == "blocked":
            break
        assert "may count only minutes later" in engine.row().sentence
        due = engine.row().due
        assert due is not None
        pauses.append((due - engine.clock.now()).total_seconds())
        engine.clock.time = due
    assert (pauses[0], pauses[-1], 590 < sum(pauses) < 700) == (5.0, 15.0, True)
    assert engine.row().remedy == "Grant the role, then retry."


def test_an_approval_of_what_was_shown_opens_the_gate(build: Build) -> None:
    """The gate's step runs again with the decision and holds it against the digest."""
    engine = build({"access/approve": ask, "access/bind": say_done})
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    engine.click("approve", BEN)
    engine.runner.turn()
    assert engine.row().step == "access/bind"


def test_an_approval_is_voided_when_what_was_shown_has_moved(build: Build) -> None:
    """The question is asked anew and says what moved."""
    engine = build({"access/approve": ask})
    row = engine.add_upgrade(["access/approve"])
    engine.journal.revise_json(row.id, SHOWN.key, "old")
    engine.runner.turn()
    engine.journal.revise_json(row.id, SHOWN.key, "new")
    engine.click("approve", BEN)
    engine.runner.turn()
    assert engine.row().state == "asking"
    assert engine.bodies("gate")[-1]["moved"] == ["what was old and is now new"]


def test_a_question_without_an_answer_expires_as_denied(build: Build) -> None:
    """Silence never opens a gate."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    engine.clock.advance(24 * 3600 + 1)
    engine.runner.turn()
    assert engine.row().sentence == "access was not approved in time, which counts as denied"


def test_a_late_click_on_an_expired_question_is_refused(build: Build) -> None:
    """An expired card can't be approved any more."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    engine.clock.advance(24 * 3600 + 1)
    engine.runner.turn()
    answer = engine.click("approve", BEN, step="access/approve", generation=1)
    assert "not current any more" in answer


def test_a_paused_upgrade_is_not_run(build: Build) -> None:
    """Pause stops before the next step."""
    engine = build({"prepare/a": say_done, "prepare/b": say_done})
    engine.add_upgrade(["prepare/a", "prepare/b"])
    engine.click("pause")
    engine.runner.turn()
    assert engine.row().step == "prepare/a"


def test_the_ledger_commits_with_the_outcome(build: Build) -> None:
    """What a turn records is there with its outcome and not before."""
    entry = LedgerEntry("uid-1", "shop", "web-1", "shop/Deployment/web", "upgraded")
    seen: list[int] = []

    def record(ctx: Context) -> Outcome:
        ctx.ledger.record_entries([entry])
        seen.append(len(engine.journal.read_ledger("cluster-x-1")))
        return Done("recorded")

    engine = build({"sidecars/restart": record})
    engine.add_upgrade(["sidecars/restart"])
    engine.runner.turn()
    assert (seen, engine.journal.read_ledger("cluster-x-1")) == ([0], (entry,))


def test_memory_returns_the_first_value_stored(build: Build) -> None:
    """A stamp survives a second run of its step."""
    values = iter(["first", "second"])
    stored: list[object] = []

    def stamp(ctx: Context) -> Outcome:
        stored.append(ctx.remember(STAMP, next(values)))
        return Waiting("again", 0)

    engine = build({"sidecars/restart": stamp})
    engine.add_upgrade(["sidecars/restart"])
    engine.runner.turn()
    engine.runner.turn()
    assert stored == ["first", "first"]


def replay(*outcomes: Outcome) -> Callable[[Context], Outcome]:
    """A step that answers these one after the other."""
    left = list(outcomes)
    return lambda _ctx: left.pop(0)


def test_a_progress_message_tells_in_the_end_how_its_step_ended(build: Build) -> None:
    """Not for ever that istioctl runs; one message for both."""
    applying = Waiting("istioctl runs for 1 s", 0, details=("Pilot: applying",))
    engine = build({"a/apply": replay(applying, Done("istioctl has ended")), "b/next": say_done})
    engine.add_upgrade(["a/apply", "b/next"])
    engine.runner.turn()
    engine.runner.turn()
    [body] = engine.bodies("progress")
    assert (body["sentence"], body["details"], engine.bodies("milestone")) == ("istioctl has ended", [], [])


def test_the_end_of_a_bar_is_told_below_it_as_well(build: Build) -> None:
    """Milestones of its waves stand between the bar and its end."""
    moving = Waiting("1/2 pods", 0, Progress(1, 2))
    engine = build({"a/restart": replay(moving, Done("2/2 pods")), "b/next": say_done})
    engine.add_upgrade(["a/restart", "b/next"])
    engine.runner.turn()
    engine.runner.turn()
    assert [body["sentence"] for body in engine.bodies("milestone")] == ["2/2 pods"]


def test_a_progress_message_says_why_its_step_is_blocked(build: Build) -> None:
    """What runs no more is not shown as running."""
    applying = Waiting("istioctl runs for 1 s", 0, details=("Pilot: applying",))
    engine = build({"a/apply": replay(applying, Blocked("istioctl failed", "retry"))})
    engine.add_upgrade(["a/apply"])
    engine.runner.turn()
    engine.runner.turn()
    [body] = engine.bodies("progress")
    assert (body["sentence"], body["ended"]) == ("istioctl failed", True)


def test_an_unchanged_progress_message_is_not_edited_again(build: Build) -> None:
    """An edit is one overwritten row; the same words change nothing."""
    progress = Progress(1, 5)
    engine = build({"sidecars/restart": lambda _ctx: Waiting("1/5 pods", 0, progress)})
    engine.add_upgrade(["sidecars/restart"])
    engine.runner.turn()
    engine.runner.turn()
    [message] = [m for m in engine.outbox.list_unsent(engine.clock.now()) if m.kind == "progress"]
    assert message.revision == 1


def test_a_restart_resumes_where_the_journal_stands(build: Build) -> None:
    """Everything but the file may be lost."""
    clock = HandClock()
    steps = {"prepare/a": say_done, "prepare/b": say_done}
    engine = build(steps, clock)
    engine.add_upgrade(["prepare/a", "prepare/b"])
    engine.runner.turn()
    engine.store.close()
    again = build(steps, clock)
    again.runner.turn()
    assert again.row().state == "upgraded"


def test_a_journal_that_cant_be_written_stops_the_bot(build: Build) -> None:
    """Nothing is acted on that could not be recorded."""
    engine = build({"prepare/a": say_done})
    engine.add_upgrade(["prepare/a"])
    with engine.store.transact() as db:
        db.execute("pragma query_only = 1")
    with pytest.raises(StoreBroken, match="could not be written"):
        engine.runner.turn()


def test_a_blocked_choice_reaches_the_step_as_its_decision(build: Build) -> None:
    """Accepting a failure with a reason runs the step again with that decision."""
    from steps.contract.cards import Choice

    def validate(ctx: Context) -> Outcome:
        if ctx.decision:
            return Done(f"{ctx.decision.choice}: {ctx.decision.reason}")
        return Blocked("a check failed", "Mend it.", (Choice("accept", "Accept", needs_reason=True),))

    engine = build({"validate/run": validate, "finish/report": say_done})
    engine.add_upgrade(["validate/run", "finish/report"])
    engine.runner.turn()
    engine.click("decide", CAI, choice="accept", reason="known false alarm")
    engine.runner.turn()
    assert engine.row().sentence == "accept: known false alarm"


def test_a_retry_is_no_decision(build: Build) -> None:
    """The step runs anew as if nobody had said anything."""
    decisions: list[object] = []

    def block(ctx: Context) -> Outcome:
        decisions.append(ctx.decision)
        return Blocked("broken", "Mend it.")

    engine = build({"validate/run": block})
    engine.add_upgrade(["validate/run"])
    engine.runner.turn()
    engine.click("retry")
    engine.runner.turn()
    assert decisions == [None, None]


def test_upgrades_of_several_clusters_move_side_by_side(build: Build) -> None:
    """One that waits does not hold up another."""
    steps = {
        "prepare/a": lambda ctx: Waiting("busy", 60) if ctx.cluster.key == "cluster-x" else Done("seen"),
        "prepare/b": say_done,
    }
    engine = build(steps)
    engine.add_upgrade(["prepare/a", "prepare/b"])
    engine.add_upgrade(["prepare/a", "prepare/b"], "cluster-y")
    engine.runner.turn()
    assert (engine.row().step, engine.row("cluster-y-1").step) == ("prepare/a", "prepare/b")


def test_an_upgrade_whose_row_is_broken_is_blocked_and_the_others_go_on(build: Build) -> None:
    """Under the number of an incident, with the column that can't be read."""
    engine = build({"prepare/a": say_done, "prepare/b": say_done})
    engine.add_upgrade(["prepare/a", "prepare/b"])
    engine.add_upgrade(["prepare/a", "prepare/b"], key="cluster-y")
    with engine.store.transact() as db:
        db.execute("update upgrades set options = '{' where id = 'cluster-x-1'")

    engine.runner.turn()

    broken = engine.row()
    assert (broken.state, broken.step, broken.due) == ("blocked", "prepare/a", None)
    assert broken.sentence.startswith("the journal's row of cluster-x-1 can't be read (options: ")
    assert "(incident " in broken.remedy
    assert engine.row("cluster-y-1").step == "prepare/b"


def test_a_row_that_was_mended_goes_on_after_retry(build: Build) -> None:
    """Once somebody has approved what stands there now: the bot can't tell who mended it."""
    engine = build({"prepare/a": say_done, "prepare/b": say_done})
    whole = engine.add_upgrade(["prepare/a", "prepare/b"])
    with engine.store.transact() as db:
        db.execute("update upgrades set plan = 'no' where id = ?", [whole.id])
    engine.runner.turn()
    with engine.store.transact() as db:
        db.execute("update upgrades set plan = ?", [json.dumps(whole.plan)])
    question = engine.journal.find_open_question(whole.id)
    assert question is not None
    engine.transitions.retry(engine.row(), question, BEN, "mended")
    engine.runner.turn()
    assert engine.row().sentence == "Go on with the upgrade of cluster-x as the journal has it now?"
    engine.click("approve", BEN)
    for _ in range(2):
        engine.runner.turn()
    assert (engine.row().step, engine.row().state) == ("prepare/b", "running")
