"""What a telephone shows of a message: the cluster and what is asked or told, before anybody is mentioned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.journal.bodies import (
    AnswerBody,
    Body,
    GatheredBody,
    GatheredLine,
    Message,
    Moment,
    NoticeBody,
    ThreadPlace,
    Unheard,
)
from bot.journal.records import MessagePlace
from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from bot.slack.drawing.words import Words, put_first
from tests.unit.bot.slack.samples import (
    ANA,
    BEN,
    CAI,
    CHANNEL,
    EVERYBODYS,
    SAMPLES,
    build_blocked_body,
    build_gate_body,
    build_message,
    build_view,
)

SHOWN = 80
# What is about many upgrades, or answers one person.
OF_NO_CLUSTER = frozenset({"calendar", "gate-copy", "log", "reminders-gathered"})
# Roots are posted as running; every other state is an edit, of which nobody is notified.
EDITED = frozenset({"root-aborted", "root-paused"})
QUESTIONS = [
    ("Replace the control plane of cluster-x by 1.4.10-asm.18?", "replace the control plane by 1.4.10-asm.18?"),
    ("Give the bot cluster-admin on cluster-x?", "give the bot cluster-admin?"),
    ("Download ASM 1.4.10-asm.18?", "download ASM 1.4.10-asm.18?"),
    ("Validate cluster-x with asmctl?", "validate with asmctl?"),
    ("Re-inject 56 pods in 10 workloads of all namespaces?", "re-inject 56 pods in 10 workloads of all namespaces?"),
    ("2 pods not re-injected and left to a person. Acknowledge?", "2 pods not re-injected and left to a person."),
    ("Edit authorization policies of cluster-x?", "edit authorization policies?"),
    ("Take cluster-x back to 1.4.7-asm.0?", "take back to 1.4.7-asm.0?"),
    ("Change cluster-x from PERMISSIVE to STRICT mTLS?", "change from PERMISSIVE to STRICT mTLS?"),
    ("Is cluster-x still meant, although it is reached in another way?", "is cluster-x still meant, although it is"),
    ("Go on with another description of ASM 1.4.10-asm.18 than was approved?", "go on with another description of ASM"),
    (
        "Replace the control plane of cluster-x by 1.4.10-asm.18, and remove 2 objects?",
        "replace the control plane by 1.4.10-asm.18, and remove 2 objects?",
    ),
    ("Acknowledge the findings?", "acknowledge the findings?"),
    ("Put back 2 policies of cluster-x?", "put back 2 policies?"),
    ("Take cluster-x back to 1.4.7-asm.0?", "take back to 1.4.7-asm.0?"),
    ("Let the upgrade of cluster-x remove 2 objects?", "let the upgrade remove 2 objects?"),
    ("2 workloads with a sidecar came later. Re-inject too?", "2 workloads with a sidecar came later. Re-inject too?"),
    ("Go on with 3 workloads whose approval is too old?", "go on with 3 workloads whose approval is too old?"),
]


def read_text(kind: Any, body: dict[str, Any], **changes: Any) -> str:
    """The text that Slack is given, in which times and people stand as it gets them."""
    return draw_message(build_message(kind, body), build_view(**changes), "rich", EVERYBODYS).text


@pytest.mark.parametrize(("question", "shown"), QUESTIONS)
def test_the_first_words_are_the_cluster_and_the_question(question: str, shown: str) -> None:
    """Nobody has to open Slack to know what is asked."""
    assert read_text("gate", build_gate_body(question=question))[:SHOWN].startswith(f"cluster-x: {shown}")


def list_templates(root: Path) -> Iterator[tuple[str, str]]:
    """Each question that a step of the plan asks, as a pattern of what stands in its text, with its place."""
    for file in sorted((root / "steps").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        said = {
            name.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for name in node.targets
            if isinstance(name, ast.Name)
        }
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Ask"):
                continue
            asked = next((one.value for one in call.keywords if one.arg == "question"), *call.args[:1])
            asked = said.get(asked.id, asked) if isinstance(asked, ast.Name) else asked
            for one in (asked.body, asked.orelse) if isinstance(asked, ast.IfExp) else (asked,):
                if pattern := write_pattern(one):
                    yield pattern, f"{file.relative_to(root)}:{call.lineno}"


def write_pattern(asked: ast.expr) -> str:
    """The text with anything where a value is put into it, "" where it was made elsewhere."""
    parts = asked.values if isinstance(asked, ast.JoinedStr) else [asked]
    if not all(isinstance(part, ast.Constant | ast.FormattedValue) for part in parts):
        return ""
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts)


def test_every_question_of_the_plan_is_in_the_table(project_root: Path) -> None:
    """Whoever adds one looks at what a telephone shows of it."""
    templates = list(list_templates(project_root))
    assert len(templates) >= 12
    known = [question for question, _ in QUESTIONS]
    missing = [place for pattern, place in templates if not any(re.fullmatch(pattern, one) for one in known)]
    assert missing == []


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - OF_NO_CLUSTER - EDITED))
def test_every_kind_of_message_begins_with_its_cluster_in_plain_words(name: str) -> None:
    """No mention, no bar, no code and no link takes the place of what is told."""
    message, view = SAMPLES[name]
    shown = draw_message(message, view, "rich", EVERYBODYS).text[:SHOWN]
    assert shown.startswith("cluster-x: ")
    assert not any(sign in shown.partition("\n")[0] for sign in ("<@", "█", "░", "`", "<http", "<!date"))


@settings(max_examples=60)
@given(
    st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True),
    st.sampled_from(["gate", "blocked"]),
    st.text(min_size=1, max_size=200),
)
def test_whatever_is_asked_of_any_cluster_begins_with_it(cluster: str, kind: Any, asked: str) -> None:
    """Cards and blocked steps alike, whatever their sentence holds."""
    body = build_gate_body(question=asked) if kind == "gate" else build_blocked_body(sentence=asked)
    assert read_text(kind, body, cluster=cluster).startswith(cluster)


def test_a_sentence_that_begins_with_its_cluster_is_left_as_it_is() -> None:
    """And another name that only begins alike is not taken for it."""
    told = [put_first("cluster-x", sentence) for sentence in ("cluster-x in us-central1-a", "cluster-x-1 is open")]
    assert told == ["cluster-x in us-central1-a", "cluster-x: cluster-x-1 is open"]


def test_a_question_mentions_last_those_who_may_answer_and_nobody_once_it_is_answered() -> None:
    """One mention a question."""
    asked, answered = (read_text("gate", build_gate_body(closed=how)) for how in ("", "approved by the other"))
    assert (asked.splitlines()[-1], "<@" in answered) == (f"<@{BEN}> <@{CAI}>", False)


def test_a_blocked_step_calls_who_asked_for_the_upgrade_and_who_may_approve() -> None:
    """Somebody has to decide; which of them is left to them."""
    assert read_text("blocked", build_blocked_body(people=[ANA, BEN])).splitlines()[-1] == f"<@{ANA}> <@{BEN}>"


@pytest.mark.parametrize(("result", "told"), [("upgraded", True), ("rolled back", True), ("proposed", False)])
def test_the_end_is_told_in_the_channel_and_a_proposal_in_its_thread_alone(result: str, told: bool) -> None:
    """Who never follows a thread learns that a mesh has changed."""
    message = build_message("finished", {"sentence": "it is over", "result": result})
    assert draw_message(message, build_view(), "rich", EVERYBODYS).broadcast is told


@pytest.mark.parametrize("result", ["upgraded", "rolled back", "returned", "aborted"])
def test_the_end_calls_who_asked_for_the_upgrade(result: str) -> None:
    """They wait for it, and nobody else has to."""
    assert read_text("finished", {"sentence": "it is over", "result": result}).splitlines()[-1] == f"<@{ANA}>"


def test_a_history_links_to_the_threads_that_it_tells_of() -> None:
    """Those that are posted, where the workspace is known."""
    places = (ThreadPlace("cluster-x-7", CHANNEL, "1700000000.000100"), ThreadPlace("cluster-x-6", CHANNEL, ""))
    body = AnswerBody(user=BEN, channel=CHANNEL, text="cluster-x-7: upgraded", threads=places)
    pen = Pen(lambda _: True, "https://w.slack.com/")
    link = f"<https://w.slack.com/archives/{CHANNEL}/p1700000000000100|cluster-x-7>"
    assert Words(None, pen).write(body)[-1] == f"Threads: {link}"


@pytest.mark.parametrize("look", ["rich", "plain"])
@pytest.mark.parametrize("kind", ["notice", "gathered"])
def test_thirty_links_fit_into_the_blocks_of_one_message(kind: str, look: Look) -> None:
    """With names and addresses as long as they come."""
    pen = Pen(lambda _: True, f"https://{'w' * 60}.enterprise.slack.com/")
    names = [f"{'production-cluster-' * 2}{number}-12" for number in range(30)]
    ts, at = "1700000000.000100", datetime(2026, 12, 1, tzinfo=UTC)
    lines = tuple(
        GatheredLine(f"{name} {'& ' * 80}", (Moment("Starts", at), Moment("Ends", at)), MessagePlace(CHANNEL, ts, ts))
        for name in names
    )
    bodies: dict[str, Body] = {
        "notice": NoticeBody(CHANNEL, "Slack refused", tuple(Unheard(name, name, ts) for name in names)),
        "gathered": GatheredBody(lines, text="30 reminders at once:"),
    }
    message = Message("m1", "", "", BEN, bodies[kind], at)
    drawn = str(draw_message(message, None, look, pen).blocks)
    assert drawn.count("archives/") >= (30 if kind == "notice" else 20)
