"""Attacks on the binding of a decision to the card that was read: each way in, each thing that is not the card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from bot.clicks.clicks import Click, Clicks
from bot.clicks.orders import Approve, BreakGlass, Decide, Deny, Order, choose_order, confirm_order
from bot.journal.bodies import AnswerBody, GateBody, Message
from bot.journal.deliveries import UNWRITABLE
from bot.journal.rows import Question, build_code
from bot.orders.cards import shorten_card
from bot.settings.policy import Policy
from bot.slack.drawing.buttons import Target, build_choices, read_action, read_value
from steps.contract.cards import APPROVE, DENY, Card, Choice, Detail
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, POLICY, Build, Engine

GLASS = replace(POLICY, break_glass=frozenset({DEE}))
TRIAL = replace(GLASS, production=False)
NOBODY = "U0NOBODY01"


def ask_first(ctx: Context) -> Outcome:
    """The gate of the download."""
    return pass_gate(ctx, Ask("Download it?", Card("Download"), {"archive": "asm.tar.gz"}))


def ask_second(ctx: Context) -> Outcome:
    """The gate of the control plane."""
    return pass_gate(ctx, Ask("Replace it?", Card("Control plane"), {"record": "9f"}))


def ask_twice(ctx: Context) -> Outcome:
    """A gate whose approval asks once more."""
    again = (replace(APPROVE, confirm="Replace 68 objects?"), DENY)
    return pass_gate(ctx, Ask("Replace it all?", Card("Control plane"), {"record": "9f"}, again))


def block(ctx: Context) -> Outcome:
    """A check that may be accepted."""
    return Done("") if ctx.decision else Blocked("a check failed", "Look.", (Choice("accept", "Accept"),))


def stand(build: Build, *plan: str, policy: Policy = TRIAL) -> Engine:
    """An upgrade of ana's that stands at the first step of the plan; nothing of it was posted."""
    steps = {"download/approve": ask_first, "control-plane/approve": ask_second, "validate/run": block}
    steps |= {"control-plane/twice": ask_twice}
    engine = build({**steps, "end": lambda _ctx: Done("")}, policy=policy)
    engine.add_upgrade([*plan, "end"])
    engine.runner.turn()
    return engine


def open_question(engine: Engine) -> Question:
    """What is asked now."""
    question = engine.journal.find_open_question("cluster-x-1")
    assert question
    return question


def find_card(engine: Engine) -> Message:
    """The row of the card that waits for Slack."""
    return [one for one in engine.outbox.list_unsent(engine.clock.now()) if one.kind in ("gate", "blocked")][-1]


def order(engine: Engine, given: Order, by: str = CAI) -> AnswerBody:
    """The private answer to an order."""
    engine.clicks += 1
    click = Click(f"c{engine.clicks}", by, engine.clock.now(), given, channel="C0", door="command")
    engine.upgrades.receive(click)
    engine.upgrades.settle_clicks()
    assert Clicks(engine.store).find_answer(click.id)
    body = [one.body for one in engine.outbox.list_unsent(engine.clock.now()) if one.kind == "answer"][-1]
    assert isinstance(body, AnswerBody)
    return body


def press(button: Choice, asked: Question, reason: str) -> Order:
    """What its press orders, read from the button as it is drawn."""
    (drawn,) = build_choices([button], Target(asked.upgrade, asked.step, asked.generation, reason=reason))
    target, action = read_value(str(drawn.value)), read_action(str(drawn.action_id))
    assert target
    assert action
    made = choose_order(*action, target.upgrade, target.step, target.generation, target.reason)
    assert made
    return (confirm_order(made) if target.confirmed else None) or made


def take_copies(engine: Engine) -> None:
    """Slack takes the private answers that wait."""
    for one in engine.outbox.list_unsent(engine.clock.now()):
        if one.kind == "answer":
            engine.outbox.mark_sent(one.id, "answered", one.revision, engine.clock.now())


def test_an_approval_meant_for_the_card_before_does_not_approve_the_next(build: Build) -> None:
    """Cai read the download's card; while he typed, somebody approved it and the control plane's was asked."""
    engine = stand(build, "download/approve", "control-plane/approve")
    engine.post_cards()
    read = open_question(engine).code
    order(engine, Approve("cluster-x", code=read), BEN)
    engine.runner.turn()
    engine.runner.turn()
    engine.post_cards()
    answer = order(engine, Approve("cluster-x", code=read))
    assert (engine.row().step, engine.row().state) == ("control-plane/approve", "asking")
    assert answer.card
    assert answer.card.question == "Replace it?"


