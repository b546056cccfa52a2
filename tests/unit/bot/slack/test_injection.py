"""Foreign words in every place where words can stand: nothing of them is markup for Slack."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from bot.journal.bodies import Message
from bot.orders.cluster_views import ClusterView
from bot.slack.drawing.cards import Look
from bot.slack.drawing.home import draw_home
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from bot.telling.views import UpgradeView
from handlers.forms.start_form import build_start_form
from tests.unit.bot.slack.drawing.test_home import WORKSPACE, build_fleet
from tests.unit.bot.slack.drawing.test_messages import list_mrkdwn
from tests.unit.bot.slack.samples import BEN, CHANNEL, SAMPLES, build_message, build_view

ATTACKS = (
    "<!channel>",
    "<!here|here>",
    "<!subteam^S0APPROVE1>",
    "<!date^1^{date}^https://evil.example|soon>",
    "<https://evil.example|Approve>",
    "<mailto:a@evil.example|Approve>",
    "<@U0EVIL0001>",
    "<@U0EVIL0001|ben>",
    "&lt;!channel&gt;",
    "```\n<!channel>\n```",
    "`<!channel>`",
    "*bold* _it_ ~no~ > quote",
    "&amp;<!everyone>",
    "<<!channel>>",
    "\u202e<!channel>",
    "<\x00!channel>",
)
# What the bot itself writes in angle brackets: times, channels, people, and threads of this workspace.
OWN = re.compile(
    r"<!date\^\d+\^\{[a-z_]+\}( \{[a-z_]+\})*\|[0-9: UTC-]+>|<#[CG][A-Z0-9]+>"
    rf"|<{re.escape(WORKSPACE)}archives/[A-Z0-9]+/p\d+\|Open the thread>"
)
# Not words: what decides how something is drawn, and what Slack gave.
STRUCTURE = {
    "state",
    "weight",
    "result",
    "expires_at",
    "channel",
    "thread",
    "kind",
    "slot",
    "legal",
    "allowed",
    "outcome",
}
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T.*")


def spoil(value: Any, attack: str) -> Any:
    """The value with the attack at the end of each of its words."""
    if isinstance(value, str):
        return value if not value or MOMENT.fullmatch(value) else f"{value} {attack}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {
            field.name: spoil(getattr(value, field.name), attack)
            for field in dataclasses.fields(value)
            if field.name not in STRUCTURE
        }
        return dataclasses.replace(value, **changes)
    if isinstance(value, msgspec.Struct):
        names = [name for name in value.__struct_fields__ if name not in STRUCTURE]
        return msgspec.structs.replace(value, **{name: spoil(getattr(value, name), attack) for name in names})
    if isinstance(value, Mapping):
        return {name: part if name in STRUCTURE else spoil(part, attack) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(spoil(part, attack) for part in value)
    return value


def spoil_sample(name: str, attack: str) -> tuple[Message, UpgradeView]:
    """A sample whose words are all foreign; who asked is an id of Slack's and stays."""
    message, view = SAMPLES[name]
    spoiled = dataclasses.replace(spoil(view, attack), requester=view.requester, paused_by=view.paused_by)
    return dataclasses.replace(message, body=spoil(message.body, attack)), spoiled


def find_markup(texts: Iterator[str]) -> list[str]:
    """Texts with angle brackets that are not the bot's own, or with code that doesn't end."""
    return [text for text in texts if "<" in OWN.sub("", text) or text.count("```") % 2]


def list_kinds(blocks: Any) -> set[str]:
    """The types of everything in the blocks."""
    if isinstance(blocks, dict):
        return {str(blocks.get("type"))}.union(*(list_kinds(part) for part in blocks.values()))
    if isinstance(blocks, list | tuple):
        return set().union(*(list_kinds(part) for part in blocks))
    return set()


# Nobody may be mentioned, so that every mention left is a foreign one.
NOBODYS = Pen(lambda _user: False)


@pytest.mark.parametrize("look", ["rich", "plain", "bare"])
@pytest.mark.parametrize("name", SAMPLES)
def test_no_foreign_word_of_a_message_is_markup(name: str, look: Look) -> None:
    """Clusters, namespaces, workloads, output, reasons: in blocks, in texts and in metadata."""
    for attack in ATTACKS:
        message, view = spoil_sample(name, attack)
        drawing = draw_message(message, view, look, NOBODYS)
        assert find_markup(iter([*list_mrkdwn(drawing.blocks), drawing.text])) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_no_foreign_word_becomes_a_link_or_a_broadcast_in_rich_text(name: str) -> None:
    """Rich text has elements of their own for those."""
    for attack in ATTACKS:
        message, view = spoil_sample(name, attack)
        kinds = list_kinds(draw_message(message, view, "rich", NOBODYS).blocks)
        assert not kinds & {"link", "broadcast", "usergroup", "user", "emoji", "color"}


@pytest.mark.parametrize("text", ["reason: {}", "There is no cluster `{}` in clusters.toml.", "*{}*\n○ Prepare: {}"])
def test_no_foreign_word_of_a_private_answer_is_markup(text: str) -> None:
    """Status, history and refusals."""
    for attack in ATTACKS:
        message = build_message("answer", {"text": text.replace("{}", attack)})
        drawing = draw_message(message, None, "plain", NOBODYS)
        assert find_markup(iter([*list_mrkdwn(drawing.blocks), drawing.text])) == []


def spoil_fleet(attack: str) -> list[ClusterView]:
    """The board with foreign words everywhere, the place in GKE included."""
    return [
        dataclasses.replace(
            cluster,
            place=f"{cluster.place} {attack}",
            version=f"1.4.7 {attack}",
            release=f"{cluster.release} {attack}",
            mtls=attack,
            upgrade=spoil(cluster.upgrade, attack),
            last=spoil(cluster.last, attack),
        )
        for cluster in build_fleet()
    ]


def test_no_foreign_word_of_the_home_tab_is_markup() -> None:
    """Nor of the sentences about Google's projects."""
    pen = dataclasses.replace(NOBODYS, workspace=WORKSPACE)
    for attack in ATTACKS:
        view = draw_home(spoil_fleet(attack), pen, search_faults=[f"project {attack}"]).to_dict()
        assert find_markup(list_mrkdwn(view)) == []


def test_no_foreign_word_of_the_start_form_is_markup() -> None:
    """Its notes are mrkdwn; all else is plain text."""
    for attack in ATTACKS:
        clusters = [dataclasses.replace(cluster, found=True) for cluster in spoil_fleet(attack)]
        view = build_start_form(clusters, "", CHANNEL, [f"project {attack}"]).to_dict()
        assert find_markup(list_mrkdwn(view)) == []


def test_a_known_person_is_mentioned_by_our_sentence_alone() -> None:
    """The label that Slack allows behind an id could be anybody's name."""
    message = build_message("milestone", {"sentence": f"approved by <@{BEN}>, <@{BEN}|ana>"})
    drawing = draw_message(message, build_view(), "plain", Pen(lambda user: user == BEN))
    assert next(list_mrkdwn(drawing.blocks)) == f"Approved by <@{BEN}>, &lt;@{BEN}|ana&gt;"
