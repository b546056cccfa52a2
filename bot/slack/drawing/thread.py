"""The messages of an upgrade's thread: milestones, progress, questions, blocked steps, the report, reminders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from slack_sdk.models.blocks import Block

from bot.journal.records import Message
from bot.slack.drawing.agenda import draw_agenda
from bot.slack.drawing.buttons import Target, build_choices, build_controls, build_row
from bot.slack.drawing.cards import (
    Look,
    build_card,
    build_folded_card,
    build_lines,
    build_list,
    build_note,
    build_sentence,
    build_text,
)
from bot.slack.drawing.reminders import draw_reminder, write_reminder_text
from bot.slack.drawing.text import Knows, cut_written, escape, write_sentence, write_time
from bot.telling.views import UpgradeView
from steps.contract.wording import describe_seconds

BAR_WIDTH = 20
ENDINGS = {"upgraded": "✅", "proposed": "📋"}


def draw_reply(message: Message, view: UpgradeView | None, look: Look, block_id: str, knows: Knows) -> list[Block]:
    """The blocks of one reply; a kind that has none answers with its sentence alone."""
    body = message.body
    match message.kind:
        case "milestone":
            return [build_sentence(_get(body, "sentence"), knows), *build_card(body.get("card"), knows, look)]
        case "progress":
            return _draw_progress(body, look, knows)
        case "gate":
            return _draw_gate(body, view, look, block_id, knows)
        case "blocked":
            return _draw_blocked(body, view, block_id, knows)
        case "finished":
            sign = ENDINGS.get(str(body.get("result") or "upgraded"), "🛑")
            return [
                build_sentence(_get(body, "sentence"), knows, f"{sign} "),
                *build_card(body.get("card"), knows, look),
            ]
        case "reminder":
            return draw_reminder(body, block_id, knows)
        case "answer":
            return draw_agenda(body.get("agenda") or (), knows)
        case "root" | "file":
            return []
        case _:
            assert_never(message.kind)


def write_reply_text(message: Message, knows: Knows) -> str:
    """The reply in words, for notifications, readers without blocks and the bare look; mrkdwn, escaped."""
    body = message.body
    match message.kind:
        case "progress":
            parts = [_write_progress(body, knows)]
        case "gate":
            parts = [f"{_write_approvers(body, knows)}{_sentence(_get(body, 'question'), knows)}"]
        case "blocked":
            parts = [f"Blocked: {_sentence(_get(body, 'sentence'), knows)}", _sentence(_get(body, "remedy"), knows)]
        case "milestone" | "finished":
            parts = [_sentence(_get(body, "sentence"), knows)]
        case "reminder":
            parts = [write_reminder_text(body, knows)]
        case "answer":
            parts = [_sentence(_get(body, "text"), knows)]
        case "root" | "file":
            parts = []
        case _:
            assert_never(message.kind)
    if body.get("closed"):
        parts.append(_sentence(_get(body, "closed"), knows))
    return "\n".join(part for part in parts if part)


def _draw_progress(body: Mapping[str, Any], look: Look, knows: Knows) -> list[Block]:
    blocks: list[Block] = [build_text(_write_progress(body, knows))]
    details = [str(line) for line in body.get("details") or ()]
    if details:
        blocks.append(build_lines(details, look))
    return blocks


def _write_progress(body: Mapping[str, Any], knows: Knows) -> str:
    sentence = _sentence(_get(body, "sentence"), knows)
    progress = body.get("progress")
    if not progress:
        return sentence or " "
    bar = _write_bar(progress, _get(body, "sentence"), moves=not body.get("ended"))
    return f"{sentence}\n{bar}" if sentence else bar


def _write_bar(progress: Mapping[str, Any], told: str, *, moves: bool) -> str:
    """The bar, with what the sentence above it doesn't tell already; what has ended has no pace and nothing left."""
    done, total = int(progress.get("done") or 0), int(progress.get("total") or 0)
    share = min(done, total) / total if total > 0 else 0.0
    filled = int(BAR_WIDTH * share)
    bar = f"`{'█' * filled}{'░' * (BAR_WIDTH - filled)}`"
    if f"{done}/{total}" in told:
        return f"{bar} {int(100 * share)} %"
    parts = [f"{bar} {done}/{total} {escape(str(progress.get('unit') or ''))}"]
    if moves and (per_minute := float(progress.get("per_minute") or 0)):
        parts.append(f"{per_minute:.0f}/min")
    if moves and progress.get("seconds_left") is not None and done < total:
        parts.append(f"about {describe_seconds(float(progress['seconds_left']))} left")
    return ", ".join(parts)


def _draw_gate(
    body: Mapping[str, Any], view: UpgradeView | None, look: Look, block_id: str, knows: Knows
) -> list[Block]:
    asked = "" if body.get("closed") else _write_approvers(body, knows)
    return [
        build_sentence(_get(body, "question"), knows, f"✋ {asked}"),
        *build_list("⚠️ *What moved since it was approved*", body.get("moved") or (), knows),
        *_draw_shown(body, look, knows),
        *_draw_ending(body, view, block_id, knows, ("pause", "abort")),
    ]


def _draw_shown(body: Mapping[str, Any], look: Look, knows: Knows) -> list[Block]:
    """The card; once the question is decided it is evidence, and folds."""
    if body.get("closed"):
        return build_folded_card("What was shown", body.get("card"), knows, look)
    return build_card(body.get("card"), knows, look)


def _draw_blocked(body: Mapping[str, Any], view: UpgradeView | None, block_id: str, knows: Knows) -> list[Block]:
    blocks: list[Block] = [build_sentence(_get(body, "sentence"), knows, "⛔ *Blocked:* ")]
    if body.get("remedy"):
        blocks.append(build_sentence(_get(body, "remedy"), knows, "*What to do:* "))
    return [*blocks, *_draw_ending(body, view, block_id, knows, ("retry", "abort"))]


def _draw_ending(
    body: Mapping[str, Any],
    view: UpgradeView | None,
    block_id: str,
    knows: Knows,
    controls: tuple[Any, ...],
) -> list[Block]:
    """How a question ended, or its clock and buttons while it is open."""
    if body.get("closed"):
        return [build_note(_sentence(_get(body, "closed"), knows))]
    target = Target(view.id if view else "", _get(body, "step"), int(body.get("generation") or 0))
    buttons = build_choices(body.get("choices") or (), target) if view else []
    taken = {str(choice["id"]) for choice in body.get("choices") or ()}
    if view:
        buttons += build_controls(view, [action for action in controls if action not in taken])
    return [*_draw_clock(body), *build_row(buttons, f"{block_id}|buttons")]


def _draw_clock(body: Mapping[str, Any]) -> list[Block]:
    expires = body.get("expires_at")
    if not expires:
        return []
    return [build_note(f"Expires {write_time(datetime.fromisoformat(str(expires)))}; without a decision it is denied.")]


def _write_approvers(body: Mapping[str, Any], knows: Knows) -> str:
    people = [write_sentence(f"<@{user}>", knows) for user in body.get("approvers") or ()][:10]
    return " ".join(people) + " " if people else ""


def _sentence(text: str, knows: Knows) -> str:
    return cut_written(text, 2800, lambda part: write_sentence(part, knows))


def _get(body: Mapping[str, Any], key: str) -> str:
    return str(body.get(key) or "")
