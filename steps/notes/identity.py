"""The cluster's identity between steps: kept as JSON, read back as a value, bound to approvals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from steps.contract.errors import GiveUp
from steps.contract.step import Context, Json
from steps.mesh import ClusterIdentity
from steps.versions import read_minor_version

KEY = "prepare/identity"


def measure_identity(ctx: Context) -> ClusterIdentity:
    """Ask GKE and the API server again, and keep the answer for later steps."""
    identity = ctx.gke.describe_cluster(ctx.cluster)
    ctx.memory.revise(KEY, asdict(identity))
    return identity


def recall_identity(ctx: Context) -> ClusterIdentity:
    """The identity that was measured last; GiveUp where prepare never ran."""
    kept = ctx.recall(KEY)
    if not isinstance(kept, Mapping):
        raise GiveUp(
            f"nothing is known about {ctx.cluster.key} yet", "Start the upgrade again: prepare has to run first."
        )
    return ClusterIdentity(**cast(Mapping[str, Any], kept))


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
    }
