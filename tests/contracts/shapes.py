"""Objects as people write them, small enough for any cluster."""

from __future__ import annotations

from typing import Any

from steps.mesh import WorkloadRef

Json = dict[str, Any]
IMAGE = "registry.k8s.io/pause:3.9"


def template(name: str, image: str = IMAGE, annotations: Json | None = None, **spec: Any) -> Json:
    """A pod template of one container."""
    metadata: Json = {"labels": {"app": name}, **({"annotations": annotations} if annotations else {})}
    return {"metadata": metadata, "spec": {"containers": [{"name": "app", "image": image}], **spec}}


def workload(kind: str, space: str, name: str = "web", pods: Json | None = None, **spec: Any) -> Json:
    """A workload of apps/v1 that selects app=NAME."""
    body = {"selector": {"matchLabels": {"app": name}}, "template": pods or template(name), **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": space}, "spec": body}


def deployment(space: str, name: str = "web", replicas: int = 2, pods: Json | None = None, **spec: Any) -> Json:
    """A Deployment."""
    return workload("Deployment", space, name, pods, replicas=replicas, **spec)


def stateful_set(space: str, name: str = "db", replicas: int = 2, **spec: Any) -> Json:
    """A StatefulSet whose pods come and go together."""
    more = {"serviceName": name, "podManagementPolicy": "Parallel", **spec}
    return workload("StatefulSet", space, name, replicas=replicas, **more)


def daemon_set(space: str, name: str = "agent", **spec: Any) -> Json:
    """A DaemonSet."""
    return workload("DaemonSet", space, name, **spec)


def replication_controller(space: str, name: str = "old", replicas: int = 2) -> Json:
    """A ReplicationController."""
    made = workload("ReplicationController", space, name, replicas=replicas)
    return {**made, "apiVersion": "v1", "spec": {**made["spec"], "selector": {"app": name}}}


def long_run(space: str, name: str = "report") -> Json:
    """A Job that runs for hours."""
    spec = {"template": template(name, restartPolicy="Never")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": space}, "spec": spec}


def bare_pod(space: str, name: str = "shell", **more: Any) -> Json:
    """A pod that nobody owns."""
    made = template(name, **more)
    metadata = {**made["metadata"], "name": name, "namespace": space}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}


def budget(space: str, app: str, name: str = "", **spec: Any) -> Json:
    """A PodDisruptionBudget for app=APP."""
    metadata = {"name": name or app, "namespace": space}
    body = {"selector": {"matchLabels": {"app": app}}, **spec}
    return {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": body}


def config(kind: str, space: str, name: str, **texts: str) -> Json:
    """A ConfigMap or a Secret."""
    held = {"stringData": texts} if kind == "Secret" else {"data": texts}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": space}, **held}


def quota(space: str, pods: int) -> Json:
    """A ResourceQuota for pods."""
    metadata = {"name": "few", "namespace": space}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": str(pods)}}}


def named(space: str, kind: str = "Deployment", name: str = "web") -> WorkloadRef:
    """The name of a workload."""
    return WorkloadRef(space, kind, name)
