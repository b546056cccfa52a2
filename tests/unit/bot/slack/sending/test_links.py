"""Where links lead, what a found post says, and what comes of a person or a channel that is gone."""

from __future__ import annotations

import pytest

from bot.journal.bodies import MilestoneBody
from bot.slack.api.answers import Refused
from tests.unit.bot.slack.desk import PostRoom
from tests.unit.bot.slack.samples import build_reminder_body
from tests.unit.bot.slack.stand_in import CHANNEL


def test_what_is_sent_links_into_the_workspace_once_slack_has_told_it(room: PostRoom) -> None:
    """A reminder to its card; before that it has no link, rather than one that leads nowhere."""
    body = build_reminder_body(card=[CHANNEL, "1796090400.000300", "1796090400.000100"])
    for address in ("", "https://w.slack.com/"):
        room.announcer.link_into(address)
        room.put("reminder", body, upgrade="")
        room.settle()
    before, after = (str(message["blocks"]) for message in room.slack.messages())
    assert ("Open the card" in before, f"<https://w.slack.com/archives/{CHANNEL}/p1796" in after) == (False, True)


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "restricted_action_non_threadable_channel"])
def test_what_to_do_about_a_channel_names_the_order_that_leaves_it(code: str) -> None:
    """Another channel in clusters.toml is for the upgrades after it."""
    assert "`/asm-upgrade move CLUSTER #CHANNEL`" in Refused(code).why


def test_a_person_who_is_gone_is_given_up_like_anything_that_slack_refuses(room: PostRoom) -> None:
    """After as many tries; their conversation is not asked for every minute, for ever."""
    room.slack.fault("error", method="conversations.open", error="user_disabled", times=None)
    room.outbox.add_message("", "U0GONE0001", MilestoneBody("told directly"), room.clock.now())
    room.settle()
    assert (room.outbox.list_unsent(room.clock.now()), room.outbox.count_given_up()) == ([], 1)


def test_a_post_that_is_found_again_is_drawn_anew_where_it_has_changed(room: PostRoom) -> None:
    """Also one that nobody edits from now on: what stands there is what it said first."""
    room.put_root()
    room.settle()
    room.put("milestone", {"sentence": "first"}, "once")
    (message,) = room.outbox.list_unsent(room.clock.now())
    room.slack.fault("lost_reply", method="chat.postMessage")
    room.announcer.turn()
    room.put("milestone", {"sentence": "second"}, "once")
    room.outbox.release_slots([message.id])
    room.settle()
    assert [text for text in room.texts() if text in ("First", "Second", "first", "second")] in (["Second"], ["second"])
