"""Checks of the fields of clusters.toml that name people and places of Slack."""

from __future__ import annotations

import re


def check_people(value: object) -> str:
    """User and user group ids."""
    return _check_ids(value, r"[UWS][A-Z0-9]{5,}", "user and user group ids, such as U012AB3CD or S012AB3CD")


def check_channels(value: object) -> str:
    """Channel ids."""
    return _check_ids(value, r"[CG][A-Z0-9]{5,}", "channel ids, such as C012AB3CD")


def check_workspaces(value: object) -> str:
    """Workspace ids."""
    return _check_ids(value, r"T[A-Z0-9]{5,}", "workspace ids, such as T012AB3CD")


def check_channel(value: object) -> str:
    """One channel id."""
    fine = isinstance(value, str) and re.fullmatch(r"[CG][A-Z0-9]{5,}", value)
    return "" if fine else "must be a Slack channel id, such as C012AB3CD (not its name)"


def check_approvals(value: object) -> str:
    """How many have to approve."""
    fine = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10
    return "" if fine else "must be a whole number from 1 to 10"


def _check_ids(value: object, pattern: str, what: str) -> str:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return f"must be a list of Slack {what}"
    wrong = [item for item in value if not re.fullmatch(pattern, item)]
    return f"has {', '.join(map(repr, wrong))}; it takes Slack {what}" if wrong else ""
