"""Upgrades in words, for private answers and the command line."""

from __future__ import annotations

from collections.abc import Sequence

from bot.journal.records import ENDED
from bot.telling.phrases import mention, name_done
from bot.telling.views import Approval, UpgradeView
from steps.contract.wording import describe_seconds


def describe_status(views: Sequence[UpgradeView], clusters: Sequence[str]) -> str:
    """Where each upgrade stands, several lines each; a sentence where there is none."""
    if not views:
        known = ", ".join(clusters) or "none"
        return f"No upgrade is under way. Clusters: {known}. `/asm-upgrade start CLUSTER` starts one."
    return "\n".join(_describe_upgrade(view) for view in views)


def describe_history(views: Sequence[UpgradeView]) -> str:
    """One line per upgrade, newest first."""
    if not views:
        return "No upgrade was ever started."
    return "\n".join(_describe_line(view) for view in views)


def _describe_upgrade(view: UpgradeView) -> str:
    lines = [f"*{view.id}* to {view.release}{describe_link(view)}: {describe_standing(view)}"]
    lines += [f"{describe_times(view)}."] if view.times else []
    lines += [f"{_MARKS[phase.state]} {phase.title}: {phase.sentence or phase.state}" for phase in view.phases]
    if view.remedy:
        lines.append(view.remedy)
    if view.legal:
        lines.append(f"Possible now: {', '.join(view.legal)}.")
    return "\n".join(lines)


def _describe_line(view: UpgradeView) -> str:
    started = f"started {view.created_at:%Y-%m-%d %H:%M} UTC by {mention(view.requester)}"
    told = f"{view.id}: {describe_versions(view)}, {describe_standing(view)}{describe_link(view)}, {started}"
    decided = [_describe_approval(one) for one in view.approvals if one.by]
    return "\n    ".join(part for part in (f"{told}{_describe_length(view)}", "; ".join(decided)) if part)


def _describe_approval(approval: Approval) -> str:
    at = f", {approval.at:%Y-%m-%d %H:%M} UTC" if approval.at else ""
    return f"{approval.step.partition('/')[0]} {name_done(approval.choice)} by {mention(approval.by)}{at}"


def _describe_length(view: UpgradeView) -> str:
    """How long it took, and how much of that people did."""
    if view.ended_at is None:
        return ""
    whole, people = view.ended_at - view.created_at, view.people
    work = describe_seconds((whole - people).total_seconds())
    return f", took {work} and people {describe_seconds(people.total_seconds())}" if people else f", took {work}"


def describe_versions(view: UpgradeView) -> str:
    """From which version to which, as far as the first is known yet."""
    return f"{view.source_version} → {view.release}" if view.source_version else f"to {view.release}"


def describe_times(view: UpgradeView) -> str:
    """When it was appointed to act, "" where it has no appointment."""
    if view.times is None:
        return ""
    starts, ends = view.times
    until = f" until {ends:%Y-%m-%d %H:%M} UTC" if ends else ""
    return f"Acts from {starts:%Y-%m-%d %H:%M} UTC{until}"


def describe_link(view: UpgradeView) -> str:
    """What a way back takes back, or which one takes this upgrade back; "" for neither."""
    if view.takes_back:
        return f", takes back {view.takes_back}"
    return f", taken back by {view.way_back}" if view.way_back else ""


def describe_standing(view: UpgradeView) -> str:
    """The state of an upgrade in a few words."""
    if view.state in ENDED:
        return view.state
    if view.paused_by:
        return f"paused by {mention(view.paused_by)}"
    if view.state == "asking" and view.question:
        return f"waits for an approval: {view.question.question}"
    if view.state == "blocked":
        return f"blocked: {view.sentence}"
    return view.sentence or "running"


_MARKS = {"pending": "○", "running": "◐", "asking": "◆", "blocked": "✖", "done": "●"}
