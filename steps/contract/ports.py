"""The ports through which steps see and change the world; gateways implement them.

Every method may raise `TryAgain` or `GiveUp` (steps/contract/errors.py) and has a time limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from steps.contract.leases import Leases
from steps.contract.record import CallVerdict as CallVerdict
from steps.contract.record import ForbiddenRead as ForbiddenRead
from steps.contract.record import KubectlCall as KubectlCall
from steps.contract.record import Record
from steps.contract.record import Recording as Recording
from steps.contract.release import Archive
from steps.mesh import (
    WORKLOAD_KINDS,
    Autoscaler,
    Binding,
    ClusterAddress,
    ClusterIdentity,
    Discovery,
    DisruptionBudget,
    Event,
    Eviction,
    Exclusion,
    InjectorWebhook,
    Namespace,
    Node,
    Operation,
    Pod,
    ReachedServer,
    Right,
    Workload,
    WorkloadRef,
)

Manifest: TypeAlias = Mapping[str, Any]


class Gke(Protocol):
    """Google's side of a cluster. A cluster given by kubeconfig answers from the cluster itself where it can."""

    def describe_cluster(self, address: ClusterAddress) -> ClusterIdentity:
        """The guide's variables: project id and number, location, workload pool, mesh id."""
        ...

    def discover_clusters(self, project: str) -> Discovery:
        """All clusters over `projects/P/locations/-`."""
        ...

    def list_operations(self, address: ClusterAddress) -> tuple[Operation, ...]:
        """GKE operations that still run on the cluster."""
        ...

    def list_exclusions(self, address: ClusterAddress) -> tuple[Exclusion, ...]:
        """Maintenance exclusions of the cluster."""
        ...

    def list_disabled_services(self, project: str, services: Sequence[str]) -> tuple[str, ...]:
        """Those of the named APIs that are not enabled in the project."""
        ...


