"""What can be different or broken about the sandbox's Google."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class GoogleSwitches:
    """Circumstances and faults of the Google APIs; a healthy zonal cluster at the start.

    `status` answers requests with that HTTP status: those whose path contains `status_on` (all where it is empty),
    `status_times` of them (0: until switched off), with `status_message` and the reason `status_reason` of a
    google.rpc.ErrorInfo, where they are not empty. `operations` are the types of operations that run on every
    cluster, such as UPGRADE_NODES; `exclusions` maps a name to its start and end (RFC 3339). `master_version` is what a
    master became meanwhile, "" where it is as it was. `cluster_status` is GKE's status of each cluster, with what it
    says of it in `cluster_message`; `alpha_until` makes alpha clusters that end then (RFC 3339). `token_lifetime` is
    in seconds; `token_status` answers the token endpoint with that status. `missing_zones` makes discovery partial.
    """

    status: int = 0
    status_on: str = ""
    status_times: int = 0
    status_reason: str = ""
    status_message: str = ""
    missing_zones: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    exclusions: dict[str, list[str]] = field(default_factory=dict)
    disabled_services: list[str] = field(default_factory=list)
    denied_permissions: list[str] = field(default_factory=list)
    cluster_status: str = "RUNNING"
    cluster_message: str = ""
    autopilot: bool = False
    alpha_until: str = ""
    master_version: str = ""
    release_channel: str = "REGULAR"
    no_workload_pool: bool = False
    public_endpoint: bool = True
    private_endpoint: str = ""
    dns_endpoint: str = ""
    token_lifetime: int = 3599
    token_status: int = 0
