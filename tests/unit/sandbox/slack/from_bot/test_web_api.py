from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack.server import SlackStandIn
from sandbox.slack.workspace.cast import Cast, SlackApp
from sandbox.web.sites import serve_in_thread
from tests.unit.sandbox.slack.rig import CHANNEL, HandClock, Stage


def test_answers_auth_test_with_an_empty_json_body(stage: Stage) -> None:
    """Bolt asks with a JSON content type and nothing in the body."""
    answer = stage.client.auth_test()
    assert answer["user_id"] == stage.stand_in.cast.app.bot_user


def test_names_the_scopes_in_a_header(stage: Stage) -> None:
    """Each answer names the token's scopes, as Slack does."""
    assert "chat:write" in stage.client.auth_test().headers["X-OAuth-Scopes"]


@pytest.mark.parametrize(("token", "code"), [("xoxb-wrong", "invalid_auth"), ("", "not_authed")])
def test_refuses_a_wrong_token(stage: Stage, token: str, code: str) -> None:
    """A wrong token and none have their own codes."""
    answer = requests.post(
        f"{stage.site.url}/api/auth.test", headers={"Authorization": f"Bearer {token}"}, timeout=5
    ).json()
    assert answer == {"ok": False, "error": code}


def test_refuses_the_app_token_where_the_bot_token_belongs(stage: Stage) -> None:
    """The two tokens can't be swapped."""
    client = WebClient(stage.stand_in.cast.app.app_token, base_url=f"{stage.site.url}/api/")
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.auth_test()


def test_fails_loudly_on_an_unknown_method(stage: Stage) -> None:
    """A method that the stand-in lacks is an error, and the inspector says so."""
    with pytest.raises(SlackApiError, match="unknown_method"):
        stage.client.api_call("chat.sing", json={})
    assert stage.window.log()[-1]["note"] == "unknown_method: the stand-in does not know chat.sing"


def test_says_which_scope_is_missing(clock: HandClock) -> None:
    """A token without chat:write can't post, and learns what it needs."""
    cast = replace(Cast(), app=replace(SlackApp(), scopes=("commands",)))
    site = serve_in_thread(SlackStandIn(clock, cast).app())
    client = WebClient(cast.app.bot_token, base_url=f"{site.url}/api/")
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=CHANNEL, text="x")
    site.stop()
    assert refused.value.response["needed"] == "chat:write"


def test_keeps_tokens_out_of_the_inspector(stage: Stage) -> None:
    """A token in an argument is blotted out."""
    stage.client.chat_postMessage(channel=CHANNEL, text="it is xoxb-1234567890-abcdef")
    assert stage.window.log()[-1]["request"]["text"] == "it is xoxb-…"


def test_lists_a_groups_members(stage: Stage) -> None:
    """User groups answer with ids."""
    assert stage.client.usergroups_users_list(usergroup="S0APPROVE1")["users"] == ["U0BEN00002", "U0CAI00003"]


def test_refuses_an_unknown_group(stage: Stage) -> None:
    """An unknown group has Slack's code."""
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        stage.client.usergroups_users_list(usergroup="S0NOBODY00")


def test_shows_a_persons_zone(stage: Stage) -> None:
    """users.info names the time zone that reminders use."""
    assert stage.client.users_info(user="U0CAI00003")["user"]["tz"] == "Asia/Seoul"


def test_opens_a_direct_message(stage: Stage) -> None:
    """A direct message is a channel of its own, opened once."""
    channel = stage.client.conversations_open(users="U0ANA00001")["channel"]["id"]
    stage.client.chat_postMessage(channel=channel, text="reminder")
    assert stage.client.conversations_open(users="U0ANA00001")["already_open"] is True
    assert [message["text"] for message in stage.window.messages(channel)] == ["reminder"]
