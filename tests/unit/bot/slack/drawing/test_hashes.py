"""A hash in a sentence is its beginning; whoever wants all of it copies it from a fold or the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import draw_message
from tests.unit.bot.slack.samples import (
    CARD,
    EVERYBODYS,
    build_asking_view,
    build_blocked_body,
    build_gate_body,
    build_message,
    build_reminder_body,
    build_view,
)
from tests.unit.steps.builders import read_shipped_release

LONG = "0123456789abcdef" * 4
SHORT = "0123456789ab"
TOLD = f"its SHA-256 is {LONG}"
# Every kind of message with a hash in each of its sentences, and whether a fold has to hold it.
KINDS: dict[str, tuple[Any, dict[str, Any], bool]] = {
    "milestone": ("milestone", {"sentence": TOLD}, True),
    "milestone-card": ("milestone", {"sentence": TOLD, "card": {**CARD, "risks": [TOLD]}}, True),
    "progress": ("progress", {"sentence": TOLD}, False),
    "moved": ("gate", build_gate_body(moved=[f"its signing key was {LONG}"]), True),
    "risks": ("gate", build_gate_body(card={**CARD, "risks": [TOLD]}), True),
    "known-risks": ("gate", build_gate_body(card={**CARD, "risks": [TOLD]}, known=[TOLD]), True),
    "summary": ("gate", build_gate_body(card={**CARD, "summary": [TOLD]}), True),
    "facts": ("gate", build_gate_body(card={**CARD, "facts": [["signing key", LONG]]}), True),
    "question": ("gate", build_gate_body(question=TOLD, card=None), True),
    "decided": ("gate", build_gate_body(moved=[TOLD], card={**CARD, "risks": [TOLD]}, closed=TOLD), True),
    "blocked": ("blocked", build_blocked_body(sentence=TOLD, remedy=TOLD), True),
    "finished": ("finished", {"sentence": TOLD, "card": CARD, "result": "upgraded"}, True),
    "copy": ("answer", {"text": "Nothing.", "upgrade": "cluster-x-7", "card": build_gate_body(moved=[TOLD])}, True),
    "reminder": ("reminder", build_reminder_body(text=TOLD), False),
}


def list_texts(block: Any, fixed: bool = False) -> Iterator[tuple[str, bool]]:
    """Each text of a block, with whether it stands in fixed width."""
    match block:
        case {"type": "rich_text_preformatted", "elements": elements}:
            yield from (part for element in elements for part in list_texts(element, fixed=True))
        case dict():
            yield from (part for name, one in block.items() if name != "value" for part in list_texts(one, fixed))
        case list():
            yield from (part for one in block for part in list_texts(one, fixed))
        case str():
            outside = re.sub(r"```.*?```", "", block, flags=re.DOTALL)
            yield from ((outside, fixed), *((block, True) for _ in range(outside != block)))


@pytest.mark.parametrize("look", ["rich", "plain"])
@pytest.mark.parametrize("name", KINDS)
def test_a_hash_is_short_in_every_sentence_and_whole_in_a_fold(name: str, look: Look) -> None:
    """Of every kind of message; what has no fold is told whole by the log."""
    kind, body, folded = KINDS[name]
    view = build_asking_view() if kind == "gate" else build_view()
    drawn = draw_message(build_message(kind, body), view, look, EVERYBODYS)
    texts = [part for block in json.loads(json.dumps(drawn.blocks)) for part in list_texts(block)]
    assert [text for text, fixed in texts if LONG in text and not fixed] == []
    assert LONG not in drawn.text
    assert name == "known-risks" or any(SHORT in text for text, fixed in texts if not fixed)
    assert any(LONG in text for text, fixed in texts if fixed) is folded


def test_a_text_without_blocks_has_it_whole() -> None:
    """There is no fold."""
    assert LONG in draw_message(build_message("milestone", {"sentence": TOLD}), build_view(), "bare", EVERYBODYS).text


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_the_log_has_it_whole(look: Look) -> None:
    """It is where all that was told stands."""
    body = {"text": "The log of cluster-x-7:", "log": [[TOLD, "2026-12-01T02:00:00+00:00"]]}
    assert LONG in str(draw_message(build_message("answer", body), None, look, EVERYBODYS).blocks)


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_the_root_shows_its_beginning(look: Look) -> None:
    """The card that it speaks of has all of it."""
    view = build_view(state="blocked", sentence=TOLD, remedy=TOLD)
    phases = tuple(replace(phase, sentence=f"{phase.name}: {LONG}") for phase in view.phases)
    drawn = draw_message(build_message("root", {}), replace(view, phases=phases), look, EVERYBODYS)
    assert (LONG in str(drawn), SHORT in str(drawn)) == (False, True)


@pytest.mark.parametrize("look", ["rich", "plain"])
@pytest.mark.parametrize("lines", [1, 60])
@pytest.mark.parametrize("folds", [0, 9, 10, 25])
def test_no_fold_and_no_limit_takes_the_place_of_the_whole_hashes(folds: int, lines: int, look: Look) -> None:
    """Whoever approves compares them; other details are what is left out where a message can't hold all."""
    details = [{"title": f"d{number}", "lines": ["x" * 60] * lines} for number in range(folds)]
    many = [f"{'word ' * 100}{number} {number:064x}" for number in range(1, 13)]
    body = build_gate_body(card={**CARD, "facts": [["signing key", LONG]], "risks": many, "details": details})
    drawn = str(draw_message(build_message("gate", body), build_asking_view(), look, EVERYBODYS).blocks)
    assert [one for one in (LONG, *(f"{number:064x}" for number in range(1, 13))) if one not in drawn] == []


def test_a_key_that_nobody_shipped_is_named_whole_by_its_risk() -> None:
    """It is what the people judge; a fold may be left closed."""
    release = replace(read_shipped_release(), known_key=False)
    body = build_gate_body(card={**CARD, "risks": list(release.warnings)})
    drawn = draw_message(build_message("gate", body), build_asking_view(), "rich", EVERYBODYS)
    risks = [str(block) for block in drawn.blocks if "does not ship with" in str(block)]
    assert release.key_fingerprint in risks[0]
