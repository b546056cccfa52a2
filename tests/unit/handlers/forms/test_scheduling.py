"""The form of appointments starts in the zone of whoever opens it."""

from __future__ import annotations

from typing import Any

from tests.unit.handlers.front import ANA, Front


def find_zone(view: dict[str, Any]) -> str:
    """The zone that the form proposes."""
    (element,) = (block["element"] for block in view["blocks"] if block.get("block_id") == "zone")
    return str(element["initial_option"]["value"])


def test_the_form_starts_in_the_readers_own_zone(front: Front) -> None:
    """Ana lives in Madrid; the cluster has no windows, so its own zone would be UTC."""
    front.command("schedule cluster-x")
    assert find_zone(front.slack.wait_for_form(ANA)) == "Europe/Madrid"


def test_a_slack_that_does_not_say_leaves_the_clusters_zone(front: Front) -> None:
    """The form opens all the same."""
    front.slack.fault("error", method="users.info", error="user_not_visible")
    front.command("schedule cluster-x")
    assert find_zone(front.slack.wait_for_form(ANA)) == "UTC"
