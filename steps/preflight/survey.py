"""What prepare reads from a cluster, with viewer rights alone, before anything is proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from steps.contract.errors import GiveUp
from steps.contract.ports import Gke, Kubernetes, Manifest
from steps.contract.release import Release
from steps.install.installed import Installed, NoMesh, read_installed
from steps.install.policies import read_policies
from steps.install.recovery import PreviousInstall, recover_options
from steps.mesh import ClusterAddress, ClusterIdentity, Exclusion, Node, Operation, Pod, Workload, WorkloadRef
from steps.notes.prepare import SidecarCounts
from steps.preflight.ownership import find_ownership
from steps.versions import parse_image
from steps.workloads.inventory import find_workload, takes_room
from steps.workloads.placement import Room, measure_rooms

INJECTION_LABEL = "istio-injection"


@dataclass(frozen=True)
class Survey:
    """The state of a cluster as prepare found it; `unread` names what could not be read, in sentences.

    `rooms` holds what each node has left, `homes` which nodes pods of which workload stand on.
    """

    identity: ClusterIdentity
    installed: Installed
    previous: PreviousInstall
    control_plane: tuple[Workload, ...]
    workloads: tuple[Workload, ...]
    nodes: tuple[Node, ...]
    sidecars: SidecarCounts
    policies: tuple[Manifest, ...]
    injected_namespaces: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    disabled_services: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    rooms: Mapping[str, Room] = field(default_factory=dict)
    homes: frozenset[tuple[str, WorkloadRef]] = frozenset()


def take_survey(
    gke: Gke, kubernetes: Kubernetes, address: ClusterAddress, release: Release, identity: ClusterIdentity
) -> Survey:
    """Read everything that the preflight judges: about 15 requests and one paged pass over the pods."""
    workloads = kubernetes.list_workloads()
    plane = tuple(w for w in workloads if w.ref.namespace == release.namespace)
    operations, exclusions, disabled, unread = _ask_google(gke, address, identity, release)
    ownership = find_ownership(kubernetes, release, plane)
    namespaces, nodes = kubernetes.list_namespaces(), kubernetes.list_nodes()
    standing: Counter[tuple[str, WorkloadRef]] = Counter()
    by_ref = {workload.ref: workload for workload in workloads}
    sidecars = count_sidecars(_note_places(kubernetes.list_pods(), by_ref, standing), release.namespace)
    labelled = (n.name for n in namespaces if n.labels.get(INJECTION_LABEL) == "enabled")
    return Survey(
        identity=identity,
        installed=read_installed(release, plane),
        previous=_read_previous(kubernetes, release, plane) if plane else PreviousInstall(),
        control_plane=plane,
        workloads=workloads,
        nodes=nodes,
        sidecars=sidecars,
        policies=read_policies(kubernetes),
        injected_namespaces=tuple(labelled),
        namespaces=tuple(n.name for n in namespaces),
        operations=operations,
        exclusions=exclusions,
        disabled_services=disabled,
        unread=(*unread, *ownership.unread),
        owners=ownership.owners,
        rooms=measure_rooms(nodes, standing, by_ref),
        homes=frozenset(place for place, count in standing.items() if count),
    )


def _note_places(
    pods: Iterable[Pod], workloads: Mapping[WorkloadRef, Workload], standing: Counter[tuple[str, WorkloadRef]]
) -> Iterator[Pod]:
    """Hand the pods on, and count how many of each workload stand on each node."""
    for pod in pods:
        standing[pod.node, find_workload(pod, workloads)] += takes_room(pod)
        yield pod


def count_sidecars(pods: Iterable[Pod], control_plane: str) -> SidecarCounts:
    """Count in one pass; the control plane's own proxies are not workload sidecars."""
    versions: Counter[str] = Counter()
    namespaces: Counter[str] = Counter()
    bare = jobs = 0
    for pod in pods:
        if not pod.proxy_image or pod.terminating or pod.phase in ("Succeeded", "Failed"):
            continue
        if pod.namespace == control_plane:
            continue
        image = parse_image(pod.proxy_image)
        versions[image.tag or image.digest or "unknown"] += 1
        namespaces[pod.namespace] += 1
        bare += pod.owner is None
        jobs += pod.owner is not None and pod.owner.kind == "Job"
    return SidecarCounts(sum(versions.values()), dict(versions), dict(namespaces), bare, jobs)


def is_empty(survey: Survey) -> bool:
    """Whether there is no mesh at all."""
    return isinstance(survey.installed, NoMesh)


def _read_previous(kubernetes: Kubernetes, release: Release, plane: tuple[Workload, ...]) -> PreviousInstall:
    return recover_options(
        kubernetes.read_config_map(release.namespace, release.injector_config),
        kubernetes.read_config_map(release.namespace, "istio"),
        kubernetes.list_objects("authentication.istio.io/v1alpha1", "MeshPolicy"),
        plane,
    )


def _ask_google(
    gke: Gke, address: ClusterAddress, identity: ClusterIdentity, release: Release
) -> tuple[tuple[Operation, ...], tuple[Exclusion, ...], tuple[str, ...], tuple[str, ...]]:
    # An account without these viewer roles can still upgrade; what it may not read is said on the card.
    unread: list[str] = []
    operations: tuple[Operation, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    disabled: tuple[str, ...] = ()
    try:
        operations = gke.list_operations(address)
        exclusions = gke.list_exclusions(address)
    except GiveUp as error:
        unread.append(f"GKE operations and exclusions were not read: {error.why}")
    try:
        disabled = gke.list_disabled_services(identity.project_id, release.services)
    except GiveUp as error:
        unread.append(f"enabled APIs were not read: {error.why}")
    return operations, exclusions, disabled, tuple(unread)
