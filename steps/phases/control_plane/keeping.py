"""What a person keeps of that which an apply would lose: objects are left alone, fields are asked of istioctl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steps.contract.cards import Choice, Detail
from steps.contract.step import Context
from steps.contract.wording import count_things
from steps.gates import REMOVALS
from steps.install.differences.keeping import list_given_paths, list_keeping_flags
from steps.install.record.preview import Preview
from steps.notes.control_plane import KEPT, KEPT_FLAGS

KEEP_ALL = Choice("keep", "Keep what would be removed")
KEEP_ONE = "keep:"
# Renders anew with the flags that hand over what the cluster has.
KEEP_FIELDS = Choice("keep:fields", "Keep fields")
# Up to this many objects get a button each.
MOST_KEPT_ALONE = 5
LONGEST_LABEL = 70


def list_keeping(removals: Sequence[str]) -> tuple[Choice, ...]:
    """The choices that keep what would be removed: each alone where they are few, and all together."""
    if not removals:
        return ()
    alone = removals if 1 < len(removals) <= MOST_KEPT_ALONE else ()
    return (*(Choice(name_keeping(one), f"Keep {one}"[:LONGEST_LABEL]) for one in alone), KEEP_ALL)


def name_keeping(removal: str) -> str:
    """The id of the choice that keeps one object; it is one word, so that a command can name it."""
    return KEEP_ONE + removal.replace(" ", "/")


def describe_keepable(flags: Sequence[str]) -> tuple[Detail, ...]:
    """The flags that keeping would add."""
    return (Detail("Kept by a flag of istioctl", tuple(f"--set {flag}" for flag in flags)),) if flags else ()


def is_keeping(ctx: Context) -> bool:
    """Whether a person keeps some of what would be lost; what is left is asked about then."""
    choice = ctx.decision.choice if ctx.decision else ""
    return choice == KEEP_ALL.id or choice.startswith(KEEP_ONE)


def list_keepable(ctx: Context, found: Preview) -> tuple[str, ...]:
    """The flags that would hand over what the cluster has now."""
    given = found.recorded.request.arguments
    return list_keeping_flags(found.departures.changes, ctx.release, list_given_paths(given, ctx.options.overlays))


def list_field_choices(flags: Sequence[str]) -> tuple[Choice, ...]:
    """The choice that keeps what flags can, none where none can."""
    return (replace(KEEP_FIELDS, label=f"Keep {count_things(len(flags), 'field')}"),) if flags else ()


def keep_fields(ctx: Context, found: Preview) -> bool:
    """A person keeps what flags can: from now on istioctl is asked for it. Whether there was any."""
    flags = list_keepable(ctx, found) if ctx.decision and ctx.decision.choice == KEEP_FIELDS.id else ()
    if flags:
        ctx.revise(KEPT_FLAGS, (*(ctx.recall(KEPT_FLAGS) or ()), *flags))
    return bool(flags)


def keep_removals(ctx: Context) -> None:
    """A person keeps one of the objects that would be removed, or all that the card named."""
    choice = ctx.decision.choice if ctx.decision else ""
    asked = ctx.decision.binding.get(REMOVALS) if ctx.decision else None
    named = [str(one) for one in asked] if isinstance(asked, list | tuple) else []
    kept = [one for one in named if choice == KEEP_ALL.id or choice == name_keeping(one)]
    ctx.revise(KEPT, tuple(dict.fromkeys((*(ctx.recall(KEPT) or ()), *kept))))
