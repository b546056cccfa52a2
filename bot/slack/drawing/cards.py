"""Cards (proposal, gate, report) as Block Kit."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from slack_sdk.models.blocks import (
    Block,
    ContainerBlock,
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextPreformattedElement,
    RichTextSectionElement,
    SectionBlock,
)

from bot.journal.bodies import Line
from bot.slack.drawing.text import HASH, HASH_SHOWN, Pen, clean, cut, cut_written, escape, shorten_hashes
from steps.contract.cards import Card, Detail
from steps.contract.wording import begin_sentence

Look: TypeAlias = Literal["rich", "plain", "bare"]

SECTION_LIMIT = 2900
FIELD_LIMIT = 1900
FIELDS_A_SECTION = 10
FACTS_SHOWN = 20
LINES_SHOWN = 15
DETAILS_SHOWN = 10
# What a card says of what will happen; more stands in a fold.
SUMMARY_SHOWN = 3
DETAIL_LIMIT = 1800
TITLE_LIMIT = 140
LINE_LIMIT = 600
LOGGED_LIMIT = 220
UNTITLED = "Details"
# How the title of a fold begins that has the long hashes, one a line; so many fit into the limit of a fold.
HASHES = "Hashes in full"
HASHES_A_FOLD = 14
WORDS_SHOWN = 60
CHILDREN_IN_CONTAINER = 10
FOLDED_LIMIT = 10_000


def build_text(written: str) -> SectionBlock:
    """A section of mrkdwn that is already escaped; Slack adds no links or mentions of its own."""
    return SectionBlock(text=build_mrkdwn(written))


def build_texts(written: Iterable[str]) -> list[Block]:
    """Lines that are already escaped, in as few sections as the limit allows."""
    return [build_text(part) for part in _pack(written)]


def build_mrkdwn(written: str) -> MarkdownTextObject:
    """Mrkdwn that Slack doesn't preprocess: no automatic links, channel names or mentions."""
    return MarkdownTextObject(text=written, verbatim=True)


def build_note(written: str) -> ContextBlock:
    """Small print, already escaped."""
    return ContextBlock(elements=[build_mrkdwn(written)])


def build_sentence(text: str, pen: Pen, prefix: str = "", cluster: str = "") -> SectionBlock:
    """One of our sentences as a section; it begins with a capital, unless it begins with the name of its cluster."""
    return build_text(prefix + pen.write_sentence(begin_sentence(text, cluster) or " ", SECTION_LIMIT - len(prefix)))


def build_list(heading: str, lines: Sequence[str], pen: Pen) -> list[Block]:
    """A heading (already written) and a bullet for each line; nothing where there are no lines."""
    if not lines:
        return []
    shown = [f"• {pen.write_sentence(begin_sentence(line), LINE_LIMIT)}" for line in lines[:LINES_SHOWN]]
    if len(lines) > LINES_SHOWN:
        shown.append(f"… and {len(lines) - LINES_SHOWN} more")
    return build_texts([heading, *shown] if heading else shown)


def build_log(lines: Sequence[Line], pen: Pen, most: int = LINES_SHOWN) -> list[Block]:
    """What happened, the latest lines, each with its time in the reader's own zone; nothing where there are none."""
    written = [
        f"{pen.write_time(line.at, '{time}')} {pen.write_sentence(begin_sentence(line.text), LOGGED_LIMIT)}"
        for line in lines
    ]
    if (left := len(written) - most) > 0:
        written = [f"… {left} before that: `/asm-upgrade log` and `asm-upgrade log` have all", *written[-most:]]
    return build_texts(written)


def build_lines(lines: Sequence[str], look: Look) -> Block:
    """Foreign lines in fixed width, for tables and output of programs."""
    if look == "rich":
        return RichTextBlock(elements=[RichTextPreformattedElement(elements=[_plain_lines(lines)])])
    text = cut(clean("\n".join(lines)), DETAIL_LIMIT) or " "
    return build_text("```" + cut_written(text, SECTION_LIMIT, lambda part: escape(part).replace("```", "'''")) + "```")