WRONG: dict[str, Callable[[Question], str]] = {
    "no code": lambda _asked: "",
    "a made-up code": lambda _asked: "AAAAAA",
    "the start of the code": lambda asked: asked.code[:5],
    "the code and more": lambda asked: f"{asked.code}A",
    "the card asked before": lambda asked: build_code(asked.upgrade, asked.step, asked.generation - 1, asked.digest),
    "the same step of another upgrade": lambda asked: build_code("cluster-y-1", asked.step, 1, asked.digest),
    "the same card showing something else": lambda asked: build_code(asked.upgrade, asked.step, 1, "other"),
}
WAYS: dict[str, tuple[str, Callable[[str], Order], str]] = {
    "approve": ("control-plane/approve", lambda code: Approve("cluster-x", code=code), CAI),
    "approve by the upgrade's id": ("control-plane/approve", lambda code: Approve("cluster-x-1", code=code), CAI),
    "decide": ("validate/run", lambda code: Decide("cluster-x", choice="accept", code=code), CAI),
    "break the glass": ("control-plane/approve", lambda code: BreakGlass("cluster-x", reason="now", code=code), DEE),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("way", WAYS)
def test_a_command_without_the_cards_code_decides_nothing_and_shows_the_card(
    build: Build, way: str, wrong: str
) -> None:
    """Every command that lets the upgrade act, with everything that is not the code."""
    step, write, by = WAYS[way]
    engine = stand(build, step)
    engine.post_cards()
    asked = open_question(engine)
    answer = order(engine, write(WRONG[wrong](asked)), by)
    assert open_question(engine) == asked
    assert answer.text.startswith("Nothing was decided")
    assert answer.card
    assert (answer.card.code, answer.card.choices) == (asked.code, asked.choices)


@pytest.mark.parametrize("write", [str.upper, str.lower])
@pytest.mark.parametrize("way", WAYS)
def test_the_code_of_a_posted_card_decides(build: Build, way: str, write: Callable[[str], str]) -> None:
    """In capitals or not."""
    step, make, by = WAYS[way]
    engine = stand(build, step)
    engine.post_cards()
    order(engine, make(write(open_question(engine).code)), by)
    assert engine.row().state == "running"


@pytest.mark.parametrize("way", WAYS)
def test_on_a_production_cluster_a_typed_code_is_answered_with_one_button_that_decides(build: Build, way: str) -> None:
    """A line that somebody else made ready to paste changes nothing there; whoever pasted it sees the numbers first."""
    step, make, by = WAYS[way]
    engine = stand(build, step, policy=GLASS)
    engine.post_cards()
    asked = open_question(engine)
    answer = order(engine, make(asked.code), by)
    assert open_question(engine) == asked
    assert answer.text.startswith("Nothing is decided yet: this is a production cluster")
    assert answer.card
    (button,) = answer.card.choices
    assert (answer.card.step, answer.card.generation, answer.card.code) == (asked.step, asked.generation, "")
    order(engine, press(button, asked, answer.reason), by)
    assert engine.row().state == "running"


def test_a_click_that_was_not_asked_once_more_decides_nothing(build: Build) -> None:
    """As of a card that an earlier version drew: the numbers come privately, with a button that asks, and decides."""
    engine = stand(build, "control-plane/twice", policy=GLASS)
    engine.post_cards()
    asked = open_question(engine)
    answer = order(engine, Approve("cluster-x-1", asked.step, asked.generation), BEN)
    assert open_question(engine) == asked
    assert answer.text.startswith("Nothing is decided yet")
    assert answer.card
    assert [button.confirm for button in answer.card.choices] == ["Replace 68 objects?"]
    order(engine, press(answer.card.choices[0], asked, ""), BEN)
    assert engine.row().state == "running"


@pytest.mark.parametrize(
    ("policy", "confirmed"), [(GLASS, True), (TRIAL, False)], ids=["confirmed", "not in production"]
)
def test_a_click_decides_at_once(build: Build, policy: Policy, confirmed: bool) -> None:
    """Where it was asked once more, and on a cluster that is not in production."""
    engine = stand(build, "control-plane/twice", policy=policy)
    engine.post_cards()
    asked = open_question(engine)
    order(engine, Approve("cluster-x-1", asked.step, asked.generation, confirmed=confirmed), BEN)
    assert engine.row().state == "running"


@pytest.mark.parametrize("way", WAYS)
def test_a_typed_code_gives_no_button_to_whoever_may_not_press_it(build: Build, way: str) -> None:
    """They are told why instead."""
    step, make, _ = WAYS[way]
    engine = stand(build, step, policy=GLASS)
    engine.post_cards()
    assert order(engine, make(open_question(engine).code), NOBODY).card is None


def test_who_types_that_they_break_the_glass_gives_the_reason_once(build: Build) -> None:
    """It stands in the answer, the button carries it, and everybody is told of it once the button is pressed."""
    engine = stand(build, "control-plane/approve", policy=GLASS)
    engine.post_cards()
    asked = open_question(engine)
    answer = order(engine, BreakGlass("cluster-x", reason="checkout is down", code=asked.code), DEE)
    assert answer.text.endswith("It gives your reason: checkout is down")
    assert answer.card
    order(engine, press(answer.card.choices[0], asked, answer.reason), DEE)
    (told,) = [told for told in engine.bodies("milestone") if "glass broken" in told["sentence"]]
    assert ": checkout is down <@" in told["sentence"]


def test_the_button_that_breaks_the_glass_decides_no_later_card(build: Build) -> None:
    """It names the card whose code was typed."""
    engine = stand(build, "download/approve", "control-plane/approve", policy=GLASS)
    engine.post_cards()
    asked = open_question(engine)
    answer = order(engine, BreakGlass("cluster-x", reason="now", code=asked.code), DEE)
    order(engine, Approve("cluster-x-1", asked.step, asked.generation), BEN)
    engine.runner.turn()
    engine.runner.turn()
    engine.post_cards()
    assert answer.card
    order(engine, press(answer.card.choices[0], asked, answer.reason), DEE)
    assert (engine.row().step, engine.row().state) == ("control-plane/approve", "asking")


def test_the_numbers_are_the_cards_facts(build: Build) -> None:
    """With how long it takes and how many risks stand on the card itself; its folds stay there."""
    card = Card("Card", ("told",), (("pods", "56"),), ("one", "two"), (Detail("fold", ("line",)),), "5 min")
    facts = (("pods", "56"), ("risks on the card", "2"))
    assert shorten_card(card) == Card("Card", facts=facts, estimate="5 min")


@pytest.mark.parametrize("way", WAYS)
def test_a_card_that_did_not_reach_slack_can_not_be_decided(build: Build, way: str) -> None:
    """Even by somebody who has its code; it comes to this person alone."""
    step, make, by = WAYS[way]
    engine = stand(build, step)
    answer = order(engine, make(open_question(engine).code), by)
    assert engine.row().state in ("asking", "blocked")
    assert "has not reached Slack" in answer.text
    assert answer.card


@pytest.mark.parametrize("kind", ["root", "gate", "milestone"])
@pytest.mark.parametrize("copied", [False, True], ids=["by its code", "by a private copy"])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "break the glass"])
def test_a_card_that_nobody_can_see_is_not_decided(build: Build, way: str, copied: bool, kind: str) -> None:
    """Its channel takes nothing, or not what it waits behind: not by a copy of one's own either."""
    step, make, by = WAYS[way]
    engine = stand(build, step)
    asked = open_question(engine)
    if copied:
        order(engine, make(""), by)
        take_copies(engine)
    engine.chronicle.tell(engine.row(), "said beside it", engine.clock.now())
    refused = find_card(engine) if kind == "gate" else find_waiting(engine, kind)
    engine.outbox.mark_posting(refused.id)
    engine.outbox.defer_message(refused.id, engine.clock.now(), f"{UNWRITABLE}Slack refused: is_archived; unarchive it")
    given = make(asked.code)
    answer = order(engine, replace_card(given, asked) if copied else given, by)
    assert engine.row().state in ("asking", "blocked")
    assert answer.text.startswith(
        "Nothing was decided: nobody can see the card of cluster-x-1, so it can't be approved."
    )
    assert "Slack refused: is_archived; unarchive it." in answer.text


