"""Clusters, Google, programs and files on paper, as steps reach them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from steps.contract.errors import GiveUp, StepError
from steps.contract.leases import Lease
from steps.contract.ports import (
    ApplyRequest,
    Fetched,
    Kubectl,
    KubectlCall,
    Manifest,
    NotStarted,
    ProgramEnded,
    Recording,
    Running,
    RunState,
    Tools,
    Verified,
)
from steps.contract.record import Record
from steps.contract.release import Archive
from steps.mesh import (
    WORKLOAD_KINDS,
    Autoscaler,
    Binding,
    ClusterAddress,
    ClusterIdentity,
    DisruptionBudget,
    Event,
    Exclusion,
    InjectorWebhook,
    Namespace,
    Node,
    Operation,
    Pod,
    ReachedServer,
    Right,
    Workload,
)
from steps.preflight.rights import list_lease_rights, list_sidecar_rights
from tests.unit.steps.builders import (
    OLD,
    make_control_plane,
    make_identity,
    make_node,
)
from tests.unit.steps.paper_records import INJECTED, POOL, record_objects, render_control_plane

ACCOUNT = "asm-upgrade-bot@example-project.iam.gserviceaccount.com"
CLUSTER_UID = "7b1f7f5e-0000-4000-8000-000000000001"
MOST_RECORDINGS = 10


@dataclass
class PaperGke:
    """Google's answers."""

    identity: ClusterIdentity = field(default_factory=make_identity)
    operations: tuple[Operation, ...] = ()
    fault: StepError | None = None

    def describe_cluster(self, address: ClusterAddress) -> ClusterIdentity:
        return self.identity

    def list_operations(self, address: ClusterAddress) -> tuple[Operation, ...]:
        if self.fault:
            raise self.fault
        return self.operations

    def list_exclusions(self, address: ClusterAddress) -> tuple[Exclusion, ...]:
        return ()

    def list_disabled_services(self, project: str, services: Sequence[str]) -> tuple[str, ...]:
        if self.fault:
            raise self.fault
        return ()


@dataclass
class PaperLeases:
    """The cluster's one Lease, and how often it was written."""

    held: Lease | None = None
    requests: int = 0

    def write(self, lease: Lease) -> str | None:
        """Compare and swap, as the API server does."""
        self.requests += 1
        if lease.resource_version != (self.held.resource_version if self.held else ""):
            return None
        self.held = replace(lease, resource_version=f"v{self.requests}")
        return self.held.resource_version


