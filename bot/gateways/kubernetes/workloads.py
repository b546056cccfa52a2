"""A controller of pods as the upgrade sees it, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.gateways.kubernetes.pods import PROXY, find_owner
from bot.gateways.kubernetes.wire import (
    ConditionItem,
    Container,
    Controller,
    ControllerSpec,
    ControllerStatus,
    LabelSelector,
    ProjectedPart,
    RollingUpdate,
    Strategy,
    Template,
    TemplateSpec,
    Volume,
    decode_selector,
)
from bot.gateways.kubernetes.wire_nodes import (
    Affinity,
    AffinityTerm,
    Expression,
    PodAffinity,
    Toleration,
    count_bytes,
    count_millicores,
)
from steps.contract.documents import read_count
from steps.mesh import Placement, Requirement, Taint, Workload, WorkloadRef

TOOLS = frozenset({
    "argocd.argoproj.io", "fluxcd.io", "configmanagement.gke.io", "configsync.gke.io", "meta.helm.sh",
})  # fmt: skip
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True)
class WorkloadKind:
    """Where a kind is served: `base` is its group-version's path."""

    base: str
    plural: str


KINDS: Mapping[str, WorkloadKind] = {
    "Deployment": WorkloadKind("/apis/apps/v1", "deployments"),
    "StatefulSet": WorkloadKind("/apis/apps/v1", "statefulsets"),
    "DaemonSet": WorkloadKind("/apis/apps/v1", "daemonsets"),
    "ReplicaSet": WorkloadKind("/apis/apps/v1", "replicasets"),
    "ReplicationController": WorkloadKind("/api/v1", "replicationcontrollers"),
    "Job": WorkloadKind("/apis/batch/v1", "jobs"),
    "Rollout": WorkloadKind("/apis/argoproj.io/v1alpha1", "rollouts"),
}


@dataclass(frozen=True)
class Counts:
    """Pods of a controller by its own status."""

    replicas: int
    current: int
    updated: int
    ready: int
    available: int


def reduce_workload(kind: str, found: Controller) -> Workload:
    """Keep what rollout status and restart risk are judged by."""
    meta, spec, status, template = found.metadata, found.spec, found.status, found.spec.template or Template()
    counts = COUNTERS[kind](found)
    selector, (strategy, rolling) = decode_selector(spec.selector), read_strategy(spec)
    return Workload(
        ref=WorkloadRef(meta.namespace, kind, meta.name),
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        observed_generation=_read_generation(status),
        replicas=counts.replicas,
        current=counts.current,
        updated=counts.updated,
        ready=counts.ready,
        available=counts.available,
        strategy=name_strategy(strategy),
        partition=rolling.partition,
        max_unavailable=str(rolling.max_unavailable),
        max_surge=str(rolling.max_surge),
        paused=spec.paused,
        stalled=_has_stalled(status),
        failure=_find_failure(status),
        current_revision=status.current_revision,
        update_revision=status.update_revision,
        owner=find_owner(meta),
        selector=selector.match_labels or {},
        selector_text=write_selector(selector) if selector.match_expressions else "",
        labels=meta.labels or {},
        annotations=keep_tool_annotations(meta.annotations) if meta.annotations else {},
        template_labels=template.metadata.labels or {},
        template_annotations=template.metadata.annotations or {},
        images={container.name: container.image for container in template.spec.containers},
        probed=all(c.readiness_probe is not None for c in template.spec.containers if c.name != PROXY),
        host_network=template.spec.host_network,
        cpu_millis=_add_up(template.spec, "cpu", count_millicores),
        memory_bytes=_add_up(template.spec, "memory", count_bytes),
        placement=read_placement(template),
        config_maps=_sort(_list_config_maps(template.spec)),
        secrets=_sort(_list_secrets(template.spec)),
        min_ready_seconds=spec.min_ready_seconds,
        progress_deadline_seconds=600 if spec.progress_deadline_seconds is None else spec.progress_deadline_seconds,
        ordered=kind == "StatefulSet" and spec.pod_management_policy != "Parallel",
        restarted_at=spec.restart_at or (template.metadata.annotations or {}).get(RESTARTED_AT, ""),
    )


def read_strategy(spec: ControllerSpec) -> tuple[Strategy, RollingUpdate]:
    """The strategy by which pods are replaced, and its limits."""
    strategy = spec.update_strategy or spec.strategy or Strategy()
    return strategy, strategy.rolling_update or strategy.canary or RollingUpdate()


def keep_tool_annotations(annotations: Mapping[str, str]) -> Mapping[str, str]:
    """The annotations by which tools that apply objects know them again."""
    return {key: text for key, text in annotations.items() if key.partition("/")[0] in TOOLS}


def write_selector(selector: LabelSelector) -> str:
    """A label selector as a query: "app=web,tier in (a,b),!old"."""
    labels = (f"{key}={text}" for key, text in sorted((selector.match_labels or {}).items()))
    return ",".join([*labels, *(_write_expression(one) for one in selector.match_expressions or ())])


def _write_expression(expression: Expression) -> str:
    values = ",".join(expression.values or ())
    match expression.operator:
        case "In":
            return f"{expression.key} in ({values})"
        case "NotIn":
            return f"{expression.key} notin ({values})"
        case "DoesNotExist":
            return f"!{expression.key}"
        case _:
            return expression.key


def name_strategy(strategy: Strategy) -> str:
    """RollingUpdate, Recreate, OnDelete; for an Argo Rollout Canary or BlueGreen."""
    if strategy.canary is not None:
        return "Canary"
    if strategy.blue_green is not None:
        return "BlueGreen"
    return strategy.type or "RollingUpdate"


