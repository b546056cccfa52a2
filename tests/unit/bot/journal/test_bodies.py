"""Rows of the outbox that earlier versions wrote, word for word, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot.journal.bodies import (
    LONGEST_PLAIN,
    AgendaLine,
    AgendaSection,
    AnswerBody,
    BlockedBody,
    Body,
    FileBody,
    FinishedBody,
    GateBody,
    GatheredBody,
    GatheredLine,
    Line,
    MessageKind,
    MilestoneBody,
    Moment,
    PodNumbers,
    ProgressBody,
    ReminderBody,
    RootBody,
    UnreadableBody,
    decode_body,
    encode_body,
)
from bot.telling.endings import (
    add_line,
    add_unheard,
    close_body,
    close_return,
    end_progress,
    leave_body,
    leave_out_heard,
)
from steps.contract.cards import APPROVE, DENY, Card, Choice, Detail, Progress

CARD = (
    '{"details": [{"lines": ["2 objects change"], "title": "Dry run"}], "estimate": "5 to 10 minutes", '
    '"facts": [["Release", "1.4.10-asm.18"]], "risks": ["one replica"], "snippet": null, '
    '"summary": ["istioctl manifest apply"], "title": "Control plane"}'
)
READ_CARD = Card(
    "Control plane",
    ("istioctl manifest apply",),
    (("Release", "1.4.10-asm.18"),),
    ("one replica",),
    (Detail("Dry run", ("2 objects change",)),),
    "5 to 10 minutes",
)
CHOICES = (
    '[{"confirm": "", "id": "approve", "label": "Approve", "needs_reason": false, "style": "primary"}, '
    '{"confirm": "", "id": "deny", "label": "Deny", "needs_reason": true, "style": "danger"}]'
)
STARTS = datetime(2026, 12, 3, 2, 0, tzinfo=UTC)
ENDS = datetime(2026, 12, 3, 5, 0, tzinfo=UTC)

EARLIER: dict[str, tuple[MessageKind, str, Body]] = {
    "root": (
        "root",
        '{"aborted_by": "", "generation": 1, "paused_by": "U0BEN00002", "phase": "access", "state": "asking", '
        '"steps": 7}',
        RootBody("asking", "U0BEN00002", "access", 1, 7, ""),
    ),
    "milestone": (
        "milestone",
        f'{{"card": {CARD}, "phase": "download", "sentence": "Verified OK"}}',
        MilestoneBody("Verified OK", "download", READ_CARD),
    ),
    "progress": (
        "progress",
        '{"details": ["web 2/2"], "ended": false, "phase": "sidecars", "progress": {"done": 4, "per_minute": 96.0, '
        '"seconds_left": null, "total": 5, "unit": "pods"}, "sentence": "4/5 pods"}',
        ProgressBody("4/5 pods", "sidecars", Progress(4, 5, "pods", 96.0, None), ("web 2/2",), False),
    ),
    "progress-without-a-count": (
        "progress",
        '{"details": [], "ended": true, "phase": "download", "progress": null, "sentence": "istioctl has ended"}',
        ProgressBody("istioctl has ended", "download", None, (), True),
    ),
    "gate": (
        "gate",
        f'{{"approvers": ["U0BEN00002"], "card": {CARD}, "choices": {CHOICES}, "closed": "", "digest": "9f", '
        '"expires_at": "2026-12-03T02:00:00+00:00", "generation": 1, "moved": ["shop is paused"], '
        '"question": "Replace it?", "step": "control-plane/approve"}',
        GateBody(
            question="Replace it?",
            card=READ_CARD,
            moved=("shop is paused",),
            digest="9f",
            approvers=("U0BEN00002",),
            choices=(APPROVE, DENY),
            step="control-plane/approve",
            generation=1,
            expires_at=STARTS,
        ),
    ),
    "blocked": (
        "blocked",
        '{"choices": [{"confirm": "Not repeated.", "id": "accept", "label": "Accept", "needs_reason": true, '
        '"style": ""}], "closed": "accepted by <@U0BEN00002>", "expires_at": null, "generation": 2, '
        '"remedy": "Retry.", "sentence": "asmctl failed", "step": "validate/run"}',
        BlockedBody(
            sentence="asmctl failed",
            remedy="Retry.",
            choices=(Choice("accept", "Accept", "", True, "Not repeated."),),
            step="validate/run",
            generation=2,
            closed="accepted by <@U0BEN00002>",
        ),
    ),
    "file": (
        "file",
        '{"name": "istioctl.txt", "text": "line\\n"}',
        FileBody("istioctl.txt", "line\n"),
    ),
    "answer": (
        "answer",
        '{"channel": "C0MESHOPS1", "response_url": "", "text": "Paused cluster-x-1.", "user": "U0BEN00002"}',
        AnswerBody("U0BEN00002", "C0MESHOPS1", "", "Paused cluster-x-1."),
    ),
    "calendar": (
        "answer",
        '{"agenda": [{"lines": [["cluster-x-7", "2026-12-03T02:00:00+00:00", "2026-12-03T05:00:00+00:00"], '
        '["cluster-y-1", "2026-12-03T02:00:00+00:00", ""], ["at any time", "", ""]], "title": "Upgrades"}], '
        '"channel": "C0MESHOPS1", "response_url": "", "text": "The next 30 days", "user": "U0BEN00002"}',
        AnswerBody(
            user="U0BEN00002",
            channel="C0MESHOPS1",
            text="The next 30 days",
            agenda=(
                AgendaSection(
                    "Upgrades",
                    (
                        AgendaLine("cluster-x-7", STARTS, ENDS),
                        AgendaLine("cluster-y-1", STARTS),
                        AgendaLine("at any time"),
                    ),
                ),
            ),
        ),
    ),
    "finished": (
        "finished",
        f'{{"card": {CARD}, "pods": {{"manual": 5, "total": 75, "upgraded": 70}}, "result": "upgraded", '
        '"sentence": "upgraded cluster-x", "source": "1.4.7-asm.0", "target": "1.4.10-asm.18"}',
        FinishedBody(
            "upgraded cluster-x", READ_CARD, "upgraded", "1.4.7-asm.0", "1.4.10-asm.18", PodNumbers(70, 5, 75)
        ),
    ),
    "reminder": (
        "reminder",
        f'{{"cancel": true, "choices": {CHOICES}, "closed": "", "cluster": "cluster-x", "controls": ["pause"], '
        '"generation": 1, "kind": "starts", "missed": "", "moments": [["Starts", "2026-12-03T02:00:00+00:00"], '
        '["Ends", "2026-12-03T05:00:00+00:00"]], "place": "C0MESHOPS1", "seq": 12, "seqs": [10, 12], '
        '"snoozes": [300, 900], "step": "access/approve", "text": "Starts now.", "upgrade": "cluster-x-7"}',
        ReminderBody(
            upgrade="cluster-x-7",
            kind="starts",
            seq=12,
            seqs=(10, 12),
            text="Starts now.",
            moments=(Moment("Starts", STARTS), Moment("Ends", ENDS)),
            choices=(APPROVE, DENY),
            step="access/approve",
            generation=1,
            controls=("pause",),
            cancel=True,
            cluster="cluster-x",
            snoozes=(300, 900),
            place="C0MESHOPS1",
        ),
    ),
    "reminders-gathered": (
        "reminder",
        '{"closed": "", "lines": [{"moments": [["Starts", "2026-12-03T02:00:00+00:00"]], "text": "It starts."}], '
        '"others": ["cluster-y-1"], "seqs": [1, 2], "text": "2 reminders at once:", "upgrade": ""}',
        GatheredBody(
            (GatheredLine("It starts.", (Moment("Starts", STARTS),)),), (1, 2), "2 reminders at once:", ("cluster-y-1",)
        ),
    ),
}


@pytest.mark.parametrize("name", EARLIER)
def test_a_row_of_an_earlier_version_is_read(name: str) -> None:
    """Whatever it was that it told."""
    kind, text, body = EARLIER[name]
    assert decode_body(kind, text) == body


@pytest.mark.parametrize("name", EARLIER)
def test_a_body_is_read_as_it_was_written(name: str) -> None:
    """One place writes it and reads it."""
    kind, _, body = EARLIER[name]
    assert (body.message_kind, decode_body(kind, encode_body(body))) == (kind, body)


@pytest.mark.parametrize("name", EARLIER)
def test_what_a_row_has_besides_is_passed_over(name: str) -> None:
    """A version that was taken back may have left it."""
    kind, text, body = EARLIER[name]
    assert decode_body(kind, f'{text[:-1]}, "of a later version": [1]}}') == body


@pytest.mark.parametrize("kind", ["root", "milestone", "progress", "gate", "blocked", "file", "answer", "finished"])
def test_what_a_row_lacks_is_empty(kind: MessageKind) -> None:
    """An earlier version may not have had it."""
    assert isinstance(decode_body(kind, "{}"), UnreadableBody) is False


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"sentence": 5}', '{"choices": [1]}', '{"agenda": [1]}'])
@pytest.mark.parametrize("kind", ["blocked", "answer"])
def test_what_cannot_be_read_keeps_its_kind(kind: MessageKind, text: str) -> None:
    """So that the other rows go on."""
    body = decode_body(kind, text)
    assert body.message_kind == kind


def test_a_question_and_a_reminder_can_be_closed() -> None:
    """Nothing else asks for anything."""
    gate, reminder = EARLIER["gate"][2], EARLIER["reminder"][2]
    closed = [close_body(body, "approved") for body in (gate, reminder, RootBody("asking"))]
    assert closed[2] == RootBody("asking")
    assert [getattr(body, "closed", "") for body in closed] == ["approved", "approved", ""]


CHANGES: dict[str, Callable[[Body], Body]] = {
    "close": lambda body: close_body(body, "approved", at=STARTS),
    "add a line": lambda body: add_line(body, Line("created", STARTS)),
    "leave": lambda body: leave_body(body, "moved", STARTS),
    "close the way back": close_return,
    "end progress": lambda body: end_progress(body, "5/5 pods"),
    "leave out": lambda body: leave_out_heard(body, set()),
    "add unheard": lambda body: add_unheard(body, ()),
}


@pytest.mark.parametrize("kind", ["gate", "blocked", "reminder", "progress", "notice", "finished", "root"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_be_read_is_left_as_it_is(change: str, kind: MessageKind) -> None:
    """Whatever becomes of what it told."""
    body = UnreadableBody(kind, "damaged")
    assert CHANGES[change](body) == body


def test_progress_ends_with_what_came_of_it() -> None:
    """Without a sentence the last one stays."""
    body = ProgressBody("4/5 pods", "sidecars", None, ("web",))
    assert end_progress(body) == ProgressBody("4/5 pods", "sidecars", None, ("web",), True)
    assert end_progress(body, "5/5 pods", ()) == ProgressBody("5/5 pods", "sidecars", None, (), True)
    assert end_progress(RootBody()) == RootBody()


def test_a_long_file_takes_a_fraction_of_its_room() -> None:
    """Its text is packed, and read as it was; any letters are."""
    text = "apiVersion: v1\nkind: Service  # ≥ 1\n" * 2000
    stored = encode_body(FileBody("manifest.yaml", text))
    assert (len(stored) < len(text) / 20, decode_body("file", stored)) == (True, FileBody("manifest.yaml", text))


@pytest.mark.parametrize("length", [LONGEST_PLAIN, LONGEST_PLAIN + 1])
def test_a_change_record_and_a_short_file_are_what_they_were(length: int) -> None:
    """On either side of where packing begins."""
    for body in (FileBody("a.txt", "x" * length), FileBody("record.html", made="change record")):
        assert decode_body("file", encode_body(body)) == body
