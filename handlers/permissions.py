"""What may enter at all: envelopes of this app and this workspace. Who may do what is decided after the commit."""

from __future__ import annotations

from collections.abc import Callable, Set

import structlog
from slack_bolt import App, BoltResponse

from bot.slack.api.identity import SlackIdentity
from handlers.payloads import Payload


def register_permissions(app: App, identity: SlackIdentity, workspaces: Set[str]) -> None:
    """Turn away envelopes of another app, or of a workspace that no cluster names, before any listener sees them."""
    log = structlog.get_logger(__name__)

    def turn_away_strangers(body: Payload, next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002
        fault = find_stranger(body, identity, workspaces)
        if not fault:
            return next()
        log.warning("slack envelope turned away", why=fault)
        return BoltResponse(status=200, body=f"Nothing was done: {fault}.")

    app.use(turn_away_strangers)


def find_stranger(body: Payload, identity: SlackIdentity, workspaces: Set[str]) -> str:
    """Why an envelope doesn't belong here, "" where it does.

    `workspaces` are those that some cluster takes people of; which clusters they may order about is decided per click.
    """
    app_id = str(body.get("api_app_id") or "")
    if identity.app_id and app_id != identity.app_id:
        return "this request was made for another app"
    team = body.get("team_id") or (body.get("team") or {}).get("id") or (body.get("view") or {}).get("team_id")
    if team and (team == identity.team_id or team in workspaces):
        return ""
    enterprise = body.get("enterprise_id") or (body.get("enterprise") or {}).get("id")
    if not team and identity.enterprise_id and enterprise == identity.enterprise_id:
        return ""
    return "this bot belongs to another workspace"