def _count_replicated(found: Controller) -> Counts:
    status = found.status
    wanted = 1 if found.spec.replicas is None else found.spec.replicas
    return Counts(wanted, status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas)


def _count_daemons(found: Controller) -> Counts:
    status = found.status
    return Counts(
        status.desired_number_scheduled,
        status.current_number_scheduled,
        status.updated_number_scheduled,
        status.number_ready,
        status.number_available,
    )


def _count_active(found: Controller) -> Counts:
    wanted = 1 if found.spec.parallelism is None else found.spec.parallelism
    return Counts(wanted, found.status.active, 0, 0, 0)


COUNTERS: Mapping[str, Callable[[Controller], Counts]] = {
    **dict.fromkeys(KINDS, _count_replicated),
    "DaemonSet": _count_daemons,
    "Job": _count_active,
}


def _read_generation(status: ControllerStatus) -> int:
    return read_count(str(status.observed_generation))


def _has_stalled(status: ControllerStatus) -> bool:
    return any(c.type == "Progressing" and c.reason == "ProgressDeadlineExceeded" for c in status.conditions or ())


def _find_failure(status: ControllerStatus) -> str:
    return next((f"{c.reason}: {c.message}" for c in status.conditions or () if _is_failure(c)), "")


def _is_failure(condition: ConditionItem) -> bool:
    """Whether it says that no pod, or that not even a ReplicaSet can be made."""
    if condition.type == "Progressing":
        return condition.reason == "ReplicaSetCreateError"
    return condition.type == "ReplicaFailure" and condition.status == "True"


def _add_up(spec: TemplateSpec, resource: str, count: Callable[[str], int]) -> int:
    """What one pod asks for: its containers together, or the largest init container where that is more."""
    running = sum(_read_request(c, resource, count) for c in spec.containers)
    starting = max((_read_request(c, resource, count) for c in spec.init_containers or ()), default=0)
    return max(running, starting)


def _read_request(container: Container, resource: str, count: Callable[[str], int]) -> int:
    asked = (container.resources.requests if container.resources else None) or {}
    return count(str(asked.get(resource, "0")))


def read_placement(template: Template) -> Placement:
    """What the template asks of nodes; only a term that selects its own pods keeps them apart."""
    spec, labels = template.spec, template.metadata.labels or {}
    terms = (spec.affinity.pod_anti_affinity if spec.affinity else None) or PodAffinity()
    ports = (port.host_port for container in spec.containers for port in container.ports or ())
    return Placement(
        apart=tuple(term.topology_key for term in terms.required or () if _selects_own(term, labels)),
        spread=tuple(
            one.topology_key
            for one in spec.topology_spread_constraints or ()
            if one.when_unsatisfiable == "DoNotSchedule"
        ),
        host_ports=tuple(port for port in ports if port),
        claims=_sort(
            one.persistent_volume_claim.claim_name for one in spec.volumes or () if one.persistent_volume_claim
        ),
        node_labels=spec.node_selector or {},
        node_terms=_read_node_terms(spec.affinity),
        bears=tuple(_read_toleration(one) for one in spec.tolerations or ()),
    )


def _read_node_terms(affinity: Affinity | None) -> tuple[tuple[Requirement, ...], ...]:
    """The terms of which a node has to meet one; none where one names its node, as a DaemonSet's controller does."""
    required = affinity.node_affinity.required if affinity and affinity.node_affinity else None
    terms = required.node_selector_terms if required else []
    if any(term.match_fields for term in terms):
        return ()
    return tuple(
        tuple(Requirement(one.key, one.operator, tuple(one.values or ())) for one in term.match_expressions or ())
        for term in terms
    )


def _read_toleration(one: Toleration) -> Taint:
    return Taint(one.key, one.effect, None if one.operator == "Exists" else one.value)


def _selects_own(term: AffinityTerm, labels: Mapping[str, str]) -> bool:
    selector = decode_selector(term.label_selector)
    expressions = all(_expects(one, labels) for one in selector.match_expressions or ())
    return (selector.match_labels or {}).items() <= labels.items() and expressions


def _expects(expression: Expression, labels: Mapping[str, str]) -> bool:
    values, found = expression.values or (), labels.get(expression.key)
    match expression.operator:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "DoesNotExist":
            return found is None
        case _:
            return found is not None


def _list_config_maps(spec: TemplateSpec) -> Iterable[str]:
    for volume in spec.volumes or ():
        yield from (named.name for named in [volume.config_map, *(p.config_map for p in _list_parts(volume))] if named)
    for container in [*(spec.init_containers or ()), *spec.containers]:
        yield from (source.config_map_ref.name for source in container.env_from or () if source.config_map_ref)
        sources = [variable.value_from for variable in container.env or () if variable.value_from]
        yield from (source.config_map_key_ref.name for source in sources if source.config_map_key_ref)


def _list_secrets(spec: TemplateSpec) -> Iterable[str]:
    for volume in spec.volumes or ():
        if volume.secret:
            yield volume.secret.secret_name
        yield from (part.secret.name for part in _list_parts(volume) if part.secret)
    for container in [*(spec.init_containers or ()), *spec.containers]:
        yield from (source.secret_ref.name for source in container.env_from or () if source.secret_ref)
        sources = [variable.value_from for variable in container.env or () if variable.value_from]
        yield from (source.secret_key_ref.name for source in sources if source.secret_key_ref)


def _list_parts(volume: Volume) -> list[ProjectedPart]:
    return (volume.projected.sources if volume.projected else None) or []


def _sort(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))
