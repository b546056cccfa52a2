"""Kubelets without containers: nodes that are ready, and pods that become ready and go away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import aiohttp

from sandbox.attached.api import MERGE, Api, Json, Refused

AT_ONCE = 64
ATTEMPTS = 20
REST_SECONDS = 0.2
BEAT_SECONDS = 10.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


@dataclass
class KubeletSwitches:
    """Delays in seconds, image patterns of containers that go wrong, and the nodes that are lost."""

    ready: float = 0.2
    grace: float = 0.2
    never_ready: list[str] = field(default_factory=list)
    crashing: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Nodes:
    """The nodes of these kubelets; each takes `pods`."""

    count: int
    pods: int = 110
    prefix: str = "node"
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Json] = ()
    version: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(f"{self.prefix}-{number}" for number in range(1, self.count + 1))


class Kubelets:
    """The kubelets of some nodes; what runs on others is none of their business."""

    def __init__(self, api: Api, switches: KubeletSwitches, nodes: Nodes) -> None:
        self._api = api
        self._switches = switches
        self._nodes = nodes
        self._names = frozenset(nodes.names)
        self._at_work = asyncio.Semaphore(AT_ONCE)
        self._begun: dict[str, str] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._address = 0
        self._unheard: set[str] = set()

    async def add_nodes(self) -> None:
        """Make the nodes that are not there yet, and say of all that they are ready."""
        await asyncio.gather(*(self._add_node(name) for name in self._nodes.names))

    async def _add_node(self, name: str) -> None:
        labels = {**name_labels(name), **self._nodes.labels}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        with contextlib.suppress(Refused):
            await self._api.send("POST", "/api/v1/nodes", node)
        # Admission adds a not-ready taint at creation that nothing else might remove.
        taints = {"spec": {"taints": list(self._nodes.taints) or None}}
        await self._api.send("PATCH", f"/api/v1/nodes/{name}", taints, MERGE)
        status = {"status": describe_node(self._nodes.pods, self._nodes.version)}
        await self._api.send("PATCH", f"/api/v1/nodes/{name}/status", status, MERGE)

    async def beat(self) -> None:
        """Renew the nodes' leases for ever, or the cluster takes them for lost."""
        while True:
            heard = [name for name in self._nodes.names if name not in self._switches.lost]
            await asyncio.gather(*(self._renew(name) for name in heard))
            await asyncio.gather(*(self._come_back(name) for name in heard if name in self._unheard))
            self._unheard = set(self._switches.lost)
            await asyncio.sleep(BEAT_SECONDS)

    async def _come_back(self, name: str) -> None:
        """A node that was lost says that it is ready, and looks at its pods again."""
        await self._add_node(name)
        listed = await self._api.find(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{name}") or {}
        for pod in listed.get("items") or ():
            self._look_at(pod)
            if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]:
                self._open_gates(pod)

    async def _renew(self, name: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec}
        meta = {"name": name, "namespace": "kube-node-lease", "labels": dict(self._nodes.labels)}
        with contextlib.suppress(Refused, aiohttp.ClientError, TimeoutError):
            if await self._api.find(f"{LEASES}/{name}") is None:
                await self._api.send("POST", LEASES, {**lease, "metadata": meta})
            else:
                await self._api.send("PATCH", f"{LEASES}/{name}", {"spec": spec}, MERGE)

    async def run(self) -> None:
        """Follow all pods for ever."""
        async for pod in self._api.follow("/api/v1/pods"):
            self._look_at(pod)

    def _look_at(self, pod: Json) -> None:
        meta, spec, status = pod["metadata"], pod["spec"], pod["status"]
        if spec.get("nodeName") not in self._names or spec["nodeName"] in self._switches.lost:
            return
        if "deletionTimestamp" in meta:
            self._begin(meta["uid"], "stop", self._stop(pod))
        elif status.get("phase") == "Pending":
            self._begin(meta["uid"], "start", self._start(pod))
        elif spec.get("readinessGates"):
            self._open_gates(pod)

    def _open_gates(self, pod: Json) -> None:
        """Where the gates say something else than the Ready condition does, that is written anew."""
        rows = {row["type"]: row for row in pod["status"].get("conditions") or ()}
        row = describe_readiness(pod, rows.get("ContainersReady", {}).get("status") == "True")
        if rows.get("Ready", {}).get("status") != row["status"]:
            others = [other for kind, other in rows.items() if kind != "Ready"]
            body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": {"conditions": [*others, row]}}
            self._work(self._send("PATCH", f"{path_of(pod)}/status", body, MERGE))

    def _begin(self, uid: str, what: str, work: object) -> None:
        assert asyncio.iscoroutine(work)
        if self._begun.get(uid) in (what, "stop"):
            work.close()
            return
        self._begun[uid] = what
        self._work(work)

    def _work(self, work: object) -> None:
        running = asyncio.ensure_future(self._work_on(work))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _work_on(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        await work

    async def _start(self, pod: Json) -> None:
        await asyncio.sleep(self._switches.ready)
        if self._begun.get(pod["metadata"]["uid"]) == "stop":
            return
        self._address += 1
        status = describe_pod(pod, self._address, self._switches)
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self._send("PATCH", f"{path_of(pod)}/status", body, MERGE)

    async def _stop(self, pod: Json) -> None:
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        await asyncio.sleep(min(self._switches.grace, 30 if grace is None else grace))
        # With the uid, for a StatefulSet's next pod bears the same name.
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        await self._send("DELETE", path_of(pod), options)
        self._begun.pop(pod["metadata"]["uid"], None)

    async def _send(self, method: str, path: str, body: Json, kind: str = "") -> None:
        async with self._at_work:
            for _ in range(ATTEMPTS):
                try:
                    await self._api.send(method, path, body, kind)
                except Refused as error:
                    if error.status < 500:  # gone, replaced or changed meanwhile: the next event tells
                        return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                else:
                    return
                await asyncio.sleep(REST_SECONDS)


def path_of(pod: Json) -> str:
    """The path of a pod."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def name_labels(name: str) -> Json:
    """The labels that every node has."""
    return {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}


def describe_node(pods: int, version: str = "") -> Json:
    """The status of a ready node with plenty of room."""
    room = {"cpu": "1000", "memory": "4Ti", "pods": str(pods)}
    condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": _now()}
    told = {"nodeInfo": describe_software(version)} if version else {}
    return {"capacity": room, "allocatable": room, "conditions": [condition], **told}


def describe_software(version: str) -> Json:
    """What a node says it runs."""
    names = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion")
    kept = dict.fromkeys(names, "none")
    return {**kept, "kubeletVersion": version, "kubeProxyVersion": version, "operatingSystem": "linux",
            "architecture": "amd64"}  # fmt: skip


def describe_pod(pod: Json, number: int, switches: KubeletSwitches) -> Json:
    """The status of a pod whose containers run, or go wrong where a switch says so."""
    rows = [describe_container(container, switches) for container in pod["spec"]["containers"]]
    ready = all(row["ready"] for row in rows)
    # Of the range for benchmarks (RFC 2544), which nobody routes.
    address = f"198.{18 + number // 62500 % 2}.{number // 250 % 250}.{number % 250 + 1}"
    conditions = [
        {"type": kind, "status": "True" if good else "False", "lastTransitionTime": _now()}
        for kind, good in (("Initialized", True), ("ContainersReady", ready), ("PodScheduled", True))
    ]
    conditions.append(describe_readiness(pod, ready))
    return {
        "phase": "Running", "startTime": _now(), "hostIP": "10.128.0.1", "podIP": address,
        "podIPs": [{"ip": address}], "conditions": conditions, "containerStatuses": rows,
    }  # fmt: skip


def describe_readiness(pod: Json, containers_ready: bool) -> Json:
    """The Ready condition: the containers and every readiness gate (source: kubelet/status/generate.go)."""
    held = {row["type"]: row["status"] for row in (pod.get("status") or {}).get("conditions") or ()}
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
    shut = [gate for gate in gates if held.get(gate) != "True"]
    row = {"type": "Ready", "status": "True" if containers_ready and not shut else "False"}
    if containers_ready and shut:
        row["reason"] = "ReadinessGatesNotReady"
        row["message"] = ", ".join(
            f'the status of pod readiness gate "{gate}" is not "True", but {held[gate]}' if gate in held
            else f'corresponding condition of pod readiness gate "{gate}" does not exist.'
            for gate in shut
        )  # fmt: skip
    return {**row, "lastTransitionTime": _now()}


def describe_container(container: Json, switches: KubeletSwitches) -> Json:
    """The status of one container."""
    image = container["image"]
    row = {"name": container["name"], "image": image, "imageID": f"docker://{image}", "restartCount": 0}
    if _is_one_of(image, switches.crashing):
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
        ended = {"exitCode": 1, "reason": "Error", "startedAt": _now(), "finishedAt": _now()}
        return row | {
            "ready": False, "started": False, "restartCount": 1, "state": {"waiting": waiting},
            "lastState": {"terminated": ended},
        }  # fmt: skip
    ready = not _is_one_of(image, switches.never_ready)
    return row | {"ready": ready, "started": True, "state": {"running": {"startedAt": _now()}}}


def _is_one_of(image: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(image, pattern) for pattern in patterns)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
