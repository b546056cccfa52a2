"""People and groups as Slack's Web API tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.people.roster import DirectoryFault
from bot.slack.api.directory import SlackDirectory, read_member
from tests.unit.bot.slack.stand_in import LocalSlack

MEMBER: dict[str, Any] = {"id": "U0BEN00002", "team_id": "T0SANDBOX1", "deleted": False, "is_bot": False}


@pytest.fixture
def directory(slack: LocalSlack) -> SlackDirectory:
    """A directory over the local Slack."""
    return SlackDirectory(slack.reading())


def test_the_workspace_is_that_of_the_token(directory: SlackDirectory) -> None:
    """As auth.test names it."""
    assert directory.read_workspace() == "T0SANDBOX1"


def test_a_member_belongs_to_the_workspace(directory: SlackDirectory) -> None:
    """As users.info shows one."""
    assert directory.read_person("U0BEN00002") == read_member("U0BEN00002", {**MEMBER, "tz": "America/New_York"})


def test_a_groups_members_are_user_ids(directory: SlackDirectory) -> None:
    """As usergroups.users.list gives them."""
    assert directory.list_members("S0APPROVE1") == {"U0BEN00002", "U0CAI00003"}


def test_an_unknown_person_is_a_fault(directory: SlackDirectory) -> None:
    """With Slack's own code."""
    with pytest.raises(DirectoryFault, match="user_not_found"):
        directory.read_person("U0NOBODY01")


def test_an_unknown_group_is_a_fault(directory: SlackDirectory) -> None:
    """Not an empty group."""
    with pytest.raises(DirectoryFault, match="no_such_subteam"):
        directory.list_members("S0NOBODY01")


@pytest.mark.parametrize("mark", ["is_restricted", "is_ultra_restricted"])
def test_guests_of_several_channels_and_of_one_are_guests(mark: str) -> None:
    """Slack's two kinds."""
    assert read_member("U0BEN00002", {**MEMBER, mark: True}).is_guest


@pytest.mark.parametrize("mark", ["is_bot", "is_workflow_bot"])
def test_apps_and_workflows_are_bots(mark: str) -> None:
    """Slack's two kinds."""
    assert read_member("U0BEN00002", {**MEMBER, mark: True}).is_bot


def test_a_stranger_of_a_shared_channel_is_an_outsider() -> None:
    """Slack marks them."""
    assert read_member("U0BEN00002", {**MEMBER, "is_stranger": True}).is_outsider


def test_somebody_on_enterprise_grid_belongs_to_all_their_workspaces() -> None:
    """The list stands in enterprise_user."""
    fields = {**MEMBER, "enterprise_user": {"teams": ["T0SANDBOX1", "T0SECOND01"]}}
    assert read_member("U0BEN00002", fields).teams == {"T0SANDBOX1", "T0SECOND01"}


def test_an_answer_about_somebody_else_is_a_fault() -> None:
    """Rights never follow from a mixed-up answer."""
    with pytest.raises(DirectoryFault, match="somebody else"):
        read_member("U0BEN00002", {**MEMBER, "id": "U0CAI00003"})
