"""Upgrades in words, for private answers and the command line."""

from __future__ import annotations

from collections.abc import Sequence

from bot.journal.records import ENDED
from bot.telling.accounts import list_account
from bot.telling.phrases import mention
from bot.telling.views import UpgradeView
from steps.contract.wording import begin_sentence

# Of those before only a line; a message holds no more.
TOLD_WHOLE = 3


def describe_status(views: Sequence[UpgradeView], clusters: Sequence[str]) -> str:
    """Where each upgrade stands, several lines each; a sentence where there is none."""
    if not views:
        known = ", ".join(clusters) or "none"
        return f"No upgrade is under way. Clusters: {known}. `/asm-upgrade start CLUSTER` starts one."
    return "\n".join(_describe_upgrade(view) for view in views)


def describe_troubles(troubles: Sequence[str]) -> list[str]:
    """A line for each thing that does not work."""
    return [f"⚠️ {begin_sentence(trouble)}" for trouble in troubles]


def describe_history(views: Sequence[UpgradeView], left: Sequence[str] = ()) -> str:
    """The upgrades, newest first; `left` are the lines to copy of what is left to do where it is one alone."""
    if not views:
        return "No upgrade was ever started."
    told = [_describe_line(view, whole=place < TOLD_WHOLE) for place, view in enumerate(views)]
    return "\n".join([*told, *(["Left to do:", "```", *left, "```"] if left else [])])


def _describe_upgrade(view: UpgradeView) -> str:
    lines = [f"*{view.id}* to {view.release}{describe_link(view)}: {describe_view(view)}"]
    lines += [f"{times}."] if (times := describe_times(view)) else []
    lines += [f"{_MARKS[phase.state]} {phase.title}: {phase.sentence or phase.state}" for phase in view.phases]
    if view.remedy:
        lines.append(view.remedy)
    if view.legal:
        lines.append(f"Possible now: {', '.join(view.legal)}.")
    return "\n".join(lines)


def _describe_line(view: UpgradeView, *, whole: bool) -> str:
    line = f"{view.id}: {describe_versions(view)}, {describe_view(view)}{describe_link(view)}"
    account = list_account(view) if whole else [f"`/asm-upgrade history {view.id}` tells who decided what"]
    return "\n    • ".join((line, *account))


def describe_versions(view: UpgradeView) -> str:
    """From which version to which, as far as the first is known yet."""
    return f"{view.source_version} → {view.release}" if view.source_version else f"to {view.release}"


def describe_times(view: UpgradeView) -> str:
    """When it may act, "" where nothing limits that; once that is over, since when it may not."""
    starts, ends = view.times or (None, None)
    if ends and ends <= view.at:
        return f"Its window ended {ends:%Y-%m-%d %H:%M} UTC, and nothing new is begun until another opens"
    until = f" until {ends:%Y-%m-%d %H:%M} UTC" if ends else ""
    if starts is None:
        return f"May act{until}" if until else ""
    return f"Acts from {starts:%Y-%m-%d %H:%M} UTC{until}"


def describe_link(view: UpgradeView) -> str:
    """What a way back takes back, or which one takes this upgrade back; "" for neither."""
    if view.takes_back:
        return f", takes back {view.takes_back}"
    return f", taken back by {view.way_back}" if view.way_back else ""


def describe_view(view: UpgradeView) -> str:
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
