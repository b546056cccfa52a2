"""Upgrades in words, for private answers and the command line."""

from __future__ import annotations

from collections.abc import Sequence

from bot.journal.records import ENDED
from bot.telling.phrases import mention
from bot.telling.views import UpgradeView


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
    lines += [f"{_MARKS[phase.state]} {phase.title}: {phase.sentence or phase.state}" for phase in view.phases]
    if view.remedy:
        lines.append(view.remedy)
    if view.legal:
        lines.append(f"Possible now: {', '.join(view.legal)}.")
    return "\n".join(lines)


def _describe_line(view: UpgradeView) -> str:
    versions = f"{view.source_version or '?'} → {view.release}"
    started = f"started {view.created_at:%Y-%m-%d %H:%M} UTC by {mention(view.requester)}"
    return f"{view.id}: {versions}, {describe_standing(view)}{describe_link(view)}, {started}"


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
