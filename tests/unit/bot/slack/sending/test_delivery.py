"""From the outbox to Slack: once, in order, and again after everything that goes wrong on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.journal.bodies import MilestoneBody
from bot.slack.api.answers import CHANNEL_CODES
from tests.unit.bot.slack.desk import UPGRADE, PostRoom
from tests.unit.bot.slack.samples import ANA, build_gate_body
from tests.unit.bot.slack.stand_in import CHANNEL


def test_replies_follow_their_root_in_order(room: PostRoom) -> None:
    """One root, and a thread in the order in which it was told."""
    room.put_root()
    for number in range(7):
        room.tell(f"milestone {number}")
    room.settle()
    assert room.texts()[1:] == [f"milestone {number}" for number in range(7)]


def test_a_sent_message_is_not_sent_again(room: PostRoom) -> None:
    """A second turn has nothing to do."""
    room.put_root()
    room.settle()
    room.settle()
    assert len(room.texts()) == 1


def test_a_changed_message_is_edited_in_place(room: PostRoom) -> None:
    """The card loses its buttons where it stands."""
    room.put_root()
    room.put("gate", build_gate_body(), "card:1")
    room.settle()
    room.put("gate", build_gate_body(closed=f"approved by <@{ANA}>"), "card:1")
    room.settle()
    (_root, card) = room.slack.messages()
    assert "actions" not in [block["type"] for block in card["blocks"]]


@pytest.mark.parametrize("fault", ["lost_reply", "fatal_error"])
def test_a_post_that_arrived_without_an_answer_is_found_again(room: PostRoom, fault: str) -> None:
    """The bot looks for its id before it posts again."""
    room.put_root()
    room.slack.fault(fault, method="chat.postMessage")
    room.settle()
    assert len(room.texts()) == 1


@pytest.mark.parametrize("fault", ["lost_reply", "fatal_error"])
def test_a_reply_that_arrived_without_an_answer_is_found_again(room: PostRoom, fault: str) -> None:
    """Threads are searched as well."""
    room.put_root()
    room.settle()
    room.slack.fault(fault, method="chat.postMessage")
    room.tell("once")
    room.settle()
    assert room.texts()[1:] == ["once"]


def test_a_post_that_did_not_arrive_is_posted(room: PostRoom) -> None:
    """internal_error may mean either."""
    room.put_root()
    room.slack.fault("internal_error", method="chat.postMessage")
    room.settle()
    assert len(room.texts()) == 1


def test_a_post_before_a_crash_is_adopted_after_it(room: PostRoom) -> None:
    """Killed between Slack's answer and its journalling."""
    room.put_root()
    (message,) = room.outbox.list_unsent(room.clock.now())
    room.settle()
    forget_sending(room, message.id)
    room.start()
    room.settle()
    assert len(room.texts()) == 1


def test_an_adopted_card_shows_its_latest_state(room: PostRoom) -> None:
    """What was found may be an older revision."""
    room.put_root()
    room.put("gate", build_gate_body(), "card:1")
    card = room.outbox.list_unsent(room.clock.now())[1]
    room.settle()
    forget_sending(room, card.id)
    room.put("gate", build_gate_body(closed="approved"), "card:1")
    room.start()
    room.settle()
    assert "Approved" in room.slack.messages()[1]["text"]


def test_replies_wait_while_their_root_can_not_be_posted(room: PostRoom) -> None:
    """Order holds through faults."""
    room.slack.fault("error", method="chat.postMessage", error="not_in_channel")
    room.put_root()
    room.tell("later")
    room.settle()
    root, reply = room.slack.messages()
    assert reply["thread_ts"] == root["ts"]


def test_slack_is_left_alone_for_as_long_as_it_asks(room: PostRoom) -> None:
    """429 with Retry-After."""
    room.slack.fault("429", method="chat.postMessage")
    room.put_root()
    wait = room.announcer.turn()
    assert (wait is not None and wait >= 1, room.texts()) == (True, [])


