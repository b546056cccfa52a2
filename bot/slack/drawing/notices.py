"""What one person is told directly of a channel that takes nothing, as words and as blocks."""

from __future__ import annotations

from slack_sdk.models.blocks import Block

from bot.journal.bodies import NoticeBody, Unheard
from bot.slack.drawing.cards import build_sentence, build_texts
from bot.slack.drawing.text import Pen, escape
from steps.contract.wording import count_things

LINES_SHOWN = 30
OVER = "That channel takes messages again, or has nothing more to hear: what was told of it here is over."
REMEDY = (
    "Until it can, no card of it is seen there, and what nobody could see can't be approved. Pause, deny and abort "
    "work, and where they are allowed taking back and breaking the glass. If it never can again, "
    "`/asm-upgrade move CLUSTER #CHANNEL` lets an open upgrade go on elsewhere; another `channel` in clusters.toml "
    "is for what begins after that."
)


def draw_notice(body: NoticeBody, pen: Pen) -> list[Block]:
    """The sentence, with a link for each upgrade that has a thread."""
    return [build_sentence(tell_notice(body), pen), *build_texts(_list_links(body, pen))]


def write_notice(body: NoticeBody, pen: Pen) -> list[str]:
    """The same in words."""
    return [pen.write_sentence(tell_notice(body)), *_list_links(body, pen)]


def tell_notice(body: NoticeBody) -> str:
    """Which channel takes nothing of which upgrades, why, and what that keeps from going on."""
    if not body.upgrades:
        return OVER
    first, *others = body.upgrades
    more = f" and {count_things(len(others), 'other upgrade')}" if others else ""
    told = "is" if not others else "are"
    names = ", ".join(one.upgrade for one in body.upgrades[:LINES_SHOWN])
    left = f" and {len(body.upgrades) - LINES_SHOWN} more" if len(body.upgrades) > LINES_SHOWN else ""
    return (
        f"{first.cluster}{more}: nothing can be posted in <#{body.unheard_in}>, where {names}{left} {told} told. "
        f"{body.why}. {REMEDY}"
    )


def _list_links(body: NoticeBody, pen: Pen) -> list[str]:
    return [f"• {link}" for one in body.upgrades[:LINES_SHOWN] if (link := _write_link(body, one, pen))]


def _write_link(body: NoticeBody, one: Unheard, pen: Pen) -> str:
    return pen.write_link(body.unheard_in, one.ts, escape(one.upgrade))
