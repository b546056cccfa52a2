"""Which envelopes enter at all."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.api.identity import SlackIdentity
from handlers.permissions import find_stranger

OWN = SlackIdentity("T0OWN", "", "U0BOT", "B0BOT", "A0BOT", "https://own.slack.com/")
PARTNERS = frozenset({"T0PARTNER"})


def envelope(team: str) -> dict[str, Any]:
    """A slash command from a workspace."""
    return {"api_app_id": "A0BOT", "team_id": team, "command": "/asm-upgrade"}


@pytest.mark.parametrize("team", ["T0OWN", "T0PARTNER"])
def test_workspaces_that_a_cluster_names_enter(team: str) -> None:
    """Whether a person there may order anything is decided per cluster."""
    assert find_stranger(envelope(team), OWN, PARTNERS) == ""


def test_a_workspace_that_no_cluster_names_is_turned_away() -> None:
    """Before any listener sees it."""
    assert find_stranger(envelope("T0OTHER"), OWN, PARTNERS) == "this bot belongs to another workspace"


def test_another_app_is_turned_away_whatever_its_workspace() -> None:
    """A socket may be shared by mistake."""
    body = envelope("T0OWN") | {"api_app_id": "A0OTHER"}
    assert find_stranger(body, OWN, PARTNERS) == "this request was made for another app"
