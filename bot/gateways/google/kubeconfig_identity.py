"""What a cluster given by kubeconfig tells about itself, in place of GKE."""

from __future__ import annotations

from steps.contract.documents import BadDocument, read_json
from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.mesh import ClusterAddress, ClusterIdentity

NAMESPACE = "istio-system"
INJECTOR_CONFIG = "istio-sidecar-injector"


def describe_by_kubeconfig(address: ClusterAddress, kubernetes: Kubernetes) -> ClusterIdentity:
    """The guide's variables from the installed mesh: the guide wrote them into it as GCP_METADATA and meshID.

    Project, location and name of clusters.toml win where they are given. GiveUp where neither tells.
    """
    values = _read_values(kubernetes)
    proxy = _look_up(values, "global", "proxy", "env", "GCP_METADATA")
    project, number, name, location = [*proxy.split("|"), "", "", "", ""][:4]
    project, location, name = address.project or project, address.location or location, address.name or name
    mesh_id = _look_up(values, "global", "meshID")
    number = number or mesh_id.removeprefix("proj-")
    if not (project and number and location and name):
        raise GiveUp(
            f"{address.key} is given by kubeconfig and its mesh does not tell project, number, location and name "
            f"(GCP_METADATA in ConfigMap {NAMESPACE}/{INJECTOR_CONFIG})",
            "Set project, location and name of the cluster in clusters.toml, or give it by these alone.",
        )
    return ClusterIdentity(
        project_id=project,
        project_number=number,
        location=location,
        name=name,
        workload_pool=_look_up(values, "global", "trustDomain") or f"{project}.svc.id.goog",
        mesh_id=mesh_id or f"proj-{number}",
        server_version=kubernetes.read_server_version(),
        endpoint="kubeconfig",
        node_count=len(kubernetes.list_nodes()),
    )


def _read_values(kubernetes: Kubernetes) -> object:
    config = kubernetes.read_config_map(NAMESPACE, INJECTOR_CONFIG) or {}
    try:
        return read_json(config.get("values", "{}"))
    except BadDocument:
        return {}


def _look_up(values: object, *keys: str) -> str:
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return "" if values is None else str(values)