def test_whoever_breaks_the_glass_over_a_card_that_nobody_can_see_is_told_of_to_each_directly(build: Build) -> None:
    """A channel that never comes back must not keep a half upgraded cluster; the breaker sees the card first."""
    engine = stand(build, "control-plane/approve")
    card, asked = find_card(engine), open_question(engine)
    engine.outbox.defer_message(card.id, engine.clock.now(), f"{UNWRITABLE}Slack refused: channel_not_found")
    given = BreakGlass("cluster-x", reason="mesh is down", code=asked.code)
    shown = order(engine, given, DEE)
    assert (engine.row().state, shown.card and shown.card.code) == ("asking", asked.code)
    take_copies(engine)
    order(engine, given, DEE)
    assert engine.row().state == "running"
    direct = "select channel, body from outbox where kind = 'milestone' and channel like 'U%' order by seq"
    told = {row["channel"]: row["body"] for row in engine.store.read(direct, [])}
    assert list(told) == [ANA, BEN, CAI]
    assert all("cluster-x-1: 🚨 glass broken" in body and "mesh is down" in body for body in told.values())


def find_waiting(engine: Engine, kind: str) -> Message:
    """The first row of a kind that waits for Slack."""
    return next(one for one in engine.outbox.list_unsent(engine.clock.now()) if one.kind == kind)


