"""What the gates have in common: the card's frame and what an approval is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from steps.contract.cards import Card, Detail
from steps.contract.notes import Json
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.contract.wording import Person
from steps.mesh import ClusterIdentity
from steps.notes.download import SHA256, SIGNATURE, SIGNING_KEY
from steps.notes.prepare import bind_identity, choose_mtls, describe_identity, recall_flags, recall_source


def bind_upgrade(ctx: Context, identity: ClusterIdentity) -> dict[str, Json]:
    """What every approval holds for: identity, release, options; never replicas, images or pods."""
    return {
        "cluster": bind_identity(identity),
        "release": ctx.release.version,
        "options": bind_options(ctx.options),
        "mTLS": choose_mtls(ctx),
        "earlier flags": list(recall_flags(ctx)),
    }


def bind_evidence(ctx: Context) -> dict[str, Json]:
    """The archive that was verified."""
    return {
        "archive": ctx.recall(SHA256),
        "signature": ctx.recall(SIGNATURE),
        "key": ctx.recall(SIGNING_KEY),
    }


def bind_options(options: UpgradeOptions) -> dict[str, Json]:
    """The options that change what is done to the cluster; overlays by name and SHA-256."""
    return {
        "set flags": list(options.set_flags),
        "overlays": {o.name: hashlib.sha256(o.text.encode()).hexdigest() for o in options.overlays},
        "testing workloads": options.testing_workloads,
    }


def build_gate_card(
    ctx: Context,
    identity: ClusterIdentity,
    title: str,
    summary: tuple[str, ...],
    facts: Sequence[tuple[str, str]] = (),
    risks: tuple[str, ...] = (),
    details: tuple[Detail, ...] = (),
    estimate: str = "",
) -> Card:
    """A gate's card: title with cluster and versions, then what the phase adds."""
    versions = ("versions", f"{recall_source(ctx)} → {ctx.release.version}")
    return Card(
        title=f"{title}: {ctx.cluster.key}",
        summary=summary,
        facts=(versions, *facts),
        risks=risks,
        details=(*details, fold_facts("Cluster", describe_identity(identity))),
        estimate=estimate,
    )


def fold_facts(title: str, facts: Sequence[tuple[str, str]]) -> Detail:
    """Facts that are kept for the record, a line each."""
    return Detail(title, tuple(f"{name}: {value}" for name, value in facts))


def list_evidence(ctx: Context) -> tuple[tuple[str, str], ...]:
    """The facts about the verified archive."""
    key = ctx.recall(SIGNING_KEY)
    return (
        ("SHA-256", ctx.recall(SHA256) or ""),
        ("signature", ctx.recall(SIGNATURE) or ""),
        ("signing key", f"SHA-256 {key or ''}"),
    )


def describe_drift(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[str, ...]:
    """One sentence for each top-level entry of a binding that differs."""
    return tuple(_describe_moved(before, after))


def _describe_moved(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterable[str]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from (f"{key}: {line}" for line in _describe_moved(old, new))
        elif old is None:
            yield f"{key} is now {_show(new)}"
        elif new is None:
            yield f"{key} is gone (was {_show(old)})"
        else:
            yield f"{key} was {_show(old)} and is now {_show(new)}"


def _show(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


def pass_gate(ctx: Context, ask: Ask) -> Outcome:
    """Hold the person's decision against what would be shown now.

    No decision: the question itself. An approval of the same digest: Done. Another digest: the question anew with
    what moved. A denial: Blocked.
    """
    decision = ctx.decision
    phase = ctx.step_id.partition("/")[0]
    if decision is None:
        return ask
    if decision.choice == "deny":
        reason = f": {decision.reason}" if decision.reason else ""
        return Blocked(
            f"{phase} was denied by {Person(decision.by)}{reason}",
            "Retry asks for the approval again; abort ends the upgrade.",
        )
    if decision.digest != ask.digest:
        moved = describe_drift(decision.binding, ask.binding)
        return Ask(ask.question, ask.card, ask.binding, ask.choices, moved)
    return Done(f"{phase} approved by {Person(decision.by)}")
