"""What prepare found, for the phases after it: the cluster's identity, and what was installed before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from steps.contract.checks import Check
from steps.contract.errors import GiveUp
from steps.contract.notes import Json, Note, encode_note, read_as
from steps.contract.options import MtlsMode
from steps.contract.step import Context
from steps.contract.wording import count_things
from steps.mesh import ClusterIdentity, ReachedServer


@dataclass(frozen=True)
class Source:
    """The version that the upgrade started from, and would go back to.

    `shown` says what is there where an earlier upgrade had moved the control plane already, "" where none had.
    """

    version: str = "unknown"
    shown: str = ""

    def __str__(self) -> str:
        return self.shown or self.version


@dataclass(frozen=True)
class SeenMesh:
    """What the mesh was last seen on: the versions of its control plane, and how many sidecars are on which."""

    plane: tuple[str, ...]
    sidecars: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """`1.4.10-asm.18, 2 sidecars on 1.4.7-asm.0`: sidecars are told where they are on something else."""
        plane = self.plane[0] if len(self.plane) == 1 else f"{' and '.join(self.plane) or 'no version'} mixed"
        others = {tag: count for tag, count in sorted(self.sidecars.items()) if (tag,) != self.plane and count}
        return ", ".join((plane, *(f"{count_things(count, 'sidecar')} on {tag}" for tag, count in others.items())))


@dataclass(frozen=True)
class SeenCluster:
    """The UID of the kube-system that was read last, and when."""

    uid: str
    at: datetime


@dataclass(frozen=True)
class SidecarCounts:
    """Pods with a sidecar, finished and terminating ones left out; `by_version` counts image tags."""

    pods: int = 0
    by_version: Mapping[str, int] = field(default_factory=dict)
    by_namespace: Mapping[str, int] = field(default_factory=dict)
    bare: int = 0
    jobs: int = 0


def read_mode(kept: Json) -> MtlsMode:
    """The mTLS mode that was kept; anything but STRICT lets plain text in."""
    return "STRICT" if kept == "STRICT" else "PERMISSIVE"


def write_source(source: Source) -> Json:
    """The source as JSON; what is shown stands there where it says more than the version."""
    return {"version": source.version, **({"shown": source.shown} if source.shown else {})}


def write_identity(identity: ClusterIdentity) -> Json:
    """The identity as JSON, without how GKE has the cluster at this moment: nothing later may rest on that."""
    plain = encode_note(identity)
    assert isinstance(plain, dict)
    return {key: kept for key, kept in plain.items() if key != "gke"}


IDENTITY = Note("prepare/identity", read_as(ClusterIdentity), write_identity)
# The UID of kube-system, as first read: no other cluster has it.
CLUSTER_UID = Note("prepare/cluster-uid", read_as(str))
CLUSTER_SEEN = Note("prepare/cluster-seen", read_as(SeenCluster))
# Where its first connection led: CA, GKE's own id, and what a kubeconfig names; revised where a person accepts another.
CLUSTER_SERVER = Note("prepare/cluster-server", read_as(ReachedServer))
SOURCE = Note("prepare/source", read_as(Source), write_source)
# Kept anew wherever the upgrade has seen the mesh: at its start, with the control plane moved, and at its end.
MESH_SEEN = Note("mesh/seen", read_as(SeenMesh))
MTLS = Note("prepare/mtls", read_mode)
FLAGS = Note("prepare/options", read_as(tuple[str, ...]))
# The images of the control plane by workload and container, as prepare found them; and the cluster's release channel.
PLANE = Note("prepare/plane", read_as(dict[str, dict[str, str]]))
CHANNEL = Note("prepare/channel", read_as(str))
SIDECARS = Note("prepare/sidecars", read_as(SidecarCounts))
CHECKS = Note("prepare/checks", read_as(tuple[Check, ...]))
# Whoever keeps the control plane besides: a sentence each as shown, and by sentence who accepted it and why.
OWNERS_SHOWN = Note("prepare/owners-shown", read_as(tuple[str, ...]))
OWNERS_ACCEPTED = Note("prepare/owners-accepted", read_as(dict[str, str]))
# How many nodes the node agent is on.
NODES = Note("prepare/nodes", read_as(int))
# Minutes, from and to: of all phases, and of the sidecars alone.
ESTIMATE = Note("prepare/estimate", read_as(tuple[float, float]))
SIDECARS_ESTIMATE = Note("prepare/sidecars-estimate", read_as(tuple[float, float]))
# The lines of clusters.toml that would make the cluster one of the bot's; stored when the proposal is started.
PROPOSAL_LINES = Note("proposal/lines", read_as(tuple[str, ...]))


def measure_identity(ctx: Context) -> ClusterIdentity:
    """Ask GKE and the API server again, and keep the answer for later steps."""
    identity = ctx.gke.describe_cluster(ctx.cluster)
    ctx.revise(IDENTITY, identity)
    return identity


def read_cluster_uid(ctx: Context) -> str:
    """The UID of kube-system, which no other cluster has; GiveUp where it can't be read."""
    found = ctx.kubernetes.read_object("v1", "Namespace", "", "kube-system")
    uid = str(((found or {}).get("metadata") or {}).get("uid") or "")
    if not uid:
        raise GiveUp(
            "the UID of the namespace kube-system can't be read, by which the cluster is known",
            "Let the bot's account get namespaces, then retry.",
        )
    return uid


