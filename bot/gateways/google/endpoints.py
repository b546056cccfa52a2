"""Which of a GKE cluster's endpoints to use, as gcloud decides it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.contract.errors import GiveUp
from steps.mesh import ENDPOINTS

if TYPE_CHECKING:
    from google.cloud.container_v1 import Cluster

_NAMES = {
    "dns": "a DNS endpoint with external traffic allowed",
    "public": "a public address",
    "private": "a private address",
}


@dataclass(frozen=True)
class Endpoint:
    """Where an API server answers: `kind` is dns, private, public; `ca` is PEM, "" for a public certificate.

    `authority` is the cluster's own CA whatever the endpoint, `gke_id` GKE's own id of the cluster.
    """

    kind: str
    host: str
    ca: str = ""
    authority: str = ""
    gke_id: str = ""


def choose_endpoint(cluster: Cluster, order: Sequence[str] = ENDPOINTS) -> Endpoint:
    """The first endpoint of the order that the cluster has: by default DNS, then the public, then the private address.

    The DNS endpoint counts only where it lets outside traffic in. It has a public certificate, the addresses have the
    cluster's CA (google-cloud-sdk 528, api_lib/container/util.py). GiveUp names what was tried.
    """
    hosts = {kind: host for kind, host in reversed(_list_hosts(cluster)) if host}
    for kind in order:
        if kind in hosts:
            authority = _find_authority(cluster) if kind == "dns" else read_authority(cluster)
            return Endpoint(
                kind, f"https://{hosts[kind]}", "" if kind == "dns" else authority, authority, gke_id=cluster.id
            )
    tried = ", ".join(_NAMES[kind] for kind in order)
    there = f"; it has {', '.join(_NAMES[kind] for kind in hosts)}" if hosts else ""
    raise GiveUp(
        f"the GKE cluster {cluster.name} has no endpoint that the bot could use (tried {tried}{there})",
        "Name what it has in the field endpoints of clusters.toml, and start again."
        if hosts
        else f"Allow one, e.g. `gcloud container clusters update {cluster.name} --enable-dns-access`, then retry.",
    )


def _list_hosts(cluster: Cluster) -> list[tuple[str, str]]:
    dns = cluster.control_plane_endpoints_config.dns_endpoint_config
    return [("dns", dns.endpoint if dns.allow_external_traffic else ""), *_list_addresses(cluster)]


def _list_addresses(cluster: Cluster) -> list[tuple[str, str]]:
    by_address = cluster.control_plane_endpoints_config.ip_endpoints_config
    configured = "control_plane_endpoints_config" in cluster and "ip_endpoints_config" in (
        cluster.control_plane_endpoints_config
    )
    if not configured:  # before 2024 GKE told the addresses on the cluster itself
        private = cluster.private_cluster_config
        kind = "private" if private.enable_private_endpoint else "public"
        return [(kind, cluster.endpoint), ("private", private.private_endpoint)]
    if not by_address.enabled:
        return []
    public = by_address.public_endpoint if by_address.enable_public_endpoint else ""
    return [("public", public), ("private", by_address.private_endpoint)]


def _find_authority(cluster: Cluster) -> str:
    try:
        pem = base64.b64decode(cluster.master_auth.cluster_ca_certificate, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pem if "BEGIN CERTIFICATE" in pem else ""


def read_authority(cluster: Cluster) -> str:
    """The cluster's CA as PEM. GiveUp where GKE tells none or something else."""
    pem = _find_authority(cluster)
    if not pem:
        raise GiveUp(
            f"GKE tells no usable CA certificate of the cluster {cluster.name}",
            "Wait until the cluster is RUNNING, or give it by kubeconfig and context in clusters.toml; then retry.",
        )
    return pem