def build_card(card: Card | None, pen: Pen, look: Look, said: Sequence[str] = ()) -> list[Block]:
    """The blocks of a card: title, what will happen, facts, risks, estimate and lines to copy and folded details.

    The long hashes of what is `said` beside it stand in its folds too.
    """
    return _build_whole(_add_hashes(card, said), pen, look) if card else build_hashes(said, look)


def build_hashes(said: Sequence[str], look: Look) -> list[Block]:
    """A fold of the long hashes in these sentences, none where they have none."""
    return _build_details(_list_hashes((), said), look)


def build_open_card(
    card: Card | None, pen: Pen, look: Look, known: Collection[str], times: Sequence[Block], said: Sequence[str] = ()
) -> list[Block]:
    """The blocks of a card that is asked about: what will happen, risks that are new, `times`, facts, then folds.

    `known` are risks that were on a card approved before, `said` is what stands beside it.
    """
    if card is None:
        return [*times, *build_hashes(said, look)]
    fresh = [risk for risk in card.risks if risk not in known]
    earlier = tuple(risk for risk in card.risks if risk in known)
    folds = (("More of what will happen", card.summary[SUMMARY_SHOWN:]), ("Risks as on an earlier card", earlier))
    hashes = _list_hashes(card.facts, (*card.summary, *fresh, *said))
    return [
        *_build_title(card.title),
        *build_list("", card.summary[:SUMMARY_SHOWN], pen),
        *build_list("*New risks*" if earlier else "*Risks*", fresh, pen),
        *([build_note("No new risks: those of earlier cards stand below.")] if earlier and not fresh else []),
        *_build_estimate(card.estimate),
        *times,
        *_build_facts(card.facts),
        *_build_snippet(card.snippet, look),
        *_build_details((*hashes, *(Detail(title, lines) for title, lines in folds if lines), *card.details), look),
    ]


def _build_whole(card: Card, pen: Pen, look: Look) -> list[Block]:
    return [
        *_build_title(card.title),
        *build_list("", card.summary, pen),
        *_build_facts(card.facts),
        *build_list("*Risks*", card.risks, pen),
        *_build_estimate(card.estimate),
        *_build_snippet(card.snippet, look),
        *_build_details(card.details, look),
    ]


def build_folded_card(title: str, card: Card | None, pen: Pen, look: Look, said: Sequence[str] = ()) -> list[Block]:
    """A card that has served its purpose, folded under a title; left unfolded where a container can't hold it."""
    unfolded = build_card(card, pen, look, said)
    if look != "rich" or card is None:
        return unfolded
    whole = _add_hashes(card, said)
    children = [*_build_whole(replace(whole, details=()), pen, look), *_flatten_details(whole.details)]
    if not children or len(children) > CHILDREN_IN_CONTAINER or _measure(children) > FOLDED_LIMIT:
        return unfolded
    return [_fold(title, children)]


def _add_hashes(card: Card, said: Sequence[str]) -> Card:
    """The card with a fold of its long hashes first, to be copied; what stands outside shows their beginnings."""
    hashes = _list_hashes(card.facts, (*card.summary, *card.risks, *said))
    return replace(card, details=(*hashes, *card.details))


def _list_hashes(facts: Sequence[Sequence[str]], said: Sequence[str]) -> tuple[Detail, ...]:
    """Folds of as many as fit into one, a line for each hash: whole, and then what it is of."""
    told = (*(f"{name}: {value}" for name, value in facts), *map(begin_sentence, said))
    lines = tuple(dict.fromkeys(line for text in told for line in _list_lines(text)))
    parts = [lines[place : place + HASHES_A_FOLD] for place in range(0, len(lines), HASHES_A_FOLD)]
    return tuple(Detail(f"{HASHES}, {place}" if place else HASHES, part) for place, part in enumerate(parts))


