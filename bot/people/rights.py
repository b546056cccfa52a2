"""Who may do what: pure rules over an upgrade's state and a cluster's policy."""

from __future__ import annotations

from collections.abc import Set

from bot.journal.records import ENDED, Action, UpgradeState
from bot.settings.policy import Policy

ACTION_WORDS: dict[str, str] = {
    "start": "start an upgrade",
    "approve": "approve",
    "deny": "deny",
    "pause": "pause",
    "resume": "resume",
    "retry": "retry",
    "abort": "abort",
    "rollback": "take back",
    "move": "move",
    "decide": "decide",
    "break-glass": "break the glass of",
    "schedule": "schedule",
    "extend": "extend the window of",
    "snooze": "snooze",
}
READING: frozenset[str] = frozenset({"status", "history", "log", "help", "windows", "calendar"})


def list_legal_actions(state: UpgradeState, paused: bool, aborting: bool) -> tuple[Action, ...]:
    """The actions that a state allows, in the order in which buttons stand."""
    if state in ENDED:
        return ()
    if state == "blocked":
        return ("retry", "abort")
    if aborting:
        return ()
    if paused:
        return ("resume", "abort")
    if state == "asking":
        return ("approve", "deny", "pause", "abort")
    return ("pause", "abort")


def refuse_person(policy: Policy, action: Action, user: str, requester: str, approving: bool) -> str:
    """Why this person may not do this, "" where they may.

    `approving` marks a decision that lets the upgrade act: an approval, or an extra choice of a blocked step. Four eyes
    (design: off only by `production = false`) forbid it to the requester.
    """
    if action in READING:
        return ""
    refused = _refuse(policy, action, user, requester, approving)
    return f"{refused} {policy.trouble}".rstrip() if refused else ""


def refuse_channel(policy: Policy, action: Action, channel: str, own: Set[str]) -> str:
    """Why nothing may be ordered from here, "" where it may. `own` are the channels of the cluster and its upgrade.

    The Home tab and a conversation with the bot alone, which have nobody else in them, are always fine.
    """
    if action in READING or not policy.channels or channel in policy.channels | own or channel[:1] in ("", "D", "U"):
        return ""
    allowed = ", ".join(f"<#{name}>" for name in sorted(policy.channels | own))
    return f"This cluster takes no orders from this channel. Use one of: {allowed}."


def _refuse(policy: Policy, action: Action, user: str, requester: str, approving: bool) -> str:
    word = ACTION_WORDS[action]
    if action == "break-glass":
        return _refuse_breaker(policy, user)
    if action == "start":
        if user in policy.requesters:
            return ""
        whom = _mention(policy.requesters)
        return f"You are not among this cluster's requesters, so you can't {word}. Ask one of: {whom}."
    if approving or action in ("approve", "deny"):
        return _refuse_approver(policy, word, user, requester, approving)
    if action == "move":
        return _refuse_mover(policy, word, user, requester)
    if policy.names(user):
        return ""
    return (
        f"You are none of those who may act on this cluster, so you can't {word} its upgrade. "
        f"Ask one of: {_mention(policy.everybody)}."
    )


def _refuse_approver(policy: Policy, word: str, user: str, requester: str, approving: bool) -> str:
    if not policy.approvers:
        return "This cluster has no approvers, so nobody may approve. Set `approvers` for it in clusters.toml."
    if user not in policy.approvers:
        whom = _mention(policy.approvers)
        return f"You are not among this cluster's approvers, so you can't {word}. Ask one of: {whom}."
    if approving and policy.four_eyes and user == requester:
        others = policy.approvers - {requester}
        advice = f"Ask one of: {_mention(others)}." if others else "The cluster needs a second one in clusters.toml."
        return f"You started this upgrade, and its approver must be somebody else. {advice}"
    return ""


def _refuse_mover(policy: Policy, word: str, user: str, requester: str) -> str:
    """Whoever may only break the glass may not choose as well who sees it."""
    if user in policy.requesters | policy.approvers | {requester}:
        return ""
    whom = _mention(policy.requesters | policy.approvers)
    return (
        f"You are neither a requester nor an approver of this cluster, so you can't {word} its upgrade. "
        f"Ask one of: {whom}."
    )


def _refuse_breaker(policy: Policy, user: str) -> str:
    if user in policy.break_glass:
        return ""
    if not policy.break_glass:
        return "Nobody may break the glass of this cluster. Set `break_glass` for it in clusters.toml."
    return f"You may not break the glass of this cluster. Ask one of: {_mention(policy.break_glass)}."


def _mention(users: frozenset[str]) -> str:
    return ", ".join(f"<@{user}>" for user in sorted(users)) or "nobody is configured"
