"""The Home tab, through the real Bolt app."""

from __future__ import annotations

from typing import Any

from tests.unit.handlers.front import ANA, BEN, Front


def open_home(front: Front, user: str) -> list[dict[str, Any]]:
    """The blocks of a person's tab after it was opened."""
    front.slack.act("home", user=user)
    front.tabs.turn()
    blocks = front.slack.state()["homes"][user]["blocks"]
    assert isinstance(blocks, list)
    return blocks


def find_actions(blocks: list[dict[str, Any]]) -> list[str]:
    """The action ids of every button."""
    buttons = [button for block in blocks for button in [*block.get("elements", []), block.get("accessory", {})]]
    return [button["action_id"] for button in buttons if button.get("type") == "button"]


def test_every_cluster_is_on_the_board(front: Front) -> None:
    """With what is known of it."""
    text = str(open_home(front, ANA))
    assert ("cluster-x" in text, "cluster-y" in text, "never upgraded by this bot" in text) == (True, True, True)


def test_a_requester_has_a_start_button(front: Front) -> None:
    """One for each cluster and one for all."""
    assert find_actions(open_home(front, ANA)).count("asm-home:start") == 3


def test_nobody_else_has(front: Front) -> None:
    """Buttons are what this person may do."""
    assert "asm-home:start" not in find_actions(open_home(front, BEN))


def test_the_start_button_opens_the_form_for_its_cluster(front: Front) -> None:
    """Answers go to the person then, for the tab has no channel."""
    open_home(front, ANA)
    front.slack.act("click", user=ANA, home=True, action_id="asm-home:start", value="cluster-y")
    front.slack.wait_for("views", lambda state: "us-central1-a/cluster-y" in str(state["views"].get(ANA)))
    assert ANA in front.slack.state()["views"][ANA][-1]["private_metadata"]


def test_a_tab_that_shows_the_truth_is_not_published_again(front: Front) -> None:
    """Slack counts each publish."""
    open_home(front, ANA)
    before = len(front.slack.calls("views.publish"))
    front.clock_on(60)
    front.tabs.turn()
    assert len(front.slack.calls("views.publish")) == before