def test_a_429_is_followed_by_the_post(room: PostRoom) -> None:
    """And it is there once."""
    room.slack.fault("429", method="chat.postMessage")
    room.put_root()
    room.settle()
    assert len(room.texts()) == 1


def test_a_workspace_without_plan_blocks_gets_the_plain_look(room: PostRoom) -> None:
    """The phases stand in a section then."""
    room.slack.fault("plan_blocks", times=None)
    room.put_root()
    room.settle()
    (root,) = room.slack.messages()
    assert "plan" not in [block["type"] for block in root["blocks"]]


def test_the_plain_look_is_chosen_once(room: PostRoom) -> None:
    """The second drawing doesn't try the plan again."""
    room.slack.fault("plan_blocks", times=None)
    room.put_root()
    room.settle()
    room.put_root(changed=True)
    room.settle()
    assert [call["ok"] for call in room.slack.calls("chat.update")] == [True]


def test_a_refused_block_costs_the_other_messages_nothing(room: PostRoom) -> None:
    """What was wrong with one is no fault of its kind, and not until the next restart."""
    room.slack.fault("plan_blocks")
    room.put_root()
    room.settle()
    room.put_root("cluster-x-8")
    room.settle()
    looks = ["plan" in [block["type"] for block in root["blocks"]] for root in room.slack.messages()]
    assert looks == [False, True]


def test_a_message_whose_blocks_are_refused_is_still_read(room: PostRoom) -> None:
    """In the end as text alone."""
    room.slack.fault("invalid_blocks", times=2)
    room.put("gate", build_gate_body(), upgrade="")
    room.settle()
    assert "Replace the control plane" in room.texts()[0]


@pytest.mark.parametrize("error", ["edit_window_closed", "message_not_found", "cant_update_message"])
def test_a_card_that_can_not_be_edited_is_posted_afresh(room: PostRoom, error: str) -> None:
    """The latest state must be somewhere."""
    room.put_root()
    room.put("gate", build_gate_body(), "card:1")
    room.settle()
    room.slack.fault("error", method="chat.update", error=error)
    room.put("gate", build_gate_body(closed="approved"), "card:1")
    room.settle()
    assert "Approved" in room.slack.messages()[-1]["text"]


def test_later_edits_go_to_the_fresh_message(room: PostRoom) -> None:
    """Its ts has replaced the old one."""
    room.put_root()
    room.settle()
    room.slack.fault("error", method="chat.update", error="message_not_found")
    room.put_root(changed=1)
    room.settle()
    room.put_root(changed=20)
    room.settle()
    assert room.slack.calls("chat.update")[-1]["request"]["ts"] == room.slack.messages()[-1]["ts"]


def test_a_message_that_slack_never_takes_does_not_hold_up_the_thread(room: PostRoom) -> None:
    """It is dropped with its reason."""
    room.put_root()
    room.settle()
    room.slack.fault("error", method="chat.postMessage", error="msg_too_long", times=3)
    room.tell("refused")
    room.tell("next")
    room.settle()
    assert room.texts()[1:] == ["next"]


def test_a_file_goes_into_the_thread(room: PostRoom) -> None:
    """Long output isn't poured into blocks."""
    room.put_root()
    room.put("file", {"name": "istioctl.txt", "text": "line\n" * 2000})
    room.settle()
    assert [file["title"] for message in room.slack.messages() for file in message.get("files", [])] == ["istioctl.txt"]


def test_a_file_whose_answer_was_lost_is_there_once(room: PostRoom) -> None:
    """Its name carries the id."""
    room.put_root()
    room.settle()
    room.slack.fault("lost_reply", method="files.completeUploadExternal")
    room.put("file", {"name": "istioctl.txt", "text": "line\n"})
    room.settle()
    assert sum(len(message.get("files", [])) for message in room.slack.messages()) == 1


