"""What the gates have in common: the card's frame and what an approval is bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from steps.identity import bind_identity
from steps.mesh import ClusterIdentity
from steps.options import UpgradeOptions
from steps.prepare import choose_mtls, describe_identity, recall_flags, recall_source
from steps.step import Card, Context, Detail, Json


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
        "archive": ctx.recall("download/sha256"),
        "signature": ctx.recall("download/signature"),
        "key": ctx.recall("download/key"),
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
    return (
        ("SHA-256", str(ctx.recall("download/sha256") or "")),
        ("signature", str(ctx.recall("download/signature") or "")),
        ("signing key", f"SHA-256 {ctx.recall('download/key') or ''}"),
    )
