"""scale, eviction, log, binding and token. What this server does not play (exec) it refuses."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.api.answers import Answer
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.objects.errors import ApiError, bad_request, conflict, method_not_allowed
from sandbox.cluster.objects.objects import Json, name_of, namespace_of
from sandbox.cluster.objects.patches import apply_patch
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.evictions import evict_pod


def answer_subresource(api: ApiServer, request: ApiRequest) -> Answer:
    """Answer a request for a subresource other than status. Raises ApiError."""
    target = request.target
    obj = api.get(target.resource, target.namespace, target.name)
    match target.subresource:
        case "scale":
            return _scale(api, request, obj)
        case "eviction":
            if request.verb != "create":
                raise method_not_allowed()
            return Answer(evict_pod(api, obj, request.object_body(), dry_run=request.dry_run), 201)
        case "log":
            return Answer(text=_log(request, obj))
        case "binding":
            return _bind(api, request, obj)
        case other:
            raise ApiError(
                501, "NotImplemented", f"the simulated cluster does not play {target.resource.plural}/{other}"
            )


def _scale(api: ApiServer, request: ApiRequest, obj: Json) -> Answer:
    resource = request.target.resource
    if request.verb == "get":
        return Answer(_scale_of(obj))
    if request.verb not in ("update", "patch"):
        raise method_not_allowed()
    wanted = _scale_of(obj)
    if request.verb == "patch":
        wanted = apply_patch(wanted, request.body, request.content_type)
    else:
        wanted = request.object_body()
    revision = (wanted.get("metadata") or {}).get("resourceVersion")
    if revision and revision != obj["metadata"]["resourceVersion"]:
        raise conflict(resource.plural, resource.group, name_of(obj), "the object has been modified")
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    body = {"spec": {"replicas": replicas}}
    patched = api.patch(
        resource, namespace_of(obj), name_of(obj), body, "application/merge-patch+json", dry_run=request.dry_run
    )
    return Answer(_scale_of(patched))


def _scale_of(obj: Json) -> Json:
    selector: Any = obj["spec"].get("selector") or {}
    labels = selector.get("matchLabels", selector if "matchExpressions" not in selector else {})
    metadata = {
        name: obj["metadata"][name]
        for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if name in obj["metadata"]
    }
    status = {
        "replicas": (obj.get("status") or {}).get("replicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
    }
    spec = {"replicas": obj["spec"].get("replicas", 0)}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def _log(request: ApiRequest, pod: Json) -> str:
    names = [row["name"] for row in pod["spec"]["containers"]]
    chosen = request.query.get("container", names[0] if len(names) == 1 else "")
    if not chosen:
        listed = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {name_of(pod)}, choose one of: [{listed}]")
    if chosen not in names:
        raise bad_request(f"container {chosen} is not valid for pod {name_of(pod)}")
    started = pod["status"].get("startTime", "")
    return f"{started} simulated container {chosen} of {namespace_of(pod)}/{name_of(pod)}\n"


def _bind(api: ApiServer, request: ApiRequest, pod: Json) -> Answer:
    node = str((request.object_body().get("target") or {}).get("name", ""))
    if pod["spec"].get("nodeName"):
        why = f"pod {name_of(pod)} is already assigned to node {pod['spec']['nodeName']}"
        raise conflict("pods/binding", "", name_of(pod), why)
    api.store.put("pods", {**pod, "spec": {**pod["spec"], "nodeName": node}})
    return Answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
