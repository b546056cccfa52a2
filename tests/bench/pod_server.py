"""Serve 10,000 pods in pages: `python -m tests.bench.pod_server KUBECONFIG` writes the file, then a line."""

from __future__ import annotations

import json
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

import click

from tests.unit.bot.gateways.loopback import Loopback, Reply, Request, write_kubeconfig

COUNT = 10_000
FILL = 900


def describe_pod(number: int) -> dict[str, Any]:
    """A pod of about 10 KB as a mesh's pods are: two containers, volumes, annotations, managed fields, status."""
    name = f"web-{number:05}"
    containers = [describe_container("app", "registry.example/shop/web:1.2.3"), describe_proxy()]
    return {
        "metadata": describe_meta(name),
        "spec": {
            "containers": containers,
            "initContainers": [describe_container("istio-init", "gcr.io/gke-release/asm/proxyv2:1.4.7-asm.0")],
            "volumes": [{"name": f"volume-{n}", "configMap": {"name": f"config-{n}"}} for n in range(6)],
            "nodeName": f"node-{number % 100}",
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "PodScheduled")],
            "containerStatuses": [describe_status(container) for container in containers],
        },
    }


def describe_meta(name: str) -> dict[str, Any]:
    """Metadata of about 3 KB, half of it managed fields."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name[:-2], "uid": name[:-2], "controller": True}
    fields: dict[str, Any] = {f"f:key-{n}": {"f:inner": {"f:text": {}}} for n in range(30)}
    return {
        "name": name,
        "namespace": f"team-{name[-2:]}",
        "uid": f"uid-{name}",
        "resourceVersion": "12345",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": name[:-2], "pod-template-hash": "5bf87f5f59", "security.istio.io/tlsMode": "istio"},
        "annotations": {"sidecar.istio.io/status": "x" * FILL, "example.com/note": "y" * FILL},
        "ownerReferences": [owner],
        "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": fields}],
    }


def describe_container(name: str, image: str) -> dict[str, Any]:
    """A container with environment, mounts, resources and a probe."""
    return {
        "name": name,
        "image": image,
        "env": [{"name": f"VARIABLE_{n}", "value": "some value that is not short"} for n in range(12)],
        "volumeMounts": [{"name": f"volume-{n}", "mountPath": f"/etc/config-{n}"} for n in range(6)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 2},
    }


def describe_proxy() -> dict[str, Any]:
    """The sidecar, with its long list of arguments."""
    proxy = describe_container("istio-proxy", "gcr.io/gke-release/asm/proxyv2:1.4.7-asm.0")
    return {**proxy, "args": [f"--argument-{n}=some-value" for n in range(24)]}


def describe_status(container: dict[str, Any]) -> dict[str, Any]:
    """The status of a running container."""
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    image = container["image"]
    return {
        "name": container["name"],
        "image": image,
        "imageID": image,
        "ready": True,
        "restartCount": 0,
        "state": state,
    }


@cache
def write_pods() -> list[bytes]:
    """All pods as JSON."""
    return [json.dumps(describe_pod(number)).encode() for number in range(COUNT)]


@cache
def write_page(start: int, size: int) -> bytes:
    """One page of the list as JSON."""
    end = min(start + size, COUNT)
    meta = {"resourceVersion": "1", **({"continue": str(end)} if end < COUNT else {})}
    head = json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": meta}).removesuffix("}")
    return head.encode() + b',"items":[' + b",".join(write_pods()[start:end]) + b"]}"


def answer(request: Request) -> Reply:
    """Answer the version and the pods."""
    if request.path.rstrip("/") == "/version":
        version = dict.fromkeys(("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate"), "1")
        return Reply.of({**version, "goVersion": "1", "compiler": "gc", "platform": "linux/amd64"})
    size = int(request.query.get("limit", COUNT))
    return Reply(
        body=write_page(int(request.query.get("continue", 0)), size), headers={"Content-Type": "application/json"}
    )


if __name__ == "__main__":
    write_page(0, COUNT)
    for first in range(0, COUNT, 500):
        write_page(first, 500)
    with Loopback(answer) as server:
        path = Path(sys.argv[1])
        write_kubeconfig(path.parent, server.url).rename(path)
        click.echo(f"{len(write_page(0, COUNT)) / COUNT / 1000:.1f} KB a pod")
        threading.Event().wait()
