"""Slack's people and user groups, asked one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.people.roster import DirectoryFault, SlackUser
from bot.slack.api.answers import Answered, Fields, Refused, TooFast, Unclear, call_slack
from bot.windows.appointments import find_zone
from steps.contract.wording import describe_seconds

ZONE_SECONDS = 1


class SlackDirectory:
    """Reads users.info, usergroups.users.list and once auth.test. Whoever calls keeps the answers."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._workspace = ""

    def read_workspace(self) -> str:
        """The bot's own workspace; it never changes while a token is valid."""
        if not self._workspace:
            team = str(_call(self._client.auth_test).get("team_id") or "")
            if not team:
                raise DirectoryFault("auth.test names no workspace")
            self._workspace = team
        return self._workspace

    def read_person(self, user: str) -> SlackUser:
        """A member of the workspace; guests of one channel and of several both count as guests."""
        return read_member(user, _call(lambda: self._client.users_info(user=user)).get("user") or {})

    def list_members(self, group: str) -> frozenset[str]:
        """The members of a group that is not disabled."""
        users = _call(lambda: self._client.usergroups_users_list(usergroup=group)).get("users")
        if not isinstance(users, list):
            raise DirectoryFault("usergroups.users.list names no users")
        return frozenset(str(user) for user in users)


def read_zone_of(client: WebClient, user: str) -> str:
    """The time zone that a person reads times in, "" where Slack does not say it within a second: a form waits."""
    hurried = WebClient(client.token, client.base_url, timeout=ZONE_SECONDS, retry_handlers=[])
    answer = call_slack(lambda: hurried.users_info(user=user))
    fields = answer.fields.get("user") if isinstance(answer, Answered) else None
    return find_zone(str(fields.get("tz") or "")) if isinstance(fields, dict) else ""


def read_member(user: str, fields: Fields) -> SlackUser:
    """A person from Slack's user object. Raises DirectoryFault where it is somebody else's or names no workspace."""
    if fields.get("id") != user:
        raise DirectoryFault("users.info told of somebody else")
    # On Enterprise Grid a person belongs to several workspaces.
    shared = (fields.get("enterprise_user") or {}).get("teams") or ()
    home = str(fields.get("team_id") or "")
    teams = frozenset([home] if home else ()) if not shared else frozenset(str(team) for team in shared)
    return SlackUser(
        id=user,
        teams=teams,
        is_outsider=bool(fields.get("is_stranger")),
        is_bot=bool(fields.get("is_bot")) or bool(fields.get("is_workflow_bot")) or user == "USLACKBOT",
        is_guest=bool(fields.get("is_restricted")) or bool(fields.get("is_ultra_restricted")),
        deleted=bool(fields.get("deleted")),
        zone=find_zone(str(fields.get("tz") or "")),
    )


def _call(call: Callable[[], SlackResponse]) -> Fields:
    answer = call_slack(call)
    match answer:
        case Answered(fields):
            return fields
        case TooFast(seconds):
            raise DirectoryFault(f"it asks to wait {describe_seconds(seconds)}")
        case Refused(code):
            raise DirectoryFault(code)
        case Unclear(why):
            raise DirectoryFault(why)
        case _:
            assert_never(answer)
