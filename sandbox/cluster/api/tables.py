"""Server-side tables: the columns `kubectl get` prints (source: 1.16's printers/internalversion)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.cluster.api.table_cells import (
    budget_cells,
    cron_cells,
    daemon_cells,
    deployment_cells,
    event_cells,
    node_cells,
    pod_cells,
    rc_cells,
    run_cells,
    scaler_cells,
    service_cells,
    short_duration,
    stateful_cells,
)
from sandbox.cluster.objects.objects import Json, name_of, seconds_of
from sandbox.cluster.objects.resources import Resource

Cells = Callable[[Json, float], list[Any]]


@dataclass(frozen=True)
class Column:
    """A column; those with priority above 0 are for -o wide."""

    name: str
    kind: str = "string"
    priority: int = 0

    def definition(self) -> Json:
        """Return the column as it stands in a Table."""
        shape = "name" if self.name == "Name" else ""
        return {"name": self.name, "type": self.kind, "format": shape, "description": "", "priority": self.priority}


def _columns(names: str) -> tuple[Column, ...]:
    """Parse "Name, Ready:integer, IP+": a type after a colon, + for -o wide."""
    made = []
    for written in names.split(", "):
        name, _, kind = written.partition(":")
        made.append(Column(name.rstrip("+"), kind or "string", 1 if name.endswith("+") else 0))
    return tuple(made)


def _age(obj: Json, now: float) -> str:
    born = obj["metadata"].get("creationTimestamp")
    return short_duration(now - seconds_of(born)) if born else "<unknown>"


def _named(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), _age(obj, now)]


def _created(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), obj["metadata"].get("creationTimestamp", "")]


def _phase(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), (obj.get("status") or {}).get("phase", ""), _age(obj, now)]


def _counted(field: str) -> Cells:
    return lambda obj, now: [name_of(obj), len(obj.get(field) or ()), _age(obj, now)]


def _endpoint_cells(obj: Json, now: float) -> list[Any]:
    shown = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    more = f" + {len(shown) - 3} more..." if len(shown) > 3 else ""
    return [name_of(obj), (",".join(shown[:3]) + more) or "<none>", _age(obj, now)]


def _secret_cells(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), obj.get("type", ""), len(obj.get("data") or ()), _age(obj, now)]


def _binding_cells(obj: Json, now: float) -> list[Any]:
    role = obj.get("roleRef") or {}
    return [name_of(obj), f"{role.get('kind')}/{role.get('name')}", _age(obj, now)]


_NAMED = _columns("Name, Age")
_TABLES: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "pods": (_columns("Name, Ready, Status, Restarts:integer, Age, IP+, Node+, Nominated Node+, Readiness Gates+"),
             pod_cells),
    "nodes": (_columns("Name, Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, "
                       "Container-Runtime+"), node_cells),
    "namespaces": (_columns("Name, Status, Age"), _phase),
    "services": (_columns("Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector+"), service_cells),
    "endpoints": (_columns("Name, Endpoints, Age"), _endpoint_cells),
    "configmaps": (_columns("Name, Data:integer, Age"), _counted("data")),
    "secrets": (_columns("Name, Type, Data:integer, Age"), _secret_cells),
    "serviceaccounts": (_columns("Name, Secrets:integer, Age"), _counted("secrets")),
    "events": (_columns("Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+"),
               event_cells),
    "replicationcontrollers": (_columns("Name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, "
                                        "Images+, Selector+"), rc_cells),
    "replicasets.apps": (_columns("Name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, Images+, "
                                  "Selector+"), rc_cells),
    "deployments.apps": (_columns("Name, Ready, Up-to-date, Available, Age, Containers+, Images+, "
                                  "Selector+"), deployment_cells),
    "statefulsets.apps": (_columns("Name, Ready, Age, Containers+, Images+"), stateful_cells),
    "daemonsets.apps": (_columns("Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, "
                                 "Available:integer, Node Selector, Age, Containers+, Images+, Selector+"),
                        daemon_cells),
    "jobs.batch": (_columns("Name, Completions, Duration, Age, Containers+, Images+, Selector+"), run_cells),
    "cronjobs.batch": (_columns("Name, Schedule, Suspend, Active:integer, Last Schedule, Age"), cron_cells),
    "horizontalpodautoscalers.autoscaling": (_columns("Name, Reference, Targets, MinPods, MaxPods:integer, "
                                                      "Replicas:integer, Age"), scaler_cells),
    "poddisruptionbudgets.policy": (_columns("Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age"),
                                    budget_cells),
    "clusterroles.rbac.authorization.k8s.io": (_columns("Name, Created At"), _created),
    "clusterrolebindings.rbac.authorization.k8s.io": (_columns("Name, Role, Age"), _binding_cells),
    "rolebindings.rbac.authorization.k8s.io": (_columns("Name, Role, Age"), _binding_cells),
    "customresourcedefinitions.apiextensions.k8s.io": (_columns("Name, Created At:date"), _created),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (_columns("Name, Webhooks:integer, Age"),
                                                                   _counted("webhooks")),
}  # fmt: skip


def table_of(resource: Resource, objects: list[Json], now: float, include: str, version: str = "v1") -> Json:
    """Return a Table of objects. `include` says what each row's object holds: None, Metadata or Object."""
    columns, cells = _TABLES.get(resource.key) or _custom_table(resource)
    return {
        "kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": {},
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [_row(obj, _cells(columns, cells, obj, now), include, version) for obj in objects],
    }  # fmt: skip


def _cells(columns: tuple[Column, ...], cells: Cells, obj: Json, now: float) -> list[Any]:
    """Return a row's cells; an odd object shows its name alone, and the others stay readable."""
    try:
        return cells(obj, now)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return [name_of(obj), *("<unknown>" for _ in columns[1:])]


def _row(obj: Json, cells: list[Any], include: str, version: str) -> Json:
    if include == "None":
        return {"cells": cells, "object": None}
    if include == "Object":
        return {"cells": cells, "object": obj}
    api = f"meta.k8s.io/{version}"
    return {"cells": cells, "object": {"kind": "PartialObjectMetadata", "apiVersion": api, "metadata": obj["metadata"]}}


def _custom_table(resource: Resource) -> tuple[tuple[Column, ...], Cells]:
    if not resource.columns:
        return _NAMED, _named
    columns = [Column("Name"), *(Column(name, kind) for name, kind, _ in resource.columns)]
    dated = any(path == ".metadata.creationTimestamp" for _, _, path in resource.columns)
    if not dated:
        columns.append(Column("Age"))

    def cells(obj: Json, now: float) -> list[Any]:
        shown = [_look(obj, path, kind, now) for _, kind, path in resource.columns]
        return [name_of(obj), *shown, *([] if dated else [_age(obj, now)])]

    return tuple(columns), cells


def _look(obj: Json, path: str, kind: str, now: float) -> Any:
    found: Any = obj
    for step in path.strip(".").split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if kind == "date" and isinstance(found, str):
        return short_duration(now - seconds_of(found))
    return found
