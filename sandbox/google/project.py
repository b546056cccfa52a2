"""A Google Cloud project with its GKE clusters, and how the APIs spell them in JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.google.switches import GoogleSwitches

Json = dict[str, Any]

SERVICES = (
    "anthos.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "meshca.googleapis.com",
    "meshconfig.googleapis.com",
    "meshtelemetry.googleapis.com",
    "monitoring.googleapis.com",
    "serviceusage.googleapis.com",
    "stackdriver.googleapis.com",
)


@dataclass(frozen=True)
class GkeCluster:
    """A cluster as GKE knows it. `endpoint` is host or host:port, `authority` the CA certificate in base64.

    `made` counts how often a cluster of this name was made.
    """

    name: str
    location: str
    endpoint: str
    authority: str
    server_version: str = "1.16.15-gke.6000"
    nodes: int = 4
    made: int = 1

    @property
    def id(self) -> str:
        """GKE's own id, which a cluster made anew under the same name does not have."""
        return hashlib.sha256(f"{self.location}/{self.name}/{self.made}".encode()).hexdigest()


@dataclass(frozen=True)
class Project:
    """A project and what is in it."""

    id: str = "example-project"
    number: str = "123456789012"
    clusters: tuple[GkeCluster, ...] = ()
    services: tuple[str, ...] = SERVICES

    def knows(self, name: str) -> bool:
        """Tell whether an id or a number names this project."""
        return name in (self.id, self.number)

    def cluster(self, location: str, name: str) -> GkeCluster | None:
        """Return the cluster in exactly this location."""
        return next((each for each in self.clusters if (each.location, each.name) == (location, name)), None)

    def clusters_in(self, location: str) -> list[GkeCluster]:
        """Return the clusters of a location; `-` means all."""
        return [each for each in self.clusters if location in ("-", each.location)]


def cluster_json(project: Project, cluster: GkeCluster, switches: GoogleSwitches) -> Json:
    """Return container/v1's Cluster."""
    pool = f"{project.id}.svc.id.goog"
    zonal = cluster.location.count("-") == 2
    return {
        "id": cluster.id,
        "name": cluster.name,
        "description": "made by the sandbox",
        "location": cluster.location,
        "zone": cluster.location,
        "locations": [cluster.location] if zonal else [f"{cluster.location}-{zone}" for zone in "abc"],
        "status": switches.cluster_status,
        "selfLink": f"https://container.googleapis.com/v1/projects/{project.id}/locations/{cluster.location}"
        f"/clusters/{cluster.name}",
        "masterAuth": {"clusterCaCertificate": cluster.authority},
        "currentMasterVersion": switches.master_version or cluster.server_version,
        "currentNodeVersion": cluster.server_version,
        "currentNodeCount": cluster.nodes,
        "releaseChannel": {"channel": switches.release_channel},
        "resourceLabels": {"mesh_id": f"proj-{project.number}"},
        "network": "default",
        "nodePools": [_node_pool(cluster)],
        "maintenancePolicy": {"window": {"maintenanceExclusions": _exclusions(switches)}, "resourceVersion": "e3b0"},
        **_state(switches),
        **({} if switches.no_workload_pool else {"workloadIdentityConfig": {"workloadPool": pool}}),
        **_endpoints(cluster, switches),
    }


def _state(switches: GoogleSwitches) -> Json:
    said, until = switches.cluster_message, switches.alpha_until
    return {
        **({"statusMessage": said, "conditions": [{"message": said}]} if said else {}),
        **({"autopilot": {"enabled": True}} if switches.autopilot else {}),
        **({"enableKubernetesAlpha": True, "expireTime": until} if until else {}),
    }


def operation_json(project: Project, cluster: GkeCluster, kind: str, number: int) -> Json:
    """Return a running container/v1 Operation of this kind, such as UPGRADE_NODES."""
    target = f"https://container.googleapis.com/v1/projects/{project.number}/locations/{cluster.location}"
    node_pool = (
        "/nodePools/default-pool" if kind in ("UPGRADE_NODES", "REPAIR_CLUSTER_NODES", "SET_NODE_POOL_SIZE") else ""
    )
    name = f"operation-{1600000000000 + number}-sandbox"
    return {
        "name": name,
        "operationType": kind,
        "status": "RUNNING",
        "location": cluster.location,
        "zone": cluster.location,
        "selfLink": f"{target}/operations/{name}",
        "targetLink": f"{target}/clusters/{cluster.name}{node_pool}",
        "startTime": "2026-01-01T00:00:00Z",
        "detail": "",
    }


def project_json(project: Project, version: str) -> Json:
    """Return cloudresourcemanager's Project, in the shape of v1 or v3."""
    if version == "v3":
        return {
            "name": f"projects/{project.number}",
            "projectId": project.id,
            "displayName": "Example project",
            "state": "ACTIVE",
        }
    return {
        "projectNumber": project.number,
        "projectId": project.id,
        "name": "Example project",
        "lifecycleState": "ACTIVE",
    }


def service_json(project: Project, name: str, disabled: Iterable[str]) -> Json:
    """Return serviceusage/v1's Service."""
    parent = f"projects/{project.number}"
    enabled = name in project.services and name not in disabled
    return {
        "name": f"{parent}/services/{name}",
        "parent": parent,
        "config": {"name": name, "title": name.partition(".")[0]},
        "state": "ENABLED" if enabled else "DISABLED",
    }


def _endpoints(cluster: GkeCluster, switches: GoogleSwitches) -> Json:
    endpoints: Json = {"endpoint": cluster.endpoint} if switches.public_endpoint else {}
    if switches.private_endpoint:
        endpoints["privateClusterConfig"] = {
            "enablePrivateNodes": True,
            "enablePrivateEndpoint": not switches.public_endpoint,
            "privateEndpoint": switches.private_endpoint,
        }
    if switches.dns_endpoint:
        endpoints["controlPlaneEndpointsConfig"] = {
            "dnsEndpointConfig": {"endpoint": switches.dns_endpoint, "allowExternalTraffic": True},
            "ipEndpointsConfig": {
                "enabled": switches.public_endpoint or bool(switches.private_endpoint),
                "enablePublicEndpoint": switches.public_endpoint,
                **({"publicEndpoint": cluster.endpoint} if switches.public_endpoint else {}),
                **({"privateEndpoint": switches.private_endpoint} if switches.private_endpoint else {}),
            },
        }
    return endpoints


def _exclusions(switches: GoogleSwitches) -> Json:
    return {
        name: {"startTime": start, "endTime": end, "maintenanceExclusionOptions": {"scope": "NO_UPGRADES"}}
        for name, (start, end) in switches.exclusions.items()
    }


def _node_pool(cluster: GkeCluster) -> Json:
    return {
        "name": "default-pool",
        "status": "RUNNING",
        "version": cluster.server_version,
        "initialNodeCount": cluster.nodes,
        "config": {"machineType": "e2-standard-4", "workloadMetadataConfig": {"mode": "GKE_METADATA"}},
    }
