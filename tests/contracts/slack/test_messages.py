"""Everything that the bot draws, judged by Slack's own types."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.slack.drawing.buttons import Target
from bot.slack.drawing.cards import Look
from bot.slack.drawing.home import draw_home
from bot.slack.drawing.messages import draw_message
from bot.windows.appointments import Appointment
from handlers.forms.modals import build_reason_form
from handlers.forms.schedule_form import build_schedule_form
from handlers.forms.start_form import build_start_form
from tests.contracts.slack.oracle import find_call_faults, find_faults, find_plan_faults
from tests.unit.bot.slack.drawing.test_home import PEN, build_fleet
from tests.unit.bot.slack.samples import CHANNEL, EVERYBODYS, SAMPLES, START


def draw_arguments(name: str, look: Look) -> dict[str, Any]:
    """A message as arguments of chat.postMessage."""
    drawing = draw_message(*SAMPLES[name], look, EVERYBODYS)
    arguments = {"channel": CHANNEL, "text": drawing.text, "metadata": drawing.metadata, "thread_ts": "1.000100"}
    return {**arguments, "blocks": list(drawing.blocks)} if drawing.blocks else arguments


@pytest.mark.parametrize("look", ["rich", "plain", "bare"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_may_be_posted(name: str, look: Look) -> None:
    """As a reply."""
    assert find_call_faults("chat.postMessage", draw_arguments(name, look)) == []


@pytest.mark.parametrize("look", ["rich", "plain", "bare"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_may_be_edited(name: str, look: Look) -> None:
    """With the arguments of chat.update."""
    arguments = draw_arguments(name, look)
    del arguments["thread_ts"]
    assert find_call_faults("chat.update", {**arguments, "ts": "1.000100"}) == []


def test_the_home_tab_is_one() -> None:
    """As views.publish takes it."""
    view = draw_home(build_fleet(), PEN).to_dict()
    assert find_call_faults("views.publish", {"user_id": "U0ANA00001", "view": view}) == []


def test_the_start_form_is_a_modal() -> None:
    """As views.open takes it."""
    clusters = [cluster for cluster in build_fleet() if cluster.may_start]
    form = build_start_form(clusters, "", CHANNEL).to_dict()
    assert find_call_faults("views.open", {"trigger_id": "1.2.3", "view": form}) == []


def test_the_schedule_form_is_a_modal() -> None:
    """As views.open takes it."""
    proposed = Appointment(START, START + timedelta(hours=3), "Asia/Seoul")
    form = build_schedule_form("cluster-x", proposed, CHANNEL).to_dict()
    assert find_call_faults("views.open", {"trigger_id": "1.2.3", "view": form}) == []


def test_the_form_without_a_cluster_is_a_modal() -> None:
    """It has nothing to submit."""
    form = build_start_form([], "", CHANNEL).to_dict()
    assert find_call_faults("views.open", {"trigger_id": "1.2.3", "view": form}) == []


def test_the_reason_form_is_a_modal() -> None:
    """As views.open takes it."""
    form = build_reason_form(Target("cluster-x-7", "validate/run", 2, True), "asm:decide:accept", CHANNEL).to_dict()
    assert find_call_faults("views.open", {"trigger_id": "1.2.3", "view": form}) == []


@pytest.mark.parametrize(
    "block",
    [
        {"type": "no_such_block"},
        {"type": "section", "txt": {"type": "mrkdwn", "text": "x"}},
        {"type": "plan", "name": "x"},
    ],
)
def test_the_judge_knows_a_wrong_block(block: dict[str, Any]) -> None:
    """A judge that takes everything proves nothing."""
    assert find_faults("CheckedBlocks", [block]) != []


def test_the_judge_knows_a_wrong_card() -> None:
    """A status that no card has."""
    plan = {
        "type": "plan",
        "title": "x",
        "tasks": [{"type": "task_card", "task_id": "a", "title": "A", "status": "done"}],
    }
    assert find_plan_faults([plan]) != []
