"""What people were asked, what they were shown and what they answered."""

from __future__ import annotations

from collections.abc import Iterable

from bot.evidence.document import Code, Facts, Fold, Lines, Part, Section, Table
from bot.evidence.record import AskedQuestion, ChangeRecord
from bot.evidence.wording import write_moment, write_name, write_unmarked
from bot.journal.audit import Consented, GlassBroken, read_event
from bot.journal.bodies import BlockedBody, GateBody
from bot.journal.chain import SealedRow
from bot.journal.rows import Question
from bot.telling.phrases import name_done
from steps.contract.cards import Card

HEADINGS = ("Asked (UTC)", "Question", "Answer", "By", "At (UTC)", "Reason")


def build_questions(record: ChangeRecord) -> Section:
    """A table of all decisions, then each card as it was shown."""
    if not record.questions:
        return Section("Decisions", (Lines(("Nothing was asked.",)),))
    rows = tuple(_build_row(record, asked.question) for asked in record.questions)
    return Section("Decisions", (Table(HEADINGS, rows), *(_build_card(asked) for asked in record.questions)))


def _build_row(record: ChangeRecord, question: Question) -> tuple[str, ...]:
    answer = name_done(question.choice) if question.state == "decided" else question.state
    return (
        write_moment(question.asked_at),
        write_unmarked(question.question),
        answer,
        ", ".join(map(write_name, _list_deciders(record.audit, question))),
        write_moment(question.decided_at),
        write_unmarked(question.reason),
    )


def _list_deciders(audit: Iterable[SealedRow], question: Question) -> list[str]:
    """Everybody whose word counted, each once, the last one last; whoever broke the glass is said to have."""
    if not question.decided_by:
        return []
    named: dict[str, None] = {}
    for row in audit:
        event = read_event(row.action, row.detail)
        if isinstance(event, Consented | GlassBroken) and (event.step, event.generation) == _place(question):
            named[row.actor] = None
    named.pop(question.decided_by, None)
    return [*named, question.decided_by]


def _place(question: Question) -> tuple[str, int]:
    return question.step, question.generation


def _build_card(asked: AskedQuestion) -> Fold:
    question = asked.question
    title = f"Card {question.generation}: {write_unmarked(question.question)}"
    facts = (
        ("Code on the card", question.code),
        ("SHA-256 of what the card said", asked.shown or "the card is not in the journal any more"),
        ("SHA-256 of what the answer holds for", question.digest or "nothing besides the question"),
        ("Could be answered until (UTC)", write_moment(question.expires_at) or "no limit"),
    )
    return Fold(title, (Facts(facts), *_list_parts(asked.card)))


def _list_parts(body: GateBody | BlockedBody | None) -> list[Part]:
    match body:
        case GateBody(card=card, moved=moved):
            return [*([Lines(tuple(map(write_unmarked, moved)))] if moved else []), *(list_card(card) if card else [])]
        case BlockedBody(sentence=sentence, remedy=remedy):
            return [Lines(tuple(write_unmarked(said) for said in (sentence, remedy) if said))]
        case None:
            return []


def list_card(card: Card) -> list[Part]:
    """A card as it was shown, its folded parts included."""
    parts: list[Part] = [Lines(tuple(map(write_unmarked, (card.title, *card.summary))))]
    if card.facts:
        parts.append(Facts(tuple((name, write_unmarked(told)) for name, told in card.facts)))
    parts += [Lines(tuple(f"Risk: {write_unmarked(risk)}" for risk in card.risks))] if card.risks else []
    parts += [Lines((write_unmarked(card.estimate),))] if card.estimate else []
    parts += [Fold(detail.title, (Code("\n".join(detail.lines)),)) for detail in card.details]
    if card.snippet:
        parts.append(Fold(card.snippet.title, (Code("\n".join(card.snippet.lines)),)))
    return parts
