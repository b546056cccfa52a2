"""What Slack tells by itself: that somebody looks at their Home tab, and that the installation ends."""

from __future__ import annotations

import re

import structlog
from slack_bolt import Ack, App, Respond

from bot.slack.drawing.home import REFRESH_ACTION
from handlers.desk import Reception
from handlers.payloads import Payload, find_first, find_text, find_user


def register_home(app: App, reception: Reception) -> None:
    """Listen for people who look at their Home tab."""

    def note_opening(event: Payload) -> None:
        if event.get("tab", "home") == "home":
            reception.fleet.search()
            reception.tabs.open(str(event.get("user") or ""), reception.identity.url)

    def refresh(ack: Ack, body: Payload) -> None:
        reception.fleet.search()
        reception.tabs.open(find_user(body), reception.identity.url)
        ack()

    app.event("app_home_opened")(note_opening)
    app.action(REFRESH_ACTION)(refresh)


ENDINGS = ("app_uninstalled", "tokens_revoked")


def register_installation(app: App) -> None:
    """Listen for the end of the installation, so that the log says why nothing is delivered any more."""
    log = structlog.get_logger(__name__)

    def note_ending(event: Payload) -> None:
        log.error(
            "slack installation ended", kind=find_text(event, "type"), remedy="install the app again, then restart"
        )

    def note_change() -> None:
        """Groups are read anew at each decision, so there is nothing to do but to acknowledge."""

    for name in ENDINGS:
        app.event(name)(note_ending)
    app.event("subteam_members_changed")(note_change)


ANY = re.compile("")
UNKNOWN = "This bot does not know that, so nothing was done. `/asm-upgrade status` shows what may be done now."


def register_rest(app: App) -> None:
    """Acknowledge whatever no other listener takes, and tell the person; to be registered last."""
    log = structlog.get_logger(__name__)

    def note_event(event: Payload) -> None:
        log.debug("slack event without a listener", kind=find_text(event, "type"))

    def answer_unknown(ack: Ack, body: Payload, respond: Respond) -> None:
        ack()
        known_by = find_text(find_first(body, "actions"), "action_id") or find_text(body, "callback_id")
        log.warning("slack interaction without a listener", kind=find_text(body, "type"), id=known_by[:80])
        if body.get("response_url"):
            respond(text=UNKNOWN, response_type="ephemeral", replace_original=False)

    def close_unknown(ack: Ack) -> None:
        ack(response_action="clear")

    def offer_nothing(ack: Ack) -> None:
        ack(options=[])

    app.event(ANY)(note_event)
    app.action(ANY)(answer_unknown)
    app.shortcut(ANY)(answer_unknown)
    app.view_submission(ANY)(close_unknown)
    app.view_closed(ANY)(close_unknown)
    app.options(ANY)(offer_nothing)
