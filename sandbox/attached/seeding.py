"""Puts the demo into a cluster and takes it out again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from urllib.parse import urlencode

from sandbox.attached.account import ACCOUNT
from sandbox.attached.api import Api, Json, Refused
from sandbox.attached.demo import (
    OWN_NAMESPACE,
    SELECTOR,
    describe_mesh,
    describe_namespace,
    describe_placement,
    describe_workloads,
    list_namespaces,
)
from sandbox.attached.injector import REGISTRATIONS
from sandbox.cluster.mesh.values import NAMESPACE
from sandbox.cluster.server.injection import CONFIG_NAME

SERVED_SECONDS = 30.0
CALM_SECONDS = 180.0
GONE_SECONDS = 180.0
REST_SECONDS = 0.2
ROLES = "/apis/rbac.authorization.k8s.io/v1"
# What the demo makes outside of namespaces, in the order of its removal; namespaces and what is in them go first.
WIDE = (
    f"{ROLES}/clusterrolebindings",
    f"{ROLES}/clusterroles",
    "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions",
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
    "/api/v1/nodes",
)


async def seed(api: Api, url: str, ca_bundle: str) -> None:
    """Create what is missing of the demo and wait until all of it runs. Raises ValueError and Refused."""
    await create_missing(api, [describe_namespace(OWN_NAMESPACE)])
    await replace(api, describe_placement(f"{url}/place", ca_bundle))
    await create_missing(api, describe_mesh())
    await _until(partial(_has_injector, api), CALM_SECONDS, "the injector's pod does not become ready")
    await create_missing(api, describe_workloads())
    await _until(partial(_is_all_calm, api), CALM_SECONDS, "the demo's pods do not all become ready")


async def create_missing(api: Api, objects: Iterable[Json]) -> None:
    """Create objects and leave alone those that are there; a kind defined just now may take a moment."""
    for made in objects:
        what = f"{made['kind']} {made['metadata']['name']} can't be created"
        await _until(partial(_create, api, made), SERVED_SECONDS, what)


async def replace(api: Api, made: Json) -> None:
    """Recreate an object: the earlier one had another address."""
    await api.delete(f"{await api.find_collection(made)}/{made['metadata']['name']}")
    await create_missing(api, [made])


async def remove(api: Api) -> None:
    """Delete everything that bears the demo's label, and wait until its namespaces are gone. Raises ValueError."""
    for found in await api.list_marked(REGISTRATIONS, SELECTOR):
        await api.delete(f"{REGISTRATIONS}/{found['metadata']['name']}")
    await _remove_bindings(api)
    spaces = [found["metadata"]["name"] for found in await api.list_marked("/api/v1/namespaces", SELECTOR)]
    for name in spaces:
        await api.delete(f"/api/v1/namespaces/{name}")
    await _until(partial(_is_empty, api), GONE_SECONDS, f"the namespaces {', '.join(spaces)} are not gone")
    for path in WIDE:
        for found in await api.list_marked(path, SELECTOR):
            await api.delete(f"{path}/{found['metadata']['name']}")


async def _create(api: Api, made: Json) -> bool:
    path = await api.find_collection(made)
    if path is None:
        return False
    try:
        await api.send("POST", path, made)
    except Refused as error:
        # 404: the kind, or its namespace, is not there yet; 500: a webhook that is not ready yet.
        if error.status not in (404, 409, 500):
            raise
        return error.status == 409
    return True


async def _remove_bindings(api: Api) -> None:
    """The bot gives itself rights by bindings that bear no label: they are known by their subject."""
    for found in (await api.send("GET", f"{ROLES}/clusterrolebindings"))["items"]:
        names = {str(subject.get("name", "")) for subject in found.get("subjects") or ()}
        if names == {ACCOUNT}:
            await api.delete(f"{ROLES}/clusterrolebindings/{found['metadata']['name']}")


async def _is_empty(api: Api) -> bool:
    return not await api.list_marked("/api/v1/namespaces", SELECTOR)


async def _has_injector(api: Api) -> bool:
    path = f"/api/v1/namespaces/{NAMESPACE}/endpoints/istio-sidecar-injector"
    ready = any(part.get("addresses") for part in (await api.find(path) or {}).get("subsets") or ())
    hooks = (await api.find(f"{REGISTRATIONS}/{CONFIG_NAME}") or {}).get("webhooks") or []
    return ready and all(hook["clientConfig"].get("caBundle") for hook in hooks)


async def _is_all_calm(api: Api) -> bool:
    return all([await _is_calm(api, name) for name in list_namespaces()])


async def _is_calm(api: Api, namespace: str) -> bool:
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    for plural in ("deployments", "statefulsets", "daemonsets"):
        for found in (await api.send("GET", f"{apps}/{plural}"))["items"]:
            status = found["status"]
            wanted = status.get("desiredNumberScheduled", found["spec"].get("replicas"))
            ready = status.get("numberReady", status.get("readyReplicas", 0))
            seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            if not (seen and wanted is not None and ready >= wanted):
                return False
    query = urlencode({"fieldSelector": "status.phase=Pending"})
    return not (await api.send("GET", f"/api/v1/namespaces/{namespace}/pods?{query}"))["items"]


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Wait until a condition holds. Raises ValueError that says what was not reached."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await holds():
                    return
                await asyncio.sleep(REST_SECONDS)
    except TimeoutError:
        raise ValueError(f"{what} within {seconds:g} s") from None