def test_a_change_record_is_made_when_it_is_sent(room: PostRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal keeps no copy of it."""
    monkeypatch.setattr(room.announcer._sender, "_write_record", lambda upgrade: f"record of {upgrade}")
    room.put_root()
    room.put("file", {"name": "cluster-x-1.html", "made": "change record"})
    room.settle()
    (file,) = [file for message in room.slack.messages() for file in message.get("files", [])]
    assert "record of cluster-x-7" in str(file)


def test_secrets_in_a_file_are_redacted(room: PostRoom) -> None:
    """What a program printed may hold a token."""
    room.put_root()
    room.put("file", {"name": "istioctl.txt", "text": "token xoxb-123456789012-secret"})
    room.settle()
    (file,) = [file for message in room.slack.messages() for file in message.get("files", [])]
    assert "xoxb" not in str(file.get("preview", "")) + str(file)


def answer_body(**changes: Any) -> dict[str, Any]:
    """A private answer to ana."""
    return {"user": ANA, "channel": CHANNEL, "response_url": "", "text": "Only for you"} | changes


def whispers(room: PostRoom) -> list[str]:
    """What only ana sees."""
    return [message["text"] for message in room.slack.state()["ephemerals"] if message["to"] == ANA]


def test_a_private_answer_reaches_the_person(room: PostRoom) -> None:
    """By chat.postEphemeral where there is no response_url."""
    room.put("answer", answer_body(), upgrade="")
    room.settle()
    assert whispers(room) == ["Only for you"]


def test_a_dead_response_url_is_replaced_by_an_ephemeral(room: PostRoom) -> None:
    """It lives thirty minutes and five uses."""
    dead = f"{room.slack.site.url}/response/T0SANDBOX1/none"
    room.put("answer", answer_body(response_url=dead), upgrade="")
    room.settle()
    assert whispers(room) == ["Only for you"]


def test_a_foreign_response_url_is_not_called(room: PostRoom) -> None:
    """Answers go to Slack's hosts only."""
    room.put("answer", answer_body(response_url="http://127.0.0.1:9/steal"), upgrade="")
    room.settle()
    assert whispers(room) == ["Only for you"]


def test_a_late_answer_is_dropped(room: PostRoom) -> None:
    """After half an hour nobody knows what it was about."""
    room.put("answer", answer_body(), upgrade="")
    room.clock.advance(31 * 60)
    room.settle()
    assert whispers(room) == []


def test_an_answer_does_not_wait_for_a_thread(room: PostRoom) -> None:
    """A blocked root holds up only its own thread."""
    room.slack.fault("error", method="chat.postMessage", error="not_in_channel")
    room.put_root()
    room.put("answer", answer_body(), upgrade="")
    room.announcer.turn()
    assert whispers(room) == ["Only for you"]


def forget_sending(room: PostRoom, message_id: str) -> None:
    """Put the row back to where a kill between the post and its journalling leaves it."""
    room.outbox.mark_sent(message_id, "", 0, room.clock.now())


def test_a_row_that_cannot_be_read_holds_up_no_other(room: PostRoom) -> None:
    """It is given up, and the reason stands in it."""
    room.put_root()
    room.tell("the one")
    with room.store.transact() as db:
        db.execute("update outbox set body = '{\"sentence\": 5}' where kind = 'milestone'")
    room.tell("the other")
    room.settle()
    assert room.texts()[1:] == ["the other"]
    (row,) = room.store.read("select trouble from outbox where trouble <> ''")
    assert "incident" in row["trouble"]


def test_a_message_that_can_not_be_read_is_given_up_and_counted(room: PostRoom) -> None:
    """Those behind it are sent."""
    room.put_root()
    room.settle()
    room.tell("broken")
    room.tell("whole")
    with room.store.transact() as db:
        db.execute("update outbox set body = '{' where body like '%broken%'")
    room.settle()
    assert (room.texts()[1:], room.outbox.count_given_up()) == (["whole"], 1)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
def test_a_file_that_slack_never_takes_holds_nothing_and_is_left_out(room: PostRoom, method: str) -> None:
    """What comes after it is there at once, and a sentence says what is missing."""
    room.put_root()
    room.slack.fault("error", method=method, error="file_uploads_disabled", times=None)
    room.put("file", {"name": "difference.txt", "text": "line\n"})
    room.tell("the card that matters")
    room.settle()
    told = "the file difference.txt can't be put here, and is left out. Slack refused: file_uploads_disabled."
    assert room.texts()[1:] == ["the card that matters", told]


def test_a_file_that_is_left_out_stays_in_the_journal(room: PostRoom) -> None:
    """And counts among what Slack never gets."""
    room.put_root()
    room.slack.fault("error", method="files.getUploadURLExternal", error="file_uploads_disabled", times=None)
    room.put("file", {"name": "difference.txt", "text": "line\n"})
    room.settle()
    (row,) = room.store.read("select body from outbox where kind = 'file'")
    assert (json.loads(row["body"])["text"], room.outbox.count_given_up()) == ("line\n", 1)


def test_a_message_that_slack_refuses_for_its_own_sake_does_not_hold_its_thread(room: PostRoom) -> None:
    """It is tried three times."""
    room.put_root()
    room.settle()
    room.slack.fault("error", method="chat.postMessage", error="too_many_attachments", times=3)
    room.tell("refused")
    room.tell("after it")
    room.settle()
    assert room.texts()[1:] == ["after it"]


@pytest.mark.parametrize(
    "code", ["not_in_channel", "is_archived", "ekm_access_denied", "restricted_action_thread_locked"]
)
def test_what_concerns_the_whole_place_loses_no_message(room: PostRoom, code: str) -> None:
    """However often it is refused: everything is posted, in order, once a person has mended it."""
    room.put_root()
    room.settle()
    room.slack.fault("error", method="chat.postMessage", error=code, times=8)
    room.tell("first")
    room.tell("second")
    room.settle(1200)
    assert room.texts()[1:] == ["first", "second"]


@pytest.mark.parametrize("code", sorted(CHANNEL_CODES))
def test_a_channel_that_takes_nothing_is_known_until_it_takes_something(room: PostRoom, code: str) -> None:
    """Whatever the reason; what Slack refuses of the whole app is no matter of a channel."""
    room.put_root()
    room.slack.fault("error", method="chat.postMessage", error=code, times=2)
    room.announcer.turn()
    assert [(one.channel, one.upgrade) for one in room.outbox.list_unwritable()] == [(CHANNEL, UPGRADE)]
    room.settle(1200)
    assert room.outbox.list_unwritable() == []


@pytest.mark.parametrize("fault", ["fatal_error", "internal_error", "lost_reply", "429"])
def test_an_unclear_answer_opens_no_channel_that_took_nothing(room: PostRoom, fault: str) -> None:
    """Slack says nothing of the channel by it: only what it takes there, or refuses otherwise, ends that."""
    room.put_root()
    room.slack.fault("error", method="chat.postMessage", error="is_archived")
    room.announcer.turn()
    before = room.outbox.list_unwritable()
    room.slack.fault(fault, method="chat.postMessage")
    room.clock.advance(61)
    room.announcer.turn()
    assert (len(before), room.outbox.list_unwritable()) == (1, before)


@pytest.mark.parametrize("code", ["invalid_auth", "missing_scope", "ekm_access_denied"])
def test_what_slack_refuses_of_the_whole_app_is_no_matter_of_a_channel(room: PostRoom, code: str) -> None:
    """It is mended elsewhere, and nobody could be told directly either."""
    room.put_root()
    room.slack.fault("error", method="chat.postMessage", error=code, times=1)
    room.announcer.turn()
    assert room.outbox.list_unwritable() == []


def test_an_archived_channel_is_known_and_people_are_written_to(room: PostRoom) -> None:
    """By the stand-in's own switch."""
    assert room.slack.act("channel", channel=CHANNEL, archived=True)["ok"]
    room.put_root()
    room.outbox.add_message("", "U0ANA00001", MilestoneBody("nothing can be posted"), room.clock.now())
    room.announcer.turn()
    assert [one.channel for one in room.outbox.list_unwritable()] == [CHANNEL]
    direct = next(found for found in room.slack.state()["channels"] if found["id"] == "D0ANA00001")
    assert [message["text"] for message in direct["messages"]] == ["Nothing can be posted"]
