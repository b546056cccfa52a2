"""What is drawn stays inside Slack's limits, by Slack's models and by the rules that they lack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.journal.bodies import Message
from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import CHARACTERS_LIMIT, count_characters, draw_message
from sandbox.slack.values.block_rules import check_blocks
from steps.contract.cards import Card, Detail
from tests.unit.bot.slack.samples import (
    EVERYBODYS,
    SAMPLES,
    build_asking_view,
    build_gate_body,
    build_message,
    build_view,
    read_blocks,
)

HUGE: dict[str, Any] = {
    "title": "t" * 5000,
    "summary": ["<" * 4000] * 90,
    "facts": [["name" * 500, "&" * 5000]] * 70,
    "risks": ["risk `" * 2000] * 80,
    "details": [{"title": "d" * 900, "lines": ["```" + "l" * 3000] * 400}] * 60,
    "estimate": "e" * 9000,
}


@pytest.fixture(scope="module")
def huge() -> Message:
    """Give a question whose card holds seventy megabytes, which take as long to write as to cut."""
    return build_message("gate", build_gate_body(card=HUGE))


def list_mrkdwn(value: Any) -> Iterator[str]:
    """Every text that Slack would read as mrkdwn."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for part in value.values():
            yield from list_mrkdwn(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from list_mrkdwn(part)


@pytest.mark.parametrize("look", ["rich", "plain"])
@pytest.mark.parametrize("name", SAMPLES)
def test_slack_would_take_the_blocks(name: str, look: Look) -> None:
    """No block is refused."""
    message, view = SAMPLES[name]
    check_blocks(list(draw_message(message, view, look, EVERYBODYS).blocks), "message")


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_a_huge_card_is_cut_and_not_refused(huge: Message, look: Look) -> None:
    """Limits are kept by cutting."""
    drawing = draw_message(huge, build_view(), look, EVERYBODYS)
    check_blocks(list(drawing.blocks), "message")
    assert count_characters(drawing.blocks) <= CHARACTERS_LIMIT


def test_the_buttons_of_a_huge_card_stay(huge: Message) -> None:
    """A card that can't be decided is worth nothing."""
    drawing = draw_message(huge, build_view(), "plain", EVERYBODYS)
    assert drawing.blocks[-1]["type"] == "actions"


def test_what_was_cut_is_said(huge: Message) -> None:
    """Nobody takes a part for the whole."""
    drawing = draw_message(huge, build_view(), "plain", EVERYBODYS)
    assert "did not fit" in str(drawing.blocks)


@settings(max_examples=60)
@given(st.text(max_size=300), st.text(max_size=300), st.lists(st.text(max_size=80), max_size=5))
def test_any_foreign_text_makes_valid_blocks(sentence: str, name: str, lines: list[str]) -> None:
    """Empty, odd and hostile strings included."""
    card = {
        "title": name,
        "summary": lines,
        "facts": [[name, sentence]],
        "risks": lines,
        "details": [{"title": name, "lines": lines}],
        "estimate": name,
    }
    message = build_message("gate", build_gate_body(question=sentence, card=card, moved=lines))
    check_blocks(list(draw_message(message, build_view(), "rich", EVERYBODYS).blocks), "message")


def test_a_broadcast_in_a_cluster_name_reaches_nobody() -> None:
    """Cluster names are foreign text too."""
    drawing = draw_message(
        build_message("root", {}, slot="root"), build_view(cluster="<!channel>"), "plain", EVERYBODYS
    )
    assert not any("<!channel>" in text for text in (*list_mrkdwn(drawing.blocks), drawing.text))


def test_the_bare_look_has_only_text() -> None:
    """The last resort where Slack takes no blocks."""
    message, view = SAMPLES["gate"]
    assert draw_message(message, view, "bare", EVERYBODYS).blocks == ()


def test_the_text_is_always_there() -> None:
    """Notifications and screen readers read it."""
    assert all(draw_message(message, view, "rich", EVERYBODYS).text for message, view in SAMPLES.values())


def test_block_ids_change_with_the_revision() -> None:
    """Slack wants a new block id with each edit."""
    drawn = [
        draw_message(build_message("gate", build_gate_body(), revision=revision), build_view(), "rich", EVERYBODYS)
        for revision in (1, 2)
    ]
    ids = [{block["block_id"] for block in drawing.blocks if block.get("block_id")} for drawing in drawn]
    assert ids[0].isdisjoint(ids[1])


def test_a_closed_card_has_no_buttons() -> None:
    """What is decided can't be clicked again."""
    message, view = SAMPLES["gate-closed"]
    assert all(block["type"] != "actions" for block in draw_message(message, view, "rich", EVERYBODYS).blocks)


HEAD = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("look", "ending"),
    [("rich", "Approved by Ben"), ("plain", "Approved by Ben"), ("bare", "Approved by Ben\nRecord `0123456789abcdef`")],
)
def test_a_decided_card_shows_the_beginning_of_the_record(look: Look, ending: str) -> None:
    """In each look, so that a journal that was written anew contradicts it."""
    message = build_message("gate", build_gate_body(closed="approved by Ben", head=HEAD))
    drawn = draw_message(message, build_view(), look, EVERYBODYS)
    assert drawn.text.endswith(ending)
    assert [block["elements"][0]["text"] for block in read_blocks(drawn)[-1:]] == (
        [] if look == "bare" else ["Approved by Ben · record `0123456789abcdef`"]
    )


