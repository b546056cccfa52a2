"""What each gate's approval holds for, and what gates have in common: the card's frame and the judgement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from steps.contract.cards import APPROVALS, THROUGH, Card, Choice, Detail
from steps.contract.notes import Json, encode_note, read_as
from steps.contract.options import UpgradeOptions
from steps.contract.ports import ApplyRequest
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.contract.wording import Person, name_phase
from steps.mesh import ClusterIdentity
from steps.notes.control_plane import ApprovedApply
from steps.notes.download import SHA256, SIGNATURE, SIGNING_KEY
from steps.notes.prepare import (
    choose_flags,
    choose_mtls,
    describe_channel_change,
    describe_identity,
    describe_source,
    recall_mtls,
)
from steps.versions import read_minor_version
from steps.workloads.method import Method
from steps.workloads.subject import Level
from steps.workloads.waves import PlannedWorkload

# What the parts of bindings are called, one place for all gates. They are stored: an approval of an earlier version is
# read by them, so none is ever renamed.
ACCOUNT, ARCHIVE_FROM, CLUSTER, CLUSTER_UID = "account", "archive from", "cluster", "cluster UID"
MTLS, MTLS_IN_FORCE = "mTLS", "mTLS in force"
REMOVALS, FIELDS, FOREIGN_IMAGES, BEYOND_GUIDE = "removals", "fields", "foreign images", "objects beyond the guide"
OPTIONS_LEFT, RECORD = "options left", "record"
# The workloads without a sidecar that STRICT cuts off; earlier versions bound none.
CUT_OFF = "cut off by STRICT"
# What the earlier release hands over, with which the approval covers the way back; earlier versions bound none.
WAY_BACK = "way back"
# The workloads that an approval to the end covers, and those that one leaves alone because they were broken before.
TO_THE_END, BROKEN = "through", "broken before"
WORKLOADS, WAVE, LEFT = "workloads", "wave", "left"
FINDINGS, POLICIES, POLICIES_NOW = "findings", "policies", "now"
# What a question beside the gates is about: the server that is reached, the release that is used.
REACHED, RELEASE_USED = "reached server", "release that is used"


def bind_upgrade(ctx: Context, identity: ClusterIdentity) -> dict[str, Json]:
    """What every approval holds for: identity, release, its values and key, options; never replicas, images or pods."""
    channel: dict[str, Json] = {"release channel": identity.release_channel}
    return {
        **(channel if describe_channel_change(ctx, identity) else {}),
        CLUSTER: bind_identity(identity),
        "release": ctx.release.version,
        "release values": ctx.release.digest,
        "signing key": ctx.release.key_fingerprint,
        "options": bind_options(ctx.options),
        MTLS: choose_mtls(ctx),
        "earlier flags": list(choose_flags(ctx)),
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


def bind_identity(identity: ClusterIdentity) -> dict[str, Json]:
    """The part of the identity that an approval holds for; the server counts by its minor version."""
    return {
        "project": identity.project_id,
        "project number": identity.project_number,
        "location": identity.location,
        "name": identity.name,
        "workload pool": identity.workload_pool,
        "mesh id": identity.mesh_id,
        "server": read_minor_version(identity.server_version),
        "GKE id": identity.gke_id,
    }


def bind_access(ctx: Context, identity: ClusterIdentity, account: str) -> dict[str, Json]:
    """The account that is given the rights."""
    return {**bind_upgrade(ctx, identity), ACCOUNT: account}


def bind_download(ctx: Context, identity: ClusterIdentity, source: str) -> dict[str, Json]:
    """Where the archive comes from."""
    return {**bind_upgrade(ctx, identity), ARCHIVE_FROM: source}


def bind_mtls_change(ctx: Context, identity: ClusterIdentity) -> dict[str, Json]:
    """The mode that is left; the one that is asked for is in every binding."""
    return {**bind_upgrade(ctx, identity), MTLS_IN_FORCE: recall_mtls(ctx)}


def bind_departures(ctx: Context, identity: ClusterIdentity, approved: ApprovedApply) -> dict[str, Json]:
    """What leaves the guide's path: what goes, what is set back, and what comes from elsewhere."""
    return {
        **bind_upgrade(ctx, identity),
        REMOVALS: list(approved.removals),
        FIELDS: list(approved.changes),
        FOREIGN_IMAGES: list(approved.images),
        BEYOND_GUIDE: list(approved.objects),
    }


