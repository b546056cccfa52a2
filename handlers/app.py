"""The Bolt app with its listeners."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.pools import hand_over
from bot.slack.api.identity import SlackIdentity
from handlers.approvals import register_approvals
from handlers.commands import Later, register_commands
from handlers.desk import Reception
from handlers.events import register_home, register_installation, register_rest
from handlers.forms.scheduling import register_scheduling
from handlers.forms.starting import register_starting
from handlers.payloads import Payload
from handlers.permissions import register_permissions
from handlers.threads import register_threads

FORM_THREADS = 8


def build_app(reception: Reception, client: WebClient, signing_secret: str = "unused-in-socket-mode") -> App:
    """The Bolt app. `client` is the posting client; who the bot is was read at start, so no listener asks Slack."""
    forms = ThreadPoolExecutor(FORM_THREADS, thread_name_prefix="form")
    app = App(
        name="asm-upgrade",
        # Without a token: with one, Bolt would ask Slack for the bot's identity again.
        client=WebClient(base_url=client.base_url, timeout=client.timeout, retry_handlers=[]),
        signing_secret=signing_secret,
        authorize=_build_authorize(reception.identity, client.token or ""),
        # A listener only commits and acknowledges: run in place, it answers without Bolt's 10 ms polling.
        process_before_response=True,
        listener_executor=forms,
    )
    register_permissions(app, reception.identity, reception.workspaces)
    register_listeners(app, reception, lambda call: hand_over(forms, call, "a form or an answer"))
    app.error(answer_fault)
    return app


def register_listeners(app: App, reception: Reception, later: Later) -> None:
    """Register every listener of the bot; `later` makes a call on another thread, or raises."""
    register_commands(app, reception, later)
    register_approvals(app, reception)
    register_starting(app, reception)
    register_home(app, reception)
    register_scheduling(app, reception)
    register_threads(app, reception, later)
    register_installation(app)
    register_rest(app)


def answer_fault(error: Exception, body: Payload) -> BoltResponse:
    """Log an unexpected error under an incident id and tell the person that nothing was done."""
    incident = secrets.token_hex(4)
    structlog.get_logger(__name__).error("listener failed", incident=incident, error=repr(error))
    text = f"This could not be recorded, so nothing was done (incident {incident}, see the bot's log). Try again."
    if body.get("command"):
        return BoltResponse(status=200, body=text)
    # Without an acknowledgement Slack marks the button or the form as failed.
    return BoltResponse(status=500, body=text)


def _build_authorize(identity: SlackIdentity, token: str) -> Any:
    def authorize(**_context: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id or None,
            team_id=identity.team_id,
            bot_user_id=identity.bot_user_id,
            bot_id=identity.bot_id,
            bot_token=token,
        )

    return authorize