def _list_lines(text: str) -> list[str]:
    """Each hash of a text with the words that tell what it is of: those before it."""
    lines, before = [], 0
    for found in HASH.finditer(text):
        words = shorten_hashes(text[before : found.start()].strip())
        lines.append(f"{words[-WORDS_SHOWN:]} {found[0]}".strip())
        before = found.end()
    return lines


def _build_title(title: str) -> list[Block]:
    return [build_text(f"*{cut_written(title, TITLE_LIMIT)}*")] if title else []


def _pack(lines: Iterable[str]) -> list[str]:
    """Join lines into as few sections as the limit allows."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + len(line) + 1 <= SECTION_LIMIT:
            packed[-1] += "\n" + line
        else:
            packed.append(line)
    return packed


def _build_facts(facts: Sequence[Sequence[str]]) -> list[Block]:
    fields = [_write_fact(name, value) for name, value in facts[:FACTS_SHOWN]]
    if len(facts) > FACTS_SHOWN:
        fields.append(f"… and {len(facts) - FACTS_SHOWN} more")
    return [
        SectionBlock(fields=[build_mrkdwn(field) for field in fields[start : start + FIELDS_A_SECTION]])
        for start in range(0, len(fields), FIELDS_A_SECTION)
    ]


def _write_fact(name: str, value: str) -> str:
    title = name[:1].upper() + name[1:] if name.islower() else name
    written = HASH.sub(lambda found: f"`{found[0][:HASH_SHOWN]}`", cut_written(value or "–", 400))
    return f"*{cut_written(title, 80)}*\n{written}"


def _build_estimate(estimate: str) -> list[Block]:
    return [build_note(f"⏱ {cut_written(estimate, 600)}")] if estimate else []


def _build_snippet(snippet: Detail | None, look: Look) -> list[Block]:
    if snippet is None:
        return []
    return [build_text(f"*{cut_written(snippet.title, TITLE_LIMIT)}*"), build_lines(snippet.lines, look)]


def _build_details(details: Sequence[Detail], look: Look) -> list[Block]:
    blocks: list[Block] = []
    for detail in details[:DETAILS_SHOWN]:
        blocks += _build_detail(detail.title or UNTITLED, detail.lines, look)
    if len(details) > DETAILS_SHOWN:
        blocks.append(build_note(f"… and {len(details) - DETAILS_SHOWN} more details"))
    return blocks


def _build_detail(title: str, lines: Sequence[str], look: Look) -> list[Block]:
    content = build_lines(lines, look)
    if look != "rich":
        return [build_text(f"*{cut_written(title, TITLE_LIMIT)}*"), content]
    return [_fold(title, [content])]


def _measure(blocks: Sequence[Block]) -> int:
    return len(json.dumps([block.to_dict() for block in blocks], ensure_ascii=False, separators=(",", ":")))


def _flatten_details(details: Sequence[Detail]) -> list[Block]:
    """Details as they stand inside a container, which holds no other: a heading and the lines of each in one block."""
    elements: list[RichTextElement] = []
    for detail in details[:DETAILS_SHOWN]:
        elements.append(RichTextSectionElement(elements=[_bold(detail.title)]))
        elements.append(RichTextPreformattedElement(elements=[_plain_lines(detail.lines)]))
    return [RichTextBlock(elements=elements)] if elements else []


def _fold(title: str, children: list[Block]) -> ContainerBlock:
    return ContainerBlock(
        title=PlainTextObject(text=_clean_title(title), emoji=False),
        child_blocks=children,
        is_collapsible=True,
        default_collapsed=True,
    )


def _bold(title: str) -> RichTextElement:
    return RichTextElementParts.Text(text=_clean_title(title), style=RichTextElementParts.TextStyle(bold=True))


def _clean_title(title: str) -> str:
    return cut(clean(title).strip(), TITLE_LIMIT) or UNTITLED


def _plain_lines(lines: Sequence[str]) -> RichTextElement:
    return RichTextElementParts.Text(text=cut(clean("\n".join(lines)), DETAIL_LIMIT) or " ")
