"""The root message: who is asked, what runs, how far, until when; nothing turns while people are waited for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import draw_message
from bot.telling.reports import describe_history, describe_status
from bot.telling.views import UpgradeView
from tests.unit.bot.slack.samples import (
    BEN,
    CAI,
    EVERYBODYS,
    START,
    build_asking_view,
    build_message,
    build_phases,
    build_view,
)


def draw(view: UpgradeView, look: Look = "rich", **body: Any) -> Any:
    """The blocks as Slack reads them."""
    return json.loads(json.dumps(draw_message(build_message("root", body), view, look, EVERYBODYS).blocks))


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_it_says_who_is_asked_how_far_it_is_and_until_when(look: Look) -> None:
    """While it asks."""
    told = str(draw(build_asking_view(), look, asked=[BEN, CAI]))
    until = int((START + timedelta(hours=23)).timestamp())
    for part in ("Replace the control plane?", f"Asked: <@{BEN}> <@{CAI}>", "3 of 8 phases done", f"<!date^{until}^"):
        assert part in told


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_it_says_what_runs_and_how_far_that_is(look: Look) -> None:
    """While it runs; nobody is asked."""
    told = str(draw(build_view(), look))
    assert ("Downloading: 31 of 62 MB" in told, "2 of 8 phases done" in told, "Asked:" in told) == (True, True, False)


@pytest.mark.parametrize(
    ("view", "turning"),
    [
        (build_view(), 1),
        (build_asking_view(), 0),
        (build_view(paused_by=BEN), 0),
        (build_view(state="blocked", phases=build_phases(2, "blocked")), 0),
    ],
    ids=["running", "asking", "paused", "blocked"],
)
def test_nothing_turns_while_people_are_waited_for(view: UpgradeView, turning: int) -> None:
    """A spinner says that waiting is enough."""
    (plan,) = (block for block in draw(view) if block["type"] == "plan")
    assert [phase["status"] for phase in plan["tasks"]].count("in_progress") == turning


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_a_version_that_is_not_known_yet_is_no_question_mark(look: Look) -> None:
    """On the root, in the status and in the history alike."""
    view = build_view(source_version="")
    told = [str(draw(view, look)), describe_status([view], []), describe_history([view])]
    assert [("?" in one, "to 1.4.10-asm.18" in one) for one in told] == [(False, True)] * 3


@pytest.mark.parametrize("look", ["rich", "plain"])
def test_what_people_took_is_not_counted_as_work(look: Look) -> None:
    """It stands beside it."""
    first, *others = build_phases(1, "running")
    view = build_view(phases=(replace(first, asked=timedelta(minutes=4)), *others))
    assert "took 1 min, people 4 min" in str(draw(view, look)).replace("60 s", "1 min")