def bind_apply(
    ctx: Context, identity: ClusterIdentity, request: ApplyRequest, approved: ApprovedApply
) -> dict[str, Json]:
    """The verified archive, the programs by their hashes, the cluster's UID, the record and what goes with it."""
    return {
        **bind_departures(ctx, identity, approved),
        **bind_evidence(ctx),
        CLUSTER_UID: request.cluster_uid,
        "arguments": list(request.arguments),
        "istioctl": request.tools.istioctl_sha256,
        "kubectl": request.kubectl.sha256,
        RECORD: approved.record,
    }


def bind_findings(ctx: Context, identity: ClusterIdentity, findings: Iterable[object]) -> dict[str, Json]:
    """The findings about authorization policies, with their edits."""
    return {**bind_upgrade(ctx, identity), FINDINGS: [str(finding) for finding in findings]}


@dataclass(frozen=True)
class BoundWorkload:
    """What an approval of a workload holds for."""

    method: Method
    risk: Level
    because: tuple[str, ...]


def bind_workloads(
    ctx: Context, identity: ClusterIdentity, workloads: Iterable[PlannedWorkload], wave: str = ""
) -> dict[str, Json]:
    """The workloads with their method and risk, never pods; `wave` where it is one of its own."""
    bound = bind_planned(workloads)
    named: dict[str, Json] = {WAVE: wave} if wave else {}
    return {**bind_upgrade(ctx, identity), **named, WORKLOADS: encode_note(bound)}


def bind_planned(workloads: Iterable[PlannedWorkload]) -> dict[str, BoundWorkload]:
    """What an approval holds for of each workload, by id."""
    return {str(one.ref): BoundWorkload(one.method, one.level, one.risks) for one in workloads}


def read_workloads(binding: Mapping[str, Json]) -> Mapping[str, BoundWorkload]:
    """The workloads of a binding by id, none where it holds for something else."""
    return _read_workloads(binding.get(WORKLOADS) or {})


_read_workloads = read_as(dict[str, BoundWorkload])


def bind_left(workloads: Iterable[str]) -> dict[str, Json]:
    """The workloads with pods that are left to a person; it names no release, as nothing is done."""
    return {LEFT: sorted(workloads)}


def read_left(binding: Mapping[str, Json]) -> frozenset[str] | None:
    """The workloads that were acknowledged as left, None where the binding holds for something else."""
    return frozenset(_read_refs(binding[LEFT])) if LEFT in binding else None


_read_refs = read_as(tuple[str, ...])


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
    channel = describe_channel_change(ctx, identity)
    versions = ("versions", f"{describe_source(ctx)} → {ctx.release.version}")
    return Card(
        title=f"{title}: {ctx.cluster.key}",
        summary=summary,
        facts=(versions, *facts),
        risks=(*ctx.release.warnings, *([channel] if channel else []), *risks),
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


def ask_again(ask: Ask, sentence: str) -> Ask:
    """The question whose approval asks once more in this sentence, where its cluster is in production by then."""
    return replace(ask, choices=tuple(_put_again(one, sentence) for one in ask.choices))


def _put_again(choice: Choice, sentence: str) -> Choice:
    if choice.id not in APPROVALS:
        return choice
    more = ", and let all that follows be done without asking?" if choice.id == THROUGH.id else ""
    return replace(choice, confirm=f"{sentence.removesuffix('?')}{more}" if more else sentence)


def pass_gate(ctx: Context, ask: Ask) -> Outcome:
    """Hold the person's decision against what would be shown now.

    No decision: the question itself. An approval of the same digest: Done. Another digest: the question again with
    what moved. A denial: Blocked.
    """
    decision = ctx.decision
    phase = name_phase(ctx.step_id)
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
