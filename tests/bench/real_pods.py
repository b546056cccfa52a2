"""10,000 running pods of about 4 KB on a real control plane."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from sandbox.attached.access import read_access
from sandbox.attached.api import Api
from tests.bench.pod_readers import COUNT
from tests.realcluster.control_plane import ControlPlane, FleetSettings

SPACES = 20
FLEET = FleetSettings(nodes=40, pods_per_node=300, ready=0.0)
AT_ONCE = 32
FILL = 40
PATIENCE = 300.0

Json = dict[str, Any]


def fill(plane: ControlPlane) -> float:
    """Create the pods, wait until all of them run, and return their mean size in bytes."""
    return asyncio.run(_fill(plane))


async def _fill(plane: ControlPlane) -> float:
    async with Api(read_access(plane.kubeconfig)) as api:
        for number in range(SPACES):
            name = {"name": name_space(number)}
            await api.send("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": name})
        numbers = iter(range(COUNT))
        await asyncio.gather(*(_create_some(api, numbers) for _ in range(AT_ONCE)))
        async with asyncio.timeout(PATIENCE):
            await _wait_until_running(api)
        page = await api.send("GET", "/api/v1/pods?limit=500")
        return len(json.dumps(page["items"], separators=(",", ":"))) / len(page["items"])


async def _create_some(api: Api, numbers: Iterator[int]) -> None:
    for number in numbers:
        await api.send("POST", f"/api/v1/namespaces/{name_space(number % SPACES)}/pods", describe_pod(number))


async def _wait_until_running(api: Api) -> None:
    # From the API server's cache, or it would read all pods from etcd to find none.
    pending = "/api/v1/pods?fieldSelector=status.phase%3DPending&resourceVersion=0"
    while True:
        with contextlib.suppress(TimeoutError):  # of one request, on a machine that is busy filling
            if not (await api.send("GET", pending))["items"]:
                return
        await asyncio.sleep(3)


def name_space(number: int) -> str:
    """One of the namespaces."""
    return f"team-{number}"


def describe_pod(number: int) -> Json:
    """An injected pod on a node, as far as 4 KB go: the API server adds defaults, managed fields and the status."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"web-{number // 100}", "controller": True}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": f"web-{number:05}",
            "labels": {"app": "web", "pod-template-hash": "5bf87f5f59"},
            "annotations": {"sidecar.istio.io/status": "x" * FILL},
            "ownerReferences": [{**owner, "uid": f"uid-{number // 100}"}],
        },
        "spec": {
            "nodeName": f"node-{number % FLEET.nodes + 1}",
            "containers": [
                {"name": "app", "image": "registry.example/shop/web:1.2.3", "ports": [{"containerPort": 8080}]},
                {"name": "istio-proxy", "image": "gcr.io/gke-release/asm/proxyv2:1.4.7-asm.0",
                 "args": [f"--argument-{n}=value" for n in range(4)]},
            ],
        },
    }  # fmt: skip
