"""The app's Home tab: opened and refreshed."""

from __future__ import annotations

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