@pytest.mark.parametrize("sent", ["card", "refused message"])
def test_a_card_that_stands_in_its_channel_is_decided_whatever_is_refused_after_it(build: Build, sent: str) -> None:
    """It was read there; and what was refused and then taken refuses nothing any more."""
    engine = stand(build, "control-plane/approve")
    engine.chronicle.tell(engine.row(), "said beside it", engine.clock.now())
    refused = find_waiting(engine, "milestone")
    engine.outbox.defer_message(refused.id, engine.clock.now(), f"{UNWRITABLE}Slack refused: is_archived")
    if sent == "card":
        engine.post_cards()
    else:
        engine.begin_posting_cards()
        engine.outbox.mark_sent(refused.id, "1.1", refused.revision, engine.clock.now())
    order(engine, Approve("cluster-x-1", "control-plane/approve", 1))
    assert engine.row().state == "running"


def replace_card(given: Order, asked: Question) -> Order:
    """The same order by a button of the card."""
    return msgspec.structs.replace(given, target=asked.upgrade, step=asked.step, generation=asked.generation, code="")


def test_a_card_that_nobody_can_see_can_be_denied(build: Build) -> None:
    """Stopping needs no witness."""
    engine = stand(build, "control-plane/approve")
    card = find_card(engine)
    engine.outbox.defer_message(card.id, engine.clock.now(), f"{UNWRITABLE}Slack refused: is_archived")
    order(engine, Deny("cluster-x", reason="no"))
    assert engine.row().state == "running"


def test_a_button_of_a_card_whose_posting_never_began_is_forged(build: Build) -> None:
    """No such button exists anywhere."""
    engine = stand(build, "control-plane/approve")
    order(engine, Approve("cluster-x-1", "control-plane/approve", 1))
    assert engine.row().state == "asking"


def test_a_button_pressed_before_slacks_answer_came_decides(build: Build) -> None:
    """The post was begun, and a button that is pressed has arrived."""
    engine = stand(build, "control-plane/approve")
    engine.outbox.mark_posting(find_card(engine).id)
    order(engine, Approve("cluster-x-1", "control-plane/approve", 1))
    assert engine.row().state == "running"


def test_a_private_copy_counts_once_slack_took_it_and_for_its_reader_alone(build: Build) -> None:
    """Where the card itself can't be posted."""
    engine = stand(build, "control-plane/approve")
    code = open_question(engine).code
    order(engine, Approve("cluster-x", code=code))
    order(engine, Approve("cluster-x", code=code))
    assert engine.row().state == "asking"
    take_copies(engine)
    order(engine, Approve("cluster-x", code=code), BEN)
    assert engine.row().state == "asking"
    order(engine, Approve("cluster-x", code=code))
    assert engine.row().state == "running"


def test_a_copy_shows_what_the_card_shows(build: Build) -> None:
    """With its code, and without the mentions."""
    engine = stand(build, "control-plane/approve")
    answer, body = order(engine, Approve("cluster-x")), find_card(engine).body
    assert isinstance(body, GateBody)
    assert answer.card
    assert (answer.upgrade, answer.card.card, answer.card.code) == ("cluster-x-1", body.card, body.code)
    assert (body.approvers, answer.card.approvers) == ((BEN, CAI), ())


def test_whoever_may_not_approve_is_told_so_instead_of_a_card(build: Build) -> None:
    """A card with buttons that they may not press would be no answer."""
    engine = stand(build, "control-plane/approve")
    answer = order(engine, Approve("cluster-x"), DEE)
    assert (answer.text[:44], answer.card) == ("You are not among this cluster's approvers, ", None)


def test_a_denial_needs_neither_code_nor_card(build: Build) -> None:
    """To stop something nobody has to have read anything."""
    engine = stand(build, "control-plane/approve")
    order(engine, Deny("cluster-x", reason="no"))
    assert engine.journal.find_open_question("cluster-x-1") is None
