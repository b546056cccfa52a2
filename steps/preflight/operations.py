"""GKE operations that an upgrade must not meet."""

from __future__ import annotations

from steps.mesh import Operation

BUSY_OPERATIONS = (
    "UPGRADE_NODES",
    "UPGRADE_MASTER",
    "REPAIR_CLUSTER",
    "UPDATE_CLUSTER",
    "AUTO_UPGRADE_NODES",
    "AUTO_REPAIR_NODES",
    "DELETE_CLUSTER",
    "SET_NODE_POOL_SIZE",
    "DELETE_NODE_POOL",
)


def describe_operation(operation: Operation) -> str:
    """`GKE runs UPGRADE_NODES on nodePools/default-pool`; the target is the tail of Google's link."""
    target = "/".join(operation.target.rstrip("/").split("/")[-2:])
    return f"GKE runs {operation.kind}" + (f" on {target}" if target else "")