def remember_cluster(ctx: Context) -> str:
    """The UID of the cluster that the upgrade is for: the first that was ever read."""
    return ctx.recall(CLUSTER_UID) or ctx.remember(CLUSTER_UID, read_cluster_uid(ctx))


def remember_server(ctx: Context) -> ReachedServer:
    """Where the upgrade's connections lead: the first that was ever looked at, or what a person accepted since."""
    return ctx.recall(CLUSTER_SERVER) or ctx.remember(CLUSTER_SERVER, ctx.kubernetes.read_server())


def note_cluster(ctx: Context) -> None:
    """Remember it where it can be read already; the first acting step needs it."""
    with suppress(GiveUp):
        remember_cluster(ctx)
        remember_server(ctx)


def recall_identity(ctx: Context) -> ClusterIdentity:
    """The identity that was measured last; GiveUp where prepare never ran."""
    identity = ctx.recall(IDENTITY)
    if identity is None:
        raise GiveUp(
            f"nothing is known about {ctx.cluster.key} yet", "Start the upgrade again: prepare has to run first."
        )
    return identity


def recall_source(ctx: Context) -> str:
    """The version that the upgrade started from."""
    return (ctx.recall(SOURCE) or Source()).version


def describe_source(ctx: Context) -> str:
    """What the upgrade started from, as people are told."""
    source = ctx.recall(SOURCE)
    return str(source or Source())


def recall_flags(ctx: Context) -> tuple[str, ...]:
    """The `--set` flags recovered from the previous install."""
    return ctx.recall(FLAGS) or ()


def choose_flags(ctx: Context) -> tuple[str, ...]:
    """The flags of the earlier install that this upgrade takes over: all, or none where a person left them."""
    return recall_flags(ctx) if ctx.options.earlier_options == "take" else ()


def recall_mtls(ctx: Context) -> MtlsMode:
    """The mTLS mode in force when prepare looked."""
    return ctx.recall(MTLS) or "PERMISSIVE"


def choose_mtls(ctx: Context) -> MtlsMode:
    """The mode asked for, or the one in force."""
    return ctx.options.mtls or recall_mtls(ctx)


def describe_channel_change(ctx: Context, identity: ClusterIdentity) -> str:
    """What became of the cluster's release channel since prepare, in a sentence; "" where it is the same."""
    before = ctx.recall(CHANNEL)
    if before is None or before == identity.release_channel:
        return ""
    return (
        f"The cluster's release channel was {before or 'none'} when this upgrade was prepared and is "
        f"{identity.release_channel or 'none'} now: GKE may move its master past what this release runs on."
    )


def describe_identity(identity: ClusterIdentity) -> tuple[tuple[str, str], ...]:
    """The facts about a cluster that stand on every card."""
    return (
        ("project", f"{identity.project_id} ({identity.project_number})"),
        ("location", identity.location),
        ("workload pool", identity.workload_pool),
        ("mesh id", identity.mesh_id),
        ("API server", identity.server_version),
    )