def test_the_report_shows_the_whole_of_it() -> None:
    """With the command that looks for it."""
    message = build_message("finished", {"sentence": "upgraded cluster-x", "head": HEAD})
    shown = read_blocks(draw_message(message, build_view(), "rich", EVERYBODYS))[-1]["elements"][0]["text"]
    assert shown == f"The record ends with `{HEAD}`: `asm-upgrade verify --journal --head 0123456789abcdef`"


def test_the_report_carries_its_numbers_in_the_metadata() -> None:
    """A program that follows the thread reads the result there."""
    message, view = SAMPLES["finished"]
    metadata = draw_message(message, view, "rich", EVERYBODYS).metadata
    assert metadata is not None
    payload = metadata["event_payload"]
    assert (payload["result"], payload["pods_upgraded"], payload["pods_manual"], payload["pods_total"]) == (
        "upgraded",
        70,
        5,
        75,
    )


def test_a_decided_card_folds() -> None:
    """The thread stays readable, the evidence stays there."""
    message, view = SAMPLES["gate-closed"]
    kinds = [block["type"] for block in draw_message(message, view, "rich", EVERYBODYS).blocks]
    assert kinds == ["section", "container", "context", "section"]


def test_a_decided_card_that_no_container_holds_stays_open() -> None:
    """It is cut like any other then."""
    message = build_message("gate", build_gate_body(card=HUGE, closed="approved"))
    blocks = draw_message(message, build_view(), "rich", EVERYBODYS).blocks
    check_blocks(list(blocks), "message")
    assert len(blocks) > 3


@pytest.mark.parametrize("look", ["rich", "bare"])
def test_a_reminder_has_a_link_to_its_card(look: Look) -> None:
    """Where blocks are not to be had it stands in the text."""
    pen = replace(EVERYBODYS, workspace="https://example.slack.com/")
    message, view = SAMPLES["reminder"]
    drawn = draw_message(message, view, look, pen)
    link = "p1796090400000300?thread_ts=1796090400.000100&amp;cid=C0MESHOPS1|Open the card>"
    assert link in (json.dumps(drawn.blocks) if look == "rich" else drawn.text)


LONG = "ab" * 32


def draw_texts(look: Look = "rich", **changes: Any) -> list[str]:
    """What each block of an open card says, in order."""
    message = build_message("gate", build_gate_body(**changes))
    return [json.dumps(block) for block in draw_message(message, build_asking_view(), look, EVERYBODYS).blocks]


def place_of(part: str, texts: Sequence[str]) -> int:
    """Which block says it first."""
    return next(place for place, text in enumerate(texts) if part in text)


def test_an_open_card_says_what_will_happen_then_risks_then_times_then_folds() -> None:
    """As much as a telephone shows before anything else."""
    card = Card(
        "Title",
        ("What comes first", "second", "third", "fourth"),
        (("pods", "56"),),
        ("old", "new"),
        (Detail("Dry run", ("line",)),),
        "5 min",
    )
    texts = draw_texts(card=card_body(card), known=["old"])
    order = [
        "What comes first",
        "*New risks*",
        "5 min",
        "Expires",
        "Acts from",
        "56",
        "More of what will happen",
        "Dry run",
    ]
    places = [place_of(part, texts) for part in order]
    assert places == sorted(places)
    assert "ourth" not in texts[place_of("What comes first", texts)]
    assert "ld" not in texts[place_of("*New risks*", texts)].replace("bold", "")
    assert "old" in texts[place_of("Risks as on an earlier card", texts)]


def test_a_card_without_new_risks_says_so() -> None:
    """They stand in a fold."""
    texts = draw_texts(card=card_body(Card("Title", risks=("old",))), known=["old"])
    assert place_of("No new risks", texts) < place_of("Risks as on an earlier card", texts)


@pytest.mark.parametrize("look", ["rich", "plain"])
@pytest.mark.parametrize("closed", ["", "approved"])
def test_a_hash_is_short_and_can_be_copied_whole(look: Look, closed: str) -> None:
    """In a fold, in fixed width; also on a card that is decided."""
    texts = draw_texts(look, card=card_body(Card("Title", facts=(("archive", f"SHA-256 {LONG}"),))), closed=closed)
    assert f"SHA-256 `{LONG[:12]}`" in "".join(texts)
    assert "".join(texts).count(LONG) == 1
    assert LONG in texts[place_of("Hashes in full", texts) + (look == "plain")]


def test_the_data_of_the_cluster_stand_there_once() -> None:
    """On the first card, which has the proposal too."""
    facts = (("location", "us-central1-a"), ("sidecars", "58"))
    proposal = Card("Proposal", facts=facts)
    card = Card("Title", details=(Detail("Cluster", ("location: us-central1-a",)),))
    told = "".join(draw_texts(card=card_body(card), proposal=card_body(proposal)))
    assert (told.count("us-central1-a"), told.count("58")) == (1, 1)


def card_body(card: Card) -> dict[str, Any]:
    """A card as the journal keeps it."""
    return dict(msgspec.to_builtins(card))