class Kubernetes(Leases, Protocol):
    """The API server of one cluster, as one account."""

    def read_server_version(self) -> str:
        """The git version, such as v1.16.15-gke.6000."""
        ...

    def read_account(self) -> str:
        """The user name that the API server knows the bot by."""
        ...

    def read_server(self, *, anew: bool = False) -> ReachedServer:
        """What the connection leads to; an open one needs no request, `anew` opens another."""
        ...

    def find_missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """Those of the rights that SelfSubjectAccessReview denies."""
        ...

    def find_missing_rights_of(self, user: str, rights: Sequence[Right]) -> tuple[Right, ...] | None:
        """Those of the rights that another user lacks; None where the account may not act for that user."""
        ...

    def list_namespaces(self) -> tuple[Namespace, ...]: ...

    def list_pods(self, namespace: str = "", selector: str = "") -> Iterator[Pod]:
        """Pods of a namespace, or of all; paged, decoded one page at a time."""
        ...

    def list_workloads(self, namespace: str = "", kinds: Sequence[str] = WORKLOAD_KINDS) -> tuple[Workload, ...]:
        """The workloads of these kinds, one paged list per kind; a kind that the server doesn't have is left out."""
        ...

    def read_workload(self, ref: WorkloadRef) -> Workload | None: ...

    def list_disruption_budgets(self, namespace: str = "") -> tuple[DisruptionBudget, ...]: ...

    def list_autoscalers(self, namespace: str = "") -> tuple[Autoscaler, ...]: ...

    def list_nodes(self) -> tuple[Node, ...]: ...

    def list_changes(self, namespace: str = "") -> Mapping[tuple[str, str, str], datetime]:
        """When each ConfigMap and Secret (namespace, kind, name) was last changed; only metadata is read."""
        ...

    def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The `data` of a ConfigMap, None where it is absent."""
        ...

    def read_webhook(self, name: str) -> InjectorWebhook | None: ...

    def count_ready_endpoints(self, namespace: str, service: str) -> int: ...

    def read_ingress_address(self, namespace: str, service: str) -> str:
        """The load balancer's address of a Service, "" while there is none."""
        ...

    def read_object(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        """Any object, None where it or its kind is absent."""
        ...

    def list_objects(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> tuple[Manifest, ...]:
        """All objects of a kind, none where the kind is absent."""
        ...

    def apply_object(self, manifest: Manifest) -> None:
        """Server-side apply as field manager `asm-upgrade-bot`."""
        ...

    def delete_object(self, api_version: str, kind: str, namespace: str, name: str, uid: str) -> None:
        """Delete the object of this UID and what it owns; one that is gone or was born anew is fine."""
        ...

    def read_events(self, namespace: str, kind: str, name: str) -> tuple[Event, ...]: ...

    def restart_workload(self, ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        """kubectl's rollout restart with this stamp (RFC 3339); `spec.restartAt` for an Argo Rollout.

        Safe to repeat with the same stamp. A stale resource_version raises TryAgain.
        """
        ...

    def withdraw_restart(self, ref: WorkloadRef, before: str, resource_version: str) -> None:
        """Put the restart's stamp back to what stood before it, "" for none; TryAgain where it changed since."""
        ...

    def evict_pod(self, namespace: str, name: str, uid: str) -> Eviction:
        """Evict through the group-version that the server serves, with the uid as a precondition."""
        ...

    def read_binding(self, name: str) -> Binding | None: ...

    def create_binding(self, binding: Binding) -> None:
        """Create a ClusterRoleBinding for users; one that already exists with the same content is fine."""
        ...

    def revise_binding(self, binding: Binding) -> None:
        """Give a ClusterRoleBinding that was read these users and this mark; TryAgain where it changed since."""
        ...

    def delete_binding(self, name: str) -> None:
        """Delete a ClusterRoleBinding; an absent one is fine."""
        ...

    def delete_namespace(self, name: str) -> None: ...


@dataclass(frozen=True)
class Fetched:
    """How much of an archive is on disk; bytes. `total` is 0 while unknown."""

    received: int
    total: int
    complete: bool
    path: Path


@dataclass(frozen=True)
class Verified:
    """The result of the signature check over the finished file; `key_fingerprint` is SHA-256 of the public key."""

    sha256: str
    size: int
    key_fingerprint: str


@dataclass(frozen=True)
class Tools:
    """An unpacked release: its folder and the programs in its bin folder, with the hashes taken at unpacking."""

    version: str
    folder: Path
    istioctl: Path
    asmctl: Path
    istioctl_sha256: str
    asmctl_sha256: str


class ReleaseFiles(Protocol):
    """Archives of releases on disk, shared by upgrades and kept by SHA-256."""

    def measure_room(self) -> int:
        """The bytes that are free where archives are kept."""
        ...

    def fetch_archive(self, archive: Archive) -> Fetched:
        """Fetch one slice of about 5 s of the archive and its signature; resumes, safe to repeat."""
        ...

    def verify_archive(self, archive: Archive) -> Verified:
        """ECDSA P-256/SHA-256 over the finished file; GiveUp on a bad or missing signature."""
        ...

    def unpack_archive(self, archive: Archive, sha256: str) -> Tools:
        """Verify again, unpack safely once, hash the programs; GiveUp on anything unsafe in the archive."""
        ...


@dataclass(frozen=True)
class Kubectl:
    """The kubectl that istioctl's calls are passed on to: found once, by its own path, and bound by its hash."""

    path: Path
    sha256: str
    version: str


@dataclass(frozen=True)
class ApplyRequest:
    """What istioctl is asked to apply, and by which programs; `cluster_uid` is the UID of kube-system."""

    tools: Tools
    kubectl: Kubectl
    cluster_uid: str
    arguments: tuple[str, ...]
    overlays: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class NotStarted:
    """No run under this id was ever begun."""


@dataclass(frozen=True)
class PlacesTaken:
    """No run under this id was ever begun, and `others` run already, which is as many as may at once."""

    others: int


@dataclass(frozen=True)
class Running:
    """The program still runs, started by this bot or by one before it; `output` is the last part of what it wrote."""

    seconds: float
    output: str


@dataclass(frozen=True)
class ProgramEnded:
    """The program ended. `exit_code` is None where it ended while no bot watched: judge by the cluster."""

    exit_code: int | None
    output: str
    timed_out: bool = False


RunState: TypeAlias = NotStarted | PlacesTaken | Running | ProgramEnded


class MeshTools(Protocol):
    """istioctl and asmctl as child programs. A kubeconfig for the cluster is kept by the gateway.

    Each start raises NoPlace where another took the last place since it was looked for.
    """

    def read_istioctl_version(self, tools: Tools) -> str:
        """What istioctl says of itself; it gets no credentials for that."""
        ...

    def find_kubectl(self, server_version: str) -> Kubectl | None:
        """The kubectl that writes are passed on to, links and dispatchers resolved; None where there is none."""
        ...

    def start_recording(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, acting_for: str, *, looks: bool
    ) -> None:
        """Start the apply with a kubectl that writes everything down and changes nothing, unless ever begun.

        `acting_for` is the user as whom it reads, "" for the account itself.
        `looks`: istioctl's reads reach the cluster; without it they find nothing, which changes nothing it hands over.
        """
        ...

    def read_recording(self, run_id: str) -> Recording:
        """What an ended recording wrote down; GiveUp where that is no record."""
        ...

    def start_apply(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, record: Record, recorded_by: str
    ) -> None:
        """Start the apply with a kubectl that passes on what the record holds and nothing else, unless ever begun.

        `recorded_by` is the run whose recording holds the record's own bytes; GiveUp where they changed.
        """
        ...

    def list_calls(self, run_id: str) -> tuple[KubectlCall, ...]:
        """The calls of kubectl that a run has made until now, in order."""
        ...

    def start_validate(self, run_id: str, address: ClusterAddress, tools: Tools, arguments: Sequence[str]) -> None:
        """Start `asmctl ARGUMENTS` unless a run under this id was ever begun."""
        ...

    def observe_run(self, run_id: str) -> RunState:
        """How a run stands; also ends one that is past its time limit (SIGTERM to the group, then SIGKILL)."""
        ...

    def admit_run(self, run_id: str) -> None:
        """Let a run that is not begun yet have the place that is kept beyond the limit, until it is begun."""
        ...

    def list_running(self, upgrade_id: str) -> tuple[str, ...]:
        """The ids of an upgrade's runs that still run, whoever started them."""
        ...

    def has_default_credentials(self) -> bool:
        """Whether application-default credentials can be found, as asmctl needs them."""
        ...


class Backups(Protocol):
    """Where the state of the control plane before the upgrade is kept."""

    def write_backup(self, upgrade_id: str, name: str, text: str) -> Path:
        """Write once, atomically; an existing backup of that name is kept."""
        ...

    def find_folder(self, upgrade_id: str) -> Path:
        """Where the upgrade's backup lies, or will."""
        ...

    def read_backup(self, upgrade_id: str, name: str) -> str | None:
        """What was kept under that name, None where there is no such file."""
        ...


class Probes(Protocol):
    """What is watched between the waves of the sidecars phase."""

    def check_address(self, url: str) -> str:
        """What is wrong with an address ("answered 503", "did not answer in 5 s"); "" where it answers below 500."""
        ...

    def query_metric(self, prometheus_url: str, expression: str) -> float | None:
        """The highest value of a PromQL instant query, None where it has none."""
        ...
