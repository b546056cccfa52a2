"""The objects of cluster-x beside its mesh: nodes, workloads, policies, default roles."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.default_roles import list_default_roles

# name, replicas
SHOP_WORKLOADS = (
    ("web", 10), ("cart", 5), ("checkout", 8), ("catalog", 8), ("payments", 5), ("shipping", 4), ("recommendations", 6),
    ("emails", 3),
)  # fmt: skip
_ROLES_API = "rbac.authorization.k8s.io/v1"


def node(number: int, server_version: str) -> Json:
    """Return an e2-standard-4 node."""
    name = f"gke-cluster-x-default-pool-5f3c-{number:04d}"
    room = {"cpu": "3920m", "memory": "12698120Ki", "pods": "110"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    times = {"lastHeartbeatTime": "2020-11-13T09:22:07Z", "lastTransitionTime": "2020-11-13T09:22:07Z"}
    info = {
        "kubeletVersion": server_version, "kubeProxyVersion": server_version, "osImage": "Container-Optimized OS",
        "kernelVersion": "4.19.112+", "containerRuntimeVersion": "docker://19.3.6", "operatingSystem": "linux",
        "architecture": "amd64", "machineID": f"{number:032d}", "systemUUID": f"{number:032d}",
        "bootID": f"{number:032d}",
    }  # fmt: skip
    addresses = [{"type": "InternalIP", "address": f"10.128.0.{number}"}, {"type": "Hostname", "address": name}]
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
        "cloud.google.com/gke-nodepool": "default-pool",
        "beta.kubernetes.io/instance-type": "e2-standard-4", "failure-domain.beta.kubernetes.io/zone": "us-central1-a",
        "iam.gke.io/gke-metadata-server-enabled": "true",
    }  # fmt: skip
    status = {
        "allocatable": room, "capacity": {**room, "cpu": "4", "memory": "16393064Ki"},
        "conditions": [{**ready, **times}], "nodeInfo": info, "addresses": addresses,
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": status,
    }


def namespace(name: str, *, injected: bool = False) -> Json:
    """Return a namespace, with or without automatic injection."""
    labels = {"istio-injection": "enabled"} if injected else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def deployment(space: str, name: str, replicas: int) -> Json:
    """Return a Deployment that rolls with the defaults, or one pod at a time where it is small."""
    spec: Json = {"replicas": replicas, "selector": _selector(name), "template": _template(name)}
    return _workload("apps/v1", "Deployment", space, name, spec)


def stateful_set(space: str, name: str, replicas: int) -> Json:
    """Return a StatefulSet with ordered pods."""
    spec = {"replicas": replicas, "serviceName": name, "selector": _selector(name), "template": _template(name)}
    return _workload("apps/v1", "StatefulSet", space, name, spec)


def daemon_set(space: str, name: str) -> Json:
    """Return a DaemonSet."""
    return _workload("apps/v1", "DaemonSet", space, name, {"selector": _selector(name), "template": _template(name)})


def run_to_completion(space: str, name: str) -> Json:
    """Return a Job that takes six hours."""
    template = _template(name, probe=False)
    template["spec"] |= {"restartPolicy": "Never"}
    template["spec"]["containers"][0]["command"] = ["sleep", "21600"]
    return _workload("batch/v1", "Job", space, name, {"template": template})


def pod(space: str, name: str) -> Json:
    """Return a pod that nobody owns."""
    body = _template(name, probe=False)
    metadata = {"name": name, "namespace": space, "labels": body["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body["spec"]}


def service(space: str, name: str) -> Json:
    """Return the Service of a workload."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return _workload("v1", "Service", space, name, {"selector": {"app": name}, "ports": ports})


def budget(space: str, name: str, *, min_available: int) -> Json:
    """Return the PodDisruptionBudget of a workload."""
    spec = {"minAvailable": min_available, "selector": _selector(name)}
    return _workload("policy/v1beta1", "PodDisruptionBudget", space, name, spec)


def policies() -> list[Json]:
    """Return two AuthorizationPolicies: one that will work on, and one that names a trust domain of another mesh."""
    healthy = ["cluster.local/ns/shop/sa/web", "example-project.svc.id.goog/ns/shop/sa/cart"]
    stale = ["old-project.svc.id.goog/ns/shop/sa/web"]
    return [_policy("checkout-callers", "checkout", healthy), _policy("payments-callers", "payments", stale)]


def cluster_role(name: str) -> Json:
    """Return a role that reads everything."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    return {"apiVersion": _ROLES_API, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def rbac_defaults() -> list[Json]:
    """Return the roles that every cluster has, and who has them."""
    return list_default_roles()


def api_service() -> Json:
    """Return the Service of the API server itself."""
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}]
    labels = {"component": "apiserver", "provider": "kubernetes"}
    metadata = {"name": "kubernetes", "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}}


def _policy(name: str, app: str, principals: list[str]) -> Json:
    rule = {"from": [{"source": {"principals": principals}}], "to": [{"operation": {"methods": ["GET", "POST"]}}]}
    spec = {"selector": {"matchLabels": {"app": app}}, "rules": [rule]}
    return _workload("security.istio.io/v1beta1", "AuthorizationPolicy", "shop", name, spec)


def _workload(api: str, kind: str, space: str, name: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": space, "labels": {"app": name}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def _selector(name: str) -> Json:
    return {"matchLabels": {"app": name}}


def _template(name: str, *, probe: bool = True) -> Json:
    container: dict[str, Any] = {
        "name": name, "image": f"gcr.io/example-project/{name}:2.3.1", "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }  # fmt: skip
    if probe:
        container["readinessProbe"] = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
