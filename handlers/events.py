"""What Slack tells by itself: that somebody looks at their Home tab, and that the installation ends."""

from __future__ import annotations

import structlog
from slack_bolt import Ack, App

from bot.slack.drawing.home import REFRESH_ACTION
from handlers.desk import Reception
from handlers.payloads import Payload, find_user


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
        log.error("slack installation ended", event=event.get("type"), remedy="install the app again, then restart")

    def note_change() -> None:
        """Groups are read anew at each decision, so there is nothing to do but to acknowledge."""

    for name in ENDINGS:
        app.event(name)(note_ending)
    app.event("subteam_members_changed")(note_change)