@dataclass
class PaperKubernetes:
    """The API server's answers; `writes` records what was changed."""

    workloads: tuple[Workload, ...] = field(default_factory=lambda: make_control_plane(OLD))
    pods: list[Pod] = field(default_factory=list)
    bindings: dict[str, Binding] = field(default_factory=dict)
    denied: Callable[[Right], bool] = lambda right: False
    acts_for: Callable[[str], bool] = lambda user: True
    denied_to: Callable[[str, Right], bool] = lambda user, right: right.verb not in ("get", "list", "watch")
    binding_fault: GiveUp | None = None
    namespaces: list[Namespace] = field(default_factory=lambda: [Namespace("istio-system")])
    objects: list[Manifest] = field(default_factory=list)
    config_maps: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            "istio": {"mesh": f"trustDomain: {POOL}\n"},
            "istio-sidecar-injector": {"config": "policy: enabled\n", "values": json.dumps(INJECTED)},
        }
    )
    cluster_uid: str = CLUSTER_UID
    moved_to: ReachedServer | None = None
    server: ReachedServer = field(default_factory=lambda: ReachedServer("ca" * 32, "gke-id-of-cluster-x"))
    ca_bundle: bool = True
    endpoints: int = 1
    ingress: str = "203.0.113.7"
    events: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    leases: PaperLeases = field(default_factory=PaperLeases)

    def read_server(self, *, anew: bool = False) -> ReachedServer:
        if anew and self.moved_to is not None:
            self.server = self.moved_to
        return self.server

    def live_by_roles(self) -> None:
        """The account has the manifests' roles, and everything while it is bound to cluster-admin."""
        own = {*list_sidecar_rights(rollouts=True), *list_lease_rights("istio-system")}
        self.denied = lambda right: not self._is_admin() and right.verb not in ("get", "list") and right not in own

    def _is_admin(self) -> bool:
        return any(found.role == "cluster-admin" and ACCOUNT in found.users for found in self.bindings.values())

    def read_account(self) -> str:
        return ACCOUNT

    def find_missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        return tuple(right for right in rights if self.denied(right))

    def find_missing_rights_of(self, user: str, rights: Sequence[Right]) -> tuple[Right, ...] | None:
        return tuple(right for right in rights if self.denied_to(user, right)) if self.acts_for(user) else None

    def list_namespaces(self) -> tuple[Namespace, ...]:
        return tuple(self.namespaces)

    def list_pods(self, namespace: str = "", selector: str = "") -> Iterator[Pod]:
        return (pod for pod in self.pods if not namespace or pod.namespace == namespace)

    def list_workloads(self, namespace: str = "", kinds: Sequence[str] = WORKLOAD_KINDS) -> tuple[Workload, ...]:
        return tuple(one for one in self.workloads if one.ref.kind in kinds)

    def list_disruption_budgets(self, namespace: str = "") -> tuple[DisruptionBudget, ...]:
        return ()

    def list_autoscalers(self, namespace: str = "") -> tuple[Autoscaler, ...]:
        return ()

    def list_changes(self, namespace: str = "") -> Mapping[tuple[str, str, str], datetime]:
        return {}

    def list_nodes(self) -> tuple[Node, ...]:
        return tuple(make_node(f"node-{number}") for number in range(4))

    def read_config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        return self.config_maps.get(name)

    def read_webhook(self, name: str) -> InjectorWebhook | None:
        return InjectorWebhook(name, self.ca_bundle, "Fail", "istio-system", name, {})

    def count_ready_endpoints(self, namespace: str, service: str) -> int:
        return self.endpoints

    def read_ingress_address(self, namespace: str, service: str) -> str:
        return self.ingress

    def read_object(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        if (kind, name) == ("Namespace", "kube-system"):
            return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": self.cluster_uid}}
        found = (o for o in self.list_objects(api_version, kind, namespace) if o["metadata"]["name"] == name)
        return next(found, None)

    def list_objects(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> tuple[Manifest, ...]:
        return tuple(
            one
            for one in self.objects
            if (one["apiVersion"], one["kind"]) == (api_version, kind)
            and namespace in ("", one["metadata"].get("namespace", ""))
            and (not selector or selector in (one["metadata"].get("labels") or {}))
        )

    def apply_object(self, manifest: Manifest) -> None:
        self.writes.append(f"apply {manifest['kind']} {manifest['metadata']['name']}")
        same = (manifest["kind"], manifest["metadata"]["name"])
        self.objects = [one for one in self.objects if (one["kind"], one["metadata"]["name"]) != same]
        self.objects.append(manifest)

    def delete_object(self, api_version: str, kind: str, namespace: str, name: str, uid: str) -> None:
        self.writes.append(f"delete {kind} {name}")
        self.objects = [one for one in self.objects if one["metadata"].get("uid") != uid]

    def read_events(self, namespace: str, kind: str, name: str) -> tuple[Event, ...]:
        return self.events.get(name, ())

    def read_lease(self, namespace: str, name: str) -> Lease | None:
        self._check_lease()
        return self.leases.held

    def write_lease(self, lease: Lease) -> str | None:
        self._check_lease()
        return self.leases.write(lease)

    def renew_lease(self, lease: Lease) -> str | None:
        return self.write_lease(lease)

    def _check_lease(self) -> None:
        if self.find_missing_rights(list_lease_rights("istio-system")):
            raise GiveUp("the API server answered 403", "Grant it.")

    def read_binding(self, name: str) -> Binding | None:
        return self.bindings.get(name)

    def create_binding(self, binding: Binding) -> None:
        if self.binding_fault:
            raise self.binding_fault
        self.writes.append(f"create {binding.name}")
        self.bindings[binding.name] = binding

    def revise_binding(self, binding: Binding) -> None:
        if self.binding_fault:
            raise self.binding_fault
        self.writes.append(f"change {binding.name}")
        self.bindings[binding.name] = binding

    def delete_binding(self, name: str) -> None:
        self.writes.append(f"delete {name}")
        self.bindings.pop(name, None)

    def delete_namespace(self, name: str) -> None:
        self.writes.append(f"delete namespace {name}")
        self.namespaces = [namespace for namespace in self.namespaces if namespace.name != name]


@dataclass
class PaperFiles:
    """Archives: `slices` says how many turns each takes; `faults` are raised for a version."""

    slices: int = 1
    faults: dict[str, StepError] = field(default_factory=dict)
    fetched: dict[str, int] = field(default_factory=dict)
    room: int = 40 * 2**30

    def measure_room(self) -> int:
        return self.room

    def fetch_archive(self, archive: Archive) -> Fetched:
        if archive.version in self.faults:
            raise self.faults[archive.version]
        count = self.fetched[archive.version] = self.fetched.get(archive.version, 0) + 1
        return Fetched(count * 5_000_000, self.slices * 5_000_000, count >= self.slices, Path(archive.file_name))

    def verify_archive(self, archive: Archive) -> Verified:
        return Verified("ab" * 32, 5_000_000, "cd" * 32)

    def unpack_archive(self, archive: Archive, sha256: str) -> Tools:
        folder = Path(archive.directory)
        return Tools(archive.version, folder, folder / "bin/istioctl", folder / "bin/asmctl", "1" * 64, "2" * 64)


@dataclass
class PaperTools:
    """istioctl and asmctl: what runs is a state in `runs`; `started` counts real starts."""

    version: str | None = None
    kubectl: str = "1.27.1"
    manifest: list[dict[str, Any]] = field(default_factory=list)
    rendered: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    disabled: tuple[str, ...] = ()
    recording_end: ProgramEnded = field(default_factory=lambda: ProgramEnded(0, "✔ Installation complete\n"))
    recording_calls: tuple[KubectlCall, ...] = ()
    recorded: dict[str, Record] = field(default_factory=dict)
    asked: dict[str, ApplyRequest] = field(default_factory=dict)
    recorders: dict[str, str] = field(default_factory=dict)
    calls: dict[str, tuple[KubectlCall, ...]] = field(default_factory=dict)
    runs: dict[str, RunState] = field(default_factory=dict)
    started: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    applied: dict[str, Record] = field(default_factory=dict)
    next_run: RunState = field(default_factory=NotStarted)
    start_fault: Exception | None = None
    admitted: list[str] = field(default_factory=list)
    credentials: bool = True

    def read_istioctl_version(self, tools: Tools) -> str:
        return tools.version if self.version is None else self.version

    def find_kubectl(self, server_version: str) -> Kubectl | None:
        return Kubectl(Path("/usr/bin/kubectl"), "3" * 64, self.kubectl) if self.kubectl else None

    def start_recording(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, acting_for: str, *, looks: bool
    ) -> None:
        self.asked[run_id] = request
        self.recorders[run_id] = acting_for
        self.runs[run_id] = self.recording_end
        found = next((self.rendered[flag] for flag in request.arguments if flag in self.rendered), self.manifest)
        self.recorded[run_id] = record_objects(found or render_control_plane(request.tools.version))

    def read_recording(self, run_id: str) -> Recording:
        if run_id not in self.recorded:
            raise GiveUp(f"there is no recording {run_id}", "Retry.")
        looked = tuple(KubectlCall("get", name, "passed", 0) for name in self.disabled)
        return Recording(self.recorded[run_id], (*looked, *self.recording_calls))

    def start_apply(
        self, run_id: str, address: ClusterAddress, request: ApplyRequest, record: Record, recorded_by: str
    ) -> None:
        self.applied[run_id] = record
        self._start(run_id, request.arguments)

    def list_calls(self, run_id: str) -> tuple[KubectlCall, ...]:
        return self.calls.get(run_id, ())

    def start_validate(self, run_id: str, address: ClusterAddress, tools: Tools, arguments: Sequence[str]) -> None:
        self._start(run_id, arguments)

    def observe_run(self, run_id: str) -> RunState:
        return self.runs.get(run_id, NotStarted())

    def admit_run(self, run_id: str) -> None:
        self.admitted.append(run_id)

    def list_running(self, upgrade_id: str) -> tuple[str, ...]:
        return tuple(run_id for run_id, state in self.runs.items() if isinstance(state, Running))

    def has_default_credentials(self) -> bool:
        return self.credentials

    def _start(self, run_id: str, arguments: Sequence[str]) -> None:
        if self.start_fault is not None:
            raise self.start_fault
        self.started.append((run_id, tuple(arguments)))
        self.runs[run_id] = self.next_run


@dataclass
class PaperBackups:
    """Files by name."""

    files: dict[str, str] = field(default_factory=dict)

    def write_backup(self, upgrade_id: str, name: str, text: str) -> Path:
        self.files.setdefault(name, text)
        return Path(name)

    def find_folder(self, upgrade_id: str) -> Path:
        return Path("/backups") / upgrade_id

    def read_backup(self, upgrade_id: str, name: str) -> str | None:
        return self.files.get(name)
