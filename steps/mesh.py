"""Values read from a cluster, reduced to what the upgrade uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

EMPTY: Mapping[str, str] = {}
WORKLOAD_KINDS = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "Rollout",
)


# GKE's endpoints of a control plane, in the order in which they are tried.
ENDPOINTS = ("dns", "public", "private")


@dataclass(frozen=True)
class ClusterAddress:
    """Where a cluster is found: GKE's project, location and name, or a kubeconfig and one of its contexts.

    `endpoints` are the kinds of GKE endpoint that may be used, the preferred one first.
    """

    key: str
    project: str = ""
    location: str = ""
    name: str = ""
    kubeconfig: str = ""
    context: str = ""
    endpoints: tuple[str, ...] = ENDPOINTS


@dataclass(frozen=True)
class ReachedServer:
    """The API server that a connection leads to: the SHA-256 of its cluster's CA and GKE's own id of the cluster.

    `host` is what a kubeconfig names; GKE moves its endpoints by itself, so there it is "".
    """

    ca: str = ""
    gke_id: str = ""
    host: str = ""


@dataclass(frozen=True)
class GkeState:
    """How GKE has a cluster: its status ("" without GKE) in its own words, and what kind of cluster it is.

    `expires` is when GKE deletes an alpha cluster, None for any other.
    """

    status: str = ""
    said: str = ""
    autopilot: bool = False
    alpha: bool = False
    expires: datetime | None = None


@dataclass(frozen=True)
class ClusterIdentity:
    """The guide's variables for a cluster, and what GKE says of it.

    `endpoint` is dns, private, public or kubeconfig; `gke_id` is GKE's own id of the cluster, "" without GKE.
    """

    project_id: str
    project_number: str
    location: str
    name: str
    workload_pool: str
    mesh_id: str
    server_version: str
    endpoint: str
    release_channel: str = ""
    node_count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    gke_id: str = ""
    gke: GkeState = GkeState()


@dataclass(frozen=True)
class Operation:
    """A GKE operation that still runs on the cluster (UPGRADE_NODES, UPGRADE_MASTER, ...)."""

    name: str
    kind: str
    target: str = ""


@dataclass(frozen=True)
class Exclusion:
    """A maintenance exclusion of the cluster; times are UTC."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Discovery:
    """Clusters of a project; `missing_zones` did not answer, so the list is partial."""

    clusters: tuple[ClusterAddress, ...]
    missing_zones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Right:
    """One question to SelfSubjectAccessReview."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    subresource: str = ""
    name: str = ""


@dataclass(frozen=True)
class BindingMark:
    """Whose a binding is: the journal of the bot that wrote it, and the upgrade it was written for."""

    journal: str
    upgrade: str


@dataclass(frozen=True)
class Binding:
    """A ClusterRoleBinding: its role, the users among its subjects, and the other ones as `Group NAME`.

    With the version that was read, a revision is refused where somebody else changed it since.
    """

    name: str
    role: str
    users: tuple[str, ...]
    others: tuple[str, ...] = ()
    mark: BindingMark | None = None
    resource_version: str = field(default="", compare=False)


@dataclass(frozen=True)
class Namespace:
    """A namespace; `labels` decide about injection."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """The controlling owner reference of an object."""

    kind: str
    name: str
    uid: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, reduced. `proxy_image` is the image of container istio-proxy in the pod's spec, "" where there is none.

    `ready` of `total` counts containers and restartable init containers, as kubectl shows them; whether the pod is in
    service only its Ready condition tells (`is_ready`): a readiness gate or a lost node keeps a pod of 2/2 out of it.
    `annotations` holds only the Istio and mirror annotations. `problem` is the first waiting reason, unschedulable
    message, last termination or readiness gate seen. `leave_by` is when a terminating pod should have ended.
    `unready_since` is when it stopped being in service, or never was; `spent` means that its own containers have ended
    well and only the proxy runs on.
    """

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    proxy_image: str
    images: tuple[str, ...]
    ready: int
    total: int
    is_ready: bool
    phase: str
    terminating: bool
    created: datetime
    node: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    host_network: bool = False
    restarts: int = 0
    problem: str = ""
    leave_by: datetime | None = None
    unready_since: datetime | None = None
    spent: bool = False


