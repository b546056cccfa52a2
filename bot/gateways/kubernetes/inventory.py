"""What runs on the cluster: namespaces, pods, workloads, budgets, autoscalers and nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from bot.gateways.kubernetes.answers import BudgetItem, NodeItem, Scaler
from bot.gateways.kubernetes.api_server import METADATA_LIST, ApiServer
from bot.gateways.kubernetes.objects import reduce_selector
from bot.gateways.kubernetes.pages import (
    BUDGET_PAGES,
    CONTROLLER_PAGES,
    DESCRIBED_PAGES,
    NAMESPACE_PAGES,
    NODE_PAGES,
    POD_PAGES,
    SCALER_PAGES,
    decode,
    list_items,
    list_whole,
)
from bot.gateways.kubernetes.pods import reduce_pod
from bot.gateways.kubernetes.served_apis import ServedApis
from bot.gateways.kubernetes.wire import Controller, DescribedMeta
from bot.gateways.kubernetes.wire_nodes import count_bytes, count_millicores
from bot.gateways.kubernetes.workloads import KINDS, reduce_workload
from steps.contract.errors import GiveUp
from steps.mesh import (
    WORKLOAD_KINDS,
    Autoscaler,
    DisruptionBudget,
    Namespace,
    Node,
    Owner,
    Pod,
    Taint,
    Workload,
    WorkloadRef,
)

CONTROLLER = msgspec.json.Decoder(Controller)


class InventoryReads:
    """The reads of an inventory through one API server."""

    def __init__(self, server: ApiServer, apis: ServedApis) -> None:
        self._server = server
        self._apis = apis

    def list_namespaces(self) -> tuple[Namespace, ...]:
        return tuple(
            Namespace(meta.name, meta.labels or {}, meta.deletion_timestamp is not None)
            for found in list_whole(self._server, "list namespaces", "/api/v1/namespaces", NAMESPACE_PAGES)
            if (meta := found.metadata)
        )

    def list_pods(self, namespace: str = "", selector: str = "") -> Iterator[Pod]:
        path = _scope("/api/v1", namespace, "pods")
        action = f"list pods{_in(namespace)}"
        owners: dict[str, Owner] = {}
        return (reduce_pod(found, owners) for found in list_items(self._server, action, path, POD_PAGES, selector))

    def list_workloads(self, namespace: str = "", kinds: Sequence[str] = WORKLOAD_KINDS) -> tuple[Workload, ...]:
        return tuple(
            reduce_workload(kind, found)
            for kind, place in KINDS.items()
            if kind in kinds
            for found in list_items(
                self._server,
                f"list {place.plural}{_in(namespace)}",
                _scope(place.base, namespace, place.plural),
                CONTROLLER_PAGES,
                optional=kind == "Rollout",
            )
        )

    def read_workload(self, ref: WorkloadRef) -> Workload | None:
        place = KINDS.get(ref.kind)
        if place is None:
            raise GiveUp(
                f"{ref} is of a kind that the bot doesn't read",
                f"It reads {', '.join(KINDS)}: restart this one by hand.",
            )
        action = f"read {ref}"
        path = f"{_scope(place.base, ref.namespace, place.plural)}/{quote(ref.name)}"
        answer = self._server.read(action, path, accept=(404,))
        if answer.status == 404:
            return None
        return reduce_workload(ref.kind, decode(self._server, action, answer, CONTROLLER))

    def list_disruption_budgets(self, namespace: str = "") -> tuple[DisruptionBudget, ...]:
        version = self._apis.find_policy()
        path = _scope(f"/apis/policy/{version}", namespace, "poddisruptionbudgets")
        found = list_whole(self._server, f"list poddisruptionbudgets{_in(namespace)}", path, BUDGET_PAGES)
        return tuple(_reduce_budget(item, version) for item in found)

    def list_autoscalers(self, namespace: str = "") -> tuple[Autoscaler, ...]:
        path = _scope("/apis/autoscaling/v1", namespace, "horizontalpodautoscalers")
        action = f"list horizontalpodautoscalers{_in(namespace)}"
        found = list_whole(self._server, action, path, SCALER_PAGES, optional=True)
        return tuple(_reduce_autoscaler(item) for item in found)

    def list_changes(self, namespace: str = "") -> Mapping[tuple[str, str, str], datetime]:
        return {
            (found.metadata.namespace, kind, found.metadata.name): changed
            for kind, plural in (("ConfigMap", "configmaps"), ("Secret", "secrets"))
            for found in list_items(
                self._server,
                f"list metadata of {plural}{_in(namespace)}",
                _scope("/api/v1", namespace, plural),
                DESCRIBED_PAGES,
                media=METADATA_LIST,
                # A viewer may not list secrets, and for a proposal a viewer's rights must do.
                hidden=kind == "Secret",
            )
            if (changed := find_last_change(found.metadata))
        }

    def list_nodes(self) -> tuple[Node, ...]:
        found = list_whole(self._server, "list nodes", "/api/v1/nodes", NODE_PAGES)
        return tuple(_reduce_node(item) for item in found)


def find_last_change(meta: DescribedMeta) -> datetime | None:
    """The last time that any manager changed the object; its creation where the server keeps no managers."""
    times = [field.time for field in meta.managed_fields or () if field.time]
    return max(times, default=meta.creation_timestamp)


def _reduce_budget(item: BudgetItem, version: str) -> DisruptionBudget:
    labels, requirements = reduce_selector(item.spec.selector)
    return DisruptionBudget(
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        selector=labels,
        min_available=str(item.spec.min_available),
        max_unavailable=str(item.spec.max_unavailable),
        disruptions_allowed=item.status.disruptions_allowed,
        # An empty selector matches every pod in policy/v1 and none in v1beta1.
        selects_all=version == "v1" and item.spec.selector is not None and not labels and not requirements,
        requirements=requirements,
    )


def _reduce_autoscaler(item: Scaler) -> Autoscaler:
    meta, target = item.metadata, item.spec.scale_target_ref
    return Autoscaler(
        namespace=meta.namespace,
        name=meta.name,
        target=WorkloadRef(meta.namespace, target.kind, target.name),
        minimum=item.spec.min_replicas or 1,
        maximum=item.spec.max_replicas,
        current=item.status.current_replicas or 0,
    )


def _reduce_node(item: NodeItem) -> Node:
    room = item.status.allocatable or {}
    conditions = item.status.conditions or ()
    return Node(
        name=item.metadata.name,
        ready=any(one.type == "Ready" and one.status == "True" for one in conditions),
        unschedulable=item.spec.unschedulable,
        cpu_millis=count_millicores(str(room.get("cpu", ""))),
        memory_bytes=count_bytes(str(room.get("memory", ""))),
        pods=count_bytes(str(room.get("pods", ""))),
        labels=item.metadata.labels or {},
        taints=tuple(Taint(one.key, one.effect, one.value) for one in item.spec.taints or ()),
    )


def _scope(base: str, namespace: str, plural: str) -> str:
    return f"{base}/namespaces/{quote(namespace)}/{plural}" if namespace else f"{base}/{plural}"


def _in(namespace: str) -> str:
    return f" in {namespace}" if namespace else ""
