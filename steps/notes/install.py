"""What prepare found, for the phases after it."""

from __future__ import annotations

from typing import cast

from steps.contract.options import MtlsMode
from steps.contract.step import Context, Json
from steps.mesh import ClusterIdentity


def recall_source(ctx: Context) -> str:
    """The version that the upgrade started from."""
    return str(_recall_mapping(ctx, "prepare/source").get("version", "unknown"))


def recall_flags(ctx: Context) -> tuple[str, ...]:
    """The `--set` flags recovered from the previous install."""
    kept = ctx.recall("prepare/options")
    return tuple(str(flag) for flag in kept) if isinstance(kept, list | tuple) else ()


def recall_mtls(ctx: Context) -> MtlsMode:
    """The mTLS mode in force when prepare looked."""
    return "STRICT" if ctx.recall("prepare/mtls") == "STRICT" else "PERMISSIVE"


def choose_mtls(ctx: Context) -> MtlsMode:
    """The mode asked for, or the one in force."""
    return ctx.options.mtls or recall_mtls(ctx)


def count_sidecar_pods(ctx: Context) -> int:
    """Pods with a sidecar when prepare looked."""
    return int(cast(int, _recall_mapping(ctx, "prepare/sidecars").get("pods", 0)))


def describe_identity(identity: ClusterIdentity) -> tuple[tuple[str, str], ...]:
    """The facts about a cluster that stand on every card."""
    return (
        ("project", f"{identity.project_id} ({identity.project_number})"),
        ("location", identity.location),
        ("workload pool", identity.workload_pool),
        ("mesh id", identity.mesh_id),
        ("API server", identity.server_version),
    )


def _recall_mapping(ctx: Context, key: str) -> dict[str, Json]:
    return cast(dict[str, Json], ctx.recall(key) or {})
