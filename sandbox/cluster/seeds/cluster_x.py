"""What cluster-x holds at first: 4 nodes, ASM 1.4.7-asm.0 and about 75 pods in 5 namespaces."""

from __future__ import annotations

import json
from typing import Any

from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.objects.field_managers import FieldOwner
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.account_roles import account_roles
from sandbox.cluster.seeds.objects import (
    SHOP_WORKLOADS,
    api_service,
    budget,
    cluster_role,
    daemon_set,
    deployment,
    namespace,
    node,
    pod,
    policies,
    rbac_defaults,
    run_to_completion,
    service,
    stateful_set,
)
from sandbox.cluster.server.authorization import ROLES_GROUP
from sandbox.cluster.simulation import Simulation

APPLIED = FieldOwner("kubectl-client-side-apply")
INSTALLED = "1.4.7-asm.0"
PROJECT = "example-project"
PROJECT_NUMBER = "123456789012"
LOCATION = "us-central1-a"
CLUSTER = "cluster-x"
# A second cluster that GKE lists and the bot's clusters.toml doesn't.
NEIGHBOUR, NEIGHBOUR_LOCATION = "cluster-y", "us-east1"
WORKLOAD_POOL = f"{PROJECT}.svc.id.goog"
# The installation is this old when the sandbox starts.
AGE_SECONDS = 25 * 60
_SETTLE_SECONDS = 600
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def mesh_options(
    project: str = PROJECT, number: str = PROJECT_NUMBER, location: str = LOCATION, name: str = CLUSTER
) -> Json:
    """Return the options that the previous release was installed with: the guide's, and an access log."""
    cluster_url = f"https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
    pool = f"{project}.svc.id.goog"
    return {
        "profile": "asm",
        "values": {
            "global": {
                "trustDomain": pool, "meshID": f"proj-{number}", "sds": {"token": {"aud": pool}},
                "proxy": {
                    "accessLogFile": "/dev/stdout",
                    "env": {"GCP_METADATA": f"{project}|{number}|{name}|{location}"},
                },
            },
            "nodeagent": {"env": {"GKE_CLUSTER_URL": cluster_url}},
        },
    }  # fmt: skip


def seed_cluster_x(cluster: Simulation) -> None:
    """Fill an empty cluster and let it settle some minutes before the clock's time."""
    _seed(cluster, mesh_options())


def seed_cluster_y(cluster: Simulation) -> None:
    """Fill an empty cluster like cluster-x; it is its neighbour in the same project, in a region."""
    _seed(cluster, mesh_options(location=NEIGHBOUR_LOCATION, name=NEIGHBOUR))


def seed_twin(cluster: Simulation, name: str) -> None:
    """Fill an empty cluster like cluster-x, of another name in the same zone."""
    _seed(cluster, mesh_options(name=name))


def _seed(cluster: Simulation, options: Json) -> None:
    with cluster.engine.earlier(AGE_SECONDS + _SETTLE_SECONDS):
        _create(cluster, [*rbac_defaults(), *(node(number, cluster.server_version) for number in range(1, 5))])
        _create(cluster, [namespace("default"), namespace("kube-system"), api_service()])
        add_account_roles(cluster)
        _create(cluster, [as_applied(made) for made in render_mesh(INSTALLED, options)])
        cluster.engine.advance(_SETTLE_SECONDS / 2)
        _create(cluster, list_workloads())
        cluster.engine.advance(_SETTLE_SECONDS / 2)
    cluster.tick()


def as_applied(made: Json) -> Json:
    """Return the object with the note that kubectl leaves of what it applied, as istioctl's install did."""
    metadata = made["metadata"]
    plain = {**made, "metadata": {"annotations": {}, **metadata}}
    noted = {**(metadata.get("annotations") or {}), LAST_APPLIED: json.dumps(plain, separators=(",", ":")) + "\n"}
    return {**made, "metadata": {**metadata, "annotations": noted}}


def add_account_roles(cluster: Simulation) -> None:
    """Apply the manifests' roles for the bot's account as far as they are missing."""
    for obj in account_roles(cluster.tokens.account):
        key = f"{obj['kind'].lower()}s.{ROLES_GROUP}"
        if cluster.store.find(key, "", obj["metadata"]["name"]) is None:
            create_any(cluster, obj)
    cluster.choose_account_rules()


def list_workloads() -> list[Json]:
    """Return what runs beside the mesh."""
    return [
        *(namespace(name, injected=True) for name in ("shop", "data", "batch")), namespace("legacy"),
        *(deployment("shop", name, replicas) for name, replicas in SHOP_WORKLOADS),
        *(service("shop", name) for name, _ in SHOP_WORKLOADS),
        budget("shop", "cart", min_available=3),
        stateful_set("data", "ledger-db", 3), daemon_set("data", "metrics-agent"), service("data", "ledger-db"),
        run_to_completion("batch", "nightly-report"), pod("batch", "debug-shell"),
        deployment("legacy", "billing", 4), deployment("legacy", "archive", 2),
        *policies(), cluster_role("asm-viewer"),
    ]  # fmt: skip


def _create(cluster: Simulation, objects: list[Json]) -> None:
    for obj in objects:
        create_any(cluster, obj)


def create_any(cluster: Simulation, obj: Json) -> Any:
    """Create an object of any kind the server knows, in the version it is written in. Raises ApiError, KeyError."""
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    resource = cluster.resources.of_kind(group, obj["kind"])
    if resource is None:
        raise KeyError(f"the cluster knows no {obj['kind']} in {obj['apiVersion']}")
    space = obj["metadata"].get("namespace", "") if resource.namespaced else ""
    return cluster.api.create(resource, space, obj, version=version, manager=APPLIED)
