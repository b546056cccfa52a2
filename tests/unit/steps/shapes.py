"""Pods and workloads for tests of rules, with everything but the interesting part filled in."""

from __future__ import annotations

import dataclasses
from typing import Any

from steps.contract.ledger import LedgerEntry
from steps.mesh import Namespace, Owner, Pod, Workload, WorkloadRef
from steps.phases.sidecars.flights.flight import Flight
from steps.workloads.injection import Injector
from steps.workloads.inventory import Finding, Inventory, Surroundings
from steps.workloads.method import Method
from steps.workloads.subject import Subject
from steps.workloads.waves import PlannedWorkload
from tests.unit.steps.paper_cluster import HUB, OLD, START

NEW = "1.4.10-asm.18"
WEB = WorkloadRef("shop", "Deployment", "web")


def pod(name: str = "web-1", version: str = OLD, **more: Any) -> Pod:
    """A ready pod of shop/Deployment/web with a sidecar of the version, "" for none."""
    proxy = f"{HUB}/proxyv2:{version}" if version else ""
    made = Pod(
        "shop", name, f"uid-{name}", Owner("ReplicaSet", "web-rs"), proxy, ("app:1",), 2, 2, True, "Running", False,
        START, labels={"app": "web"},
    )  # fmt: skip
    return dataclasses.replace(made, **{"is_ready": more.get("ready", 2) >= more.get("total", 2), **more})


def workload(kind: str = "Deployment", replicas: int = 3, **more: Any) -> Workload:
    """A settled workload shop/KIND/web."""
    made = Workload(
        WorkloadRef("shop", kind, "web"), "uid", "7", 1, 1, replicas, replicas, replicas, replicas, replicas,
        selector={"app": "web"}, template_labels={"app": "web"}, images={"app": "app:1"},
        current_revision="r1", update_revision="r1",
    )  # fmt: skip
    return dataclasses.replace(made, **more)


def entry(name: str = "web-1", state: str = "pending", **more: Any) -> LedgerEntry:
    """The ledger entry of pod(name)."""
    return dataclasses.replace(LedgerEntry(f"uid-{name}", "shop", name, str(WEB), state), **more)  # type: ignore[arg-type]


def surroundings(*workloads: Workload, **more: Any) -> Surroundings:
    """The injected namespace shop with these workloads."""
    made = Surroundings(
        {"shop": Namespace("shop", {"istio-injection": "enabled"})},
        {one.ref: one for one in workloads},
        Injector("enabled", HUB, NEW),
    )
    return dataclasses.replace(made, **more)


def subject(method: Method = "restart", shape: Workload | None = None, *pods: Pod, **inventory: Any) -> Subject:
    """A workload with its pods, as risks are judged."""
    ref = shape.ref if shape else WEB
    findings = tuple(Finding(one, ref, "outdated") for one in pods or (pod(),))
    around = surroundings(*([shape] if shape else []))
    return Subject(ref, method, shape, findings, Inventory(findings, around, **inventory))


def flight(*entries: LedgerEntry, method: Method = "restart", **more: Any) -> Flight:
    """A workload on its way, with these entries."""
    shape = more.get("workload")
    planned = PlannedWorkload(shape.ref if shape else WEB, method, "shop", len(entries))
    opened = tuple(one for one in entries if one.state in ("pending", "failed"))
    return Flight(planned, opened, {one.uid: one for one in entries}, **more)
