"""The Home tab, through the real Bolt app."""

from __future__ import annotations

from typing import Any

from bot.journal.bodies import MilestoneBody
from bot.journal.deliveries import UNWRITABLE
from tests.unit.bot.slack.stand_in import CHANNEL
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


def test_a_channel_that_takes_nothing_stands_there_as_long_as_it_does(front: Front) -> None:
    """With why; the tab follows by itself, for whoever looks at it."""
    now = front.slack.clock.now()
    front.outbox.add_message("", CHANNEL, MilestoneBody("paused"), now)
    assert "can be posted" not in str(open_home(front, ANA))
    (message,) = front.outbox.list_unsent(now)
    front.outbox.defer_message(message.id, now, f"{UNWRITABLE}Slack refused: is_archived; unarchive it")
    told = f"⚠️ Nothing can be posted in <#{CHANNEL}>: Slack refused: is_archived; unarchive it"
    assert told in str(look_again(front, ANA))
    front.outbox.mark_sent(message.id, "1.1", message.revision, now)
    assert "can be posted" not in str(look_again(front, ANA))


def look_again(front: Front, user: str) -> list[dict[str, Any]]:
    """The blocks of a tab that is open, once Slack lets it be published again."""
    front.clock_on(60)
    front.tabs.turn()
    blocks = front.slack.state()["homes"][user]["blocks"]
    assert isinstance(blocks, list)
    return blocks
