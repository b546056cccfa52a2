"""What the API server tells of the kinds that are few, as msgspec decodes it; unknown fields are skipped."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from bot.gateways.kubernetes.wire import ConditionItem, LabelSelector, Meta, Named, Present, Reference
from bot.gateways.kubernetes.wire_nodes import TaintItem


class NamespaceItem(Struct, gc=False):
    """A namespace."""

    metadata: Meta


class BudgetSpec(Struct, rename="camel", gc=False):
    """What a PodDisruptionBudget asks for."""

    min_available: int | str = ""
    max_unavailable: int | str = ""
    selector: LabelSelector | None = None


class BudgetStatus(Struct, rename="camel", gc=False):
    """What a PodDisruptionBudget allows now."""

    disruptions_allowed: int = 0


class BudgetItem(Struct, gc=False):
    """A PodDisruptionBudget."""

    metadata: Meta
    spec: BudgetSpec = field(default_factory=BudgetSpec)
    status: BudgetStatus = field(default_factory=BudgetStatus)


class ScalerSpec(Struct, rename="camel", gc=False):
    """What a HorizontalPodAutoscaler scales, and between which numbers."""

    scale_target_ref: Reference
    max_replicas: int
    min_replicas: int | None = None


class ScalerStatus(Struct, rename="camel", gc=False):
    """What a HorizontalPodAutoscaler sees now."""

    current_replicas: int | None = None


class Scaler(Struct, gc=False):
    """A HorizontalPodAutoscaler."""

    metadata: Meta
    spec: ScalerSpec
    status: ScalerStatus = field(default_factory=ScalerStatus)


class NodeSpec(Struct, gc=False):
    """Whether a node takes no more pods, and which it keeps off."""

    unschedulable: bool = False
    taints: list[TaintItem] | None = None


class NodeStatus(Struct, gc=False):
    """The room and the conditions of a node; a quantity may be written as a number."""

    allocatable: dict[str, str | int | float] | None = None
    conditions: list[ConditionItem] | None = None


class NodeItem(Struct, gc=False):
    """A node."""

    metadata: Meta
    spec: NodeSpec = field(default_factory=NodeSpec)
    status: NodeStatus = field(default_factory=NodeStatus)


class ConfigMap(Struct, gc=False):
    """The texts of a ConfigMap."""

    texts: dict[str, str] | None = field(default=None, name="data")


class Subset(Struct, gc=False):
    """Addresses of Endpoints that are ready."""

    addresses: list[Present] | None = None


class Endpoints(Struct, gc=False):
    """The addresses behind a service."""

    subsets: list[Subset] | None = None


class Ingress(Struct, gc=False):
    """One address of a load balancer."""

    ip: str = ""
    hostname: str = ""


class LoadBalancer(Struct, gc=False):
    """The addresses of a load balancer."""

    ingress: list[Ingress] | None = None


class ServiceStatus(Struct, rename="camel", gc=False):
    """The status of a service."""

    load_balancer: LoadBalancer = field(default_factory=LoadBalancer)


class Service(Struct, gc=False):
    """A service, as far as it is reached from outside."""

    status: ServiceStatus = field(default_factory=ServiceStatus)


class ServiceReference(Struct, gc=False):
    """The service that a webhook calls."""

    namespace: str = ""
    name: str = ""


class ClientConfig(Struct, rename="camel", gc=False):
    """How a webhook is reached, and by which CA."""

    ca_bundle: str | None = None
    service: ServiceReference | None = None


class Hook(Struct, rename="camel", gc=False):
    """One webhook of a configuration."""

    client_config: ClientConfig = field(default_factory=ClientConfig)
    failure_policy: str = ""
    namespace_selector: LabelSelector | None = None


class WebhookConfiguration(Struct, gc=False):
    """A MutatingWebhookConfiguration."""

    webhooks: list[Hook] | None = None


class RoleSubject(Struct, gc=False):
    """Who is bound to a role."""

    kind: str = ""
    name: str = ""


class RoleBinding(Struct, rename="camel", gc=False):
    """A ClusterRoleBinding."""

    metadata: Meta = field(default_factory=Meta)
    role_ref: Named = field(default_factory=Named)
    subjects: list[RoleSubject] | None = None


class LeaseSpec(Struct, rename="camel", gc=False):
    """Who holds a Lease, and since when."""

    holder_identity: str | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None


class FoundLease(Struct, gc=False):
    """A Lease."""

    metadata: Meta = field(default_factory=Meta)
    spec: LeaseSpec = field(default_factory=LeaseSpec)


class ServerVersion(Struct, rename="camel", gc=False):
    """What /version answers."""

    git_version: str = ""


class User(Struct, gc=False):
    """An account by its name."""

    username: str = ""


class ReviewStatus(Struct, rename="camel", gc=False):
    """What a review found: `allowed` of an access review, `user_info` of a self review, `user` of a token review."""

    allowed: bool = False
    user_info: User | None = None
    user: User | None = None


class Review(Struct, gc=False):
    """A SelfSubjectAccessReview, SelfSubjectReview or TokenReview."""

    status: ReviewStatus = field(default_factory=ReviewStatus)
