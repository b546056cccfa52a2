"""What Slack tells about the installation itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt import App

ENDINGS = ("app_uninstalled", "tokens_revoked")


def register_installation(app: App) -> None:
    """Listen for the end of the installation, so that the log says why nothing is delivered any more."""
    log = structlog.get_logger(__name__)

    def note_ending(event: Mapping[str, Any]) -> None:
        log.error("slack installation ended", event=event.get("type"), remedy="install the app again, then restart")

    def note_change() -> None:
        """Groups are read anew at each decision, so there is nothing to do but to acknowledge."""

    for name in ENDINGS:
        app.event(name)(note_ending)
    app.event("subteam_members_changed")(note_change)
