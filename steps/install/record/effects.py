"""Flags that a person asked for and that have no effect: the apply is recorded once more without each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from steps.contract.record import Leaf, ObjectKey, Record, RecordedObject, blank_leaves
from steps.contract.step import Context, Waiting
from steps.install.flags import MEANT, flag_path, list_set_flags
from steps.install.record.recording import Recorded, record_apply

STORED = "values"
# Each costs a recording; nobody gives that many by hand.
MOST = 20


def find_effectless(ctx: Context, recorded: Recorded) -> tuple[str, ...] | Waiting:
    """A sentence for each, without its full stop; Waiting while one of the recordings is made.

    Of those that are known to be stored only another sentence says what was meant.
    """
    told: list[str] = []
    given = list_set_flags(recorded.request.arguments)
    asked = [flag for flag in ctx.options.set_flags if flag in given and flag_path(flag) not in MEANT]
    for number, flag in enumerate(asked[:MOST], 1):
        request = replace(recorded.request, arguments=leave_out(recorded.request.arguments, flag))
        found = record_apply(ctx, f"without-{number}", request, times=1, looks=False)
        if isinstance(found, Waiting):
            return found
        # without one that is needed istioctl doesn't come to an end
        if isinstance(found, Recorded):
            effect = describe_effect(recorded.record, found.record, ctx.release.injector_config)
            told += [f"--set {flag} {effect}"] if effect else []
    return tuple(told)


def leave_out(arguments: Sequence[str], flag: str) -> tuple[str, ...]:
    """istioctl's arguments without one `--set`."""
    at = list(arguments).index(flag)
    return (*arguments[: at - 1], *arguments[at + 1 :])


def describe_effect(record: Record, without: Record, config_map: str) -> str:
    """What a flag does not do, "" where it changes what is installed."""
    mine, other = _read_texts(record, record.renewed), _read_texts(without, record.renewed)
    differing = {key for key in {*mine, *other} if mine.get(key) != other.get(key)}
    if not differing:
        return "changes nothing of what is handed over"
    stored = all(key.kind == "ConfigMap" and key.name == config_map for key in differing)
    if stored and all(_drop_stored(mine.get(key)) == _drop_stored(other.get(key)) for key in differing):
        return "only changes what is stored"
    return ""


def _read_texts(record: Record, renewed: tuple[Leaf, ...]) -> Mapping[ObjectKey, str]:
    return {made.key: _blank(made, renewed) for made in record.list_objects()}


def _blank(made: RecordedObject, renewed: tuple[Leaf, ...]) -> str:
    try:
        return blank_leaves(made, renewed)
    except (KeyError, IndexError, TypeError):
        return made.text


def _drop_stored(text: str | None) -> object:
    content = json.loads(text or "{}")
    return {**content, "data": {name: held for name, held in content.get("data", {}).items() if name != STORED}}
