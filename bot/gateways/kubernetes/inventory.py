"""What runs on the cluster: namespaces, pods, workloads, budgets, autoscalers and nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from bot.gateways.kubernetes.api_server import METADATA_LIST, ApiServer
from bot.gateways.kubernetes.objects import list_raw, read_selector, read_text
from bot.gateways.kubernetes.pages import CONTROLLER_PAGES, DESCRIBED_PAGES, POD_PAGES, decode, list_items
from bot.gateways.kubernetes.pods import reduce_pod
from bot.gateways.kubernetes.quantities import count_bytes, count_millicores
from bot.gateways.kubernetes.served_apis import ServedApis
from bot.gateways.kubernetes.wire import Controller, DescribedMeta
from bot.gateways.kubernetes.workloads import KINDS, reduce_workload
from steps.contract.errors import GiveUp
from steps.contract.ports import Manifest
from steps.mesh import WORKLOAD_KINDS, Autoscaler, DisruptionBudget, Namespace, Node, Owner, Pod, Workload, WorkloadRef

CONTROLLER = msgspec.json.Decoder(Controller)


class Inventory:
    """The reads of an inventory through one API server."""

    def __init__(self, server: ApiServer, apis: ServedApis) -> None:
        self._server = server
        self._apis = apis

    def list_namespaces(self) -> tuple[Namespace, ...]:
        return tuple(
            Namespace(
                item["metadata"]["name"],
                item["metadata"].get("labels") or {},
                "deletionTimestamp" in item["metadata"],
            )
            for item in list_raw(self._server, "list namespaces", "/api/v1/namespaces")
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
        found = list_raw(self._server, f"list poddisruptionbudgets{_in(namespace)}", path)
        return tuple(_reduce_budget(item, version) for item in found)

    def list_autoscalers(self, namespace: str = "") -> tuple[Autoscaler, ...]:
        path = _scope("/apis/autoscaling/v1", namespace, "horizontalpodautoscalers")
        found = list_raw(self._server, f"list horizontalpodautoscalers{_in(namespace)}", path, optional=True)
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
        return tuple(_reduce_node(item) for item in list_raw(self._server, "list nodes", "/api/v1/nodes"))


def find_last_change(meta: DescribedMeta) -> datetime | None:
    """The last time that any manager changed the object; its creation where the server keeps no managers."""
    times = [field.time for field in meta.managed_fields or () if field.time]
    return max(times, default=meta.creation_timestamp)


def _reduce_budget(item: Manifest, version: str) -> DisruptionBudget:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    selector = spec.get("selector")
    labels, requirements = read_selector(selector)
    return DisruptionBudget(
        namespace=item["metadata"]["namespace"],
        name=item["metadata"]["name"],
        selector=labels,
        min_available=str(spec.get("minAvailable", "")),
        max_unavailable=str(spec.get("maxUnavailable", "")),
        disruptions_allowed=int(status.get("disruptionsAllowed") or 0),
        # An empty selector matches every pod in policy/v1 and none in v1beta1.
        selects_all=version == "v1" and selector is not None and not labels and not requirements,
        requirements=requirements,
    )


def _reduce_autoscaler(item: Manifest) -> Autoscaler:
    spec, status, meta = item["spec"], item.get("status") or {}, item["metadata"]
    target = spec["scaleTargetRef"]
    return Autoscaler(
        namespace=meta["namespace"],
        name=meta["name"],
        target=WorkloadRef(meta["namespace"], target["kind"], target["name"]),
        minimum=int(spec.get("minReplicas") or 1),
        maximum=int(spec["maxReplicas"]),
        current=int(status.get("currentReplicas") or 0),
    )


def _reduce_node(item: Manifest) -> Node:
    status = item.get("status") or {}
    room = status.get("allocatable") or {}
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
    return Node(
        name=item["metadata"]["name"],
        ready=ready,
        unschedulable=bool((item.get("spec") or {}).get("unschedulable")),
        cpu_millis=count_millicores(read_text(room, "cpu")),
        memory_bytes=count_bytes(read_text(room, "memory")),
        pods=count_bytes(read_text(room, "pods")),
    )


def _scope(base: str, namespace: str, plural: str) -> str:
    return f"{base}/namespaces/{quote(namespace)}/{plural}" if namespace else f"{base}/{plural}"


def _in(namespace: str) -> str:
    return f" in {namespace}" if namespace else ""