@dataclass(frozen=True, slots=True)
class WorkloadRef:
    """Names a workload; `str()` gives the id people read, `shop/Deployment/web`."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.kind}/{self.name}"


@dataclass(frozen=True)
class Taint:
    """What keeps pods off a node, or which of those a pod bears: there "" and None stand for any."""

    key: str
    effect: str = ""
    value: str | None = ""


@dataclass(frozen=True)
class Placement:
    """What a pod template asks of the nodes that it runs on, as far as it can leave a pod without one.

    `apart` holds the topology keys by which its pods keep from one another, `spread` those by which they spread or
    wait; `host_ports` are taken on the node; `claims` are the disks that all its pods share. A node has to have all
    `node_labels`, meet one of the `node_terms` where there are any, and have no taint but those that a pod `bears`.
    """

    apart: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    host_ports: tuple[int, ...] = ()
    claims: tuple[str, ...] = ()
    node_labels: Mapping[str, str] = field(default_factory=dict)
    node_terms: tuple[tuple[Requirement, ...], ...] = ()
    bears: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class Workload:
    """A controller of pods with what its rollout status and its restart risk are judged by.

    Counts follow the kind's own status (a DaemonSet's `replicas` is desiredNumberScheduled). `max_unavailable` and
    `max_surge` are as written ("25%" or "1"). `failure` says why no pod or no ReplicaSet can be made; `stalled` means
    that Progressing has the reason ProgressDeadlineExceeded; `ordered` is a StatefulSet that makes one pod after the
    other. `selector` holds the matchLabels; `selector_text` is the whole selector as a query ("app=web,tier in (a,b)"),
    "" where the matchLabels are all of it. `annotations` holds only those of tools that apply objects.
    """

    ref: WorkloadRef
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    replicas: int
    current: int
    updated: int
    ready: int
    available: int
    strategy: str = "RollingUpdate"
    partition: int = 0
    max_unavailable: str = ""
    max_surge: str = ""
    paused: bool = False
    stalled: bool = False
    failure: str = ""
    current_revision: str = ""
    update_revision: str = ""
    owner: Owner | None = None
    selector: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    template_labels: Mapping[str, str] = field(default_factory=dict)
    template_annotations: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    probed: bool = True
    host_network: bool = False
    cpu_millis: int = 0
    memory_bytes: int = 0
    config_maps: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    min_ready_seconds: int = 0
    progress_deadline_seconds: int = 600
    restarted_at: str = ""
    selector_text: str = ""
    ordered: bool = False
    placement: Placement = field(default_factory=Placement)


@dataclass(frozen=True)
class Requirement:
    """One matchExpressions entry; `operator` is In, NotIn, Exists or DoesNotExist, of nodes also Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class DisruptionBudget:
    """A PodDisruptionBudget with its current allowance; `selects_all` is an empty policy/v1 selector.

    `selector` holds its labels and `requirements` its expressions; a pod must satisfy both.
    """

    namespace: str
    name: str
    selector: Mapping[str, str]
    min_available: str
    max_unavailable: str
    disruptions_allowed: int
    selects_all: bool = False
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class Autoscaler:
    """A HorizontalPodAutoscaler and its target."""

    namespace: str
    name: str
    target: WorkloadRef
    minimum: int
    maximum: int
    current: int


@dataclass(frozen=True)
class Node:
    """A node's room; millicores and bytes. `requested_*` are 0 where nobody added them up."""

    name: str
    ready: bool
    unschedulable: bool
    cpu_millis: int
    memory_bytes: int
    pods: int
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class InjectorWebhook:
    """The first webhook of a MutatingWebhookConfiguration, as far as injection depends on it.

    `namespace_selector` holds the labels of its namespaceSelector and `namespace_requirements` the expressions.
    """

    name: str
    has_ca_bundle: bool
    failure_policy: str
    service_namespace: str
    service_name: str
    namespace_selector: Mapping[str, str]
    namespace_requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class Evicted:
    """The API server took the eviction; the pod is on its way out."""


@dataclass(frozen=True)
class EvictionRefused:
    """A disruption budget refused (429 with cause DisruptionBudget); `permanent` for overlapping budgets (500)."""

    why: str
    permanent: bool = False


@dataclass(frozen=True)
class PodGone:
    """The pod is not there any more, or another pod bears its name (404, 409 by uid)."""


Eviction: TypeAlias = Evicted | EvictionRefused | PodGone


@dataclass(frozen=True)
class Event:
    """A Kubernetes event of an object, newest last; `uid` is the object's, `at` when it was last said."""

    kind: str
    reason: str
    message: str
    count: int = 1
    uid: str = ""
    at: datetime | None = None
