"""The kubelets of all nodes: pods start, become ready, crash, finish and stop, each in its time."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.nodes.disks import Disks
from sandbox.cluster.controllers.nodes.pod_status import (
    back_off,
    container_images,
    crashed,
    creating,
    finished,
    has_unmet_gate,
    restarted,
    run_seconds,
    running,
    unpullable,
    with_readiness,
)
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import (
    Json,
    is_pod_finished,
    is_pod_ready,
    is_terminating,
    name_of,
    namespace_of,
    uid_of,
)
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.events import Recorder
from sandbox.cluster.server.faults import PodFaults
from sandbox.cluster.server.store import Change


class Kubelet:
    """Drives each scheduled pod from Pending to Running, Ready and gone."""

    name = "kubelet"
    watches = ("pods",)

    def __init__(self, api: ApiServer, engine: Engine, recorder: Recorder, faults: PodFaults, pace: Pace) -> None:
        self._api = api
        self._engine = engine
        self._recorder = recorder
        self._faults = faults
        self.pace = pace
        # The transition each pod waits for, and when it is due.
        self._plans: dict[str, tuple[str, float]] = {}
        # Nodes from which nothing is heard any more, and since when.
        self.silent: dict[str, float] = {}
        self._disks = Disks(api.store, api.now)

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.type == "DELETED":
            self._plans.pop(uid_of(change.obj), None)
            if not self._hears(change.obj["spec"].get("nodeName") or ""):
                self._disks.keep(change)
            return ()
        return ((namespace_of(change.obj), name_of(change.obj)),)

    def reconcile(self, namespace: str, name: str) -> None:
        pod = self._api.store.find("pods", namespace, name)
        node = pod["spec"].get("nodeName") if pod else None
        if pod is None or not node or not self._hears(node):
            return
        if is_terminating(pod):
            self._stop(pod)
        elif is_pod_finished(pod):
            return
        elif pod["status"].get("phase") == "Running":
            self._keep_running(pod)
        elif "containerStatuses" not in pod["status"]:
            self._write(pod, creating(pod, self._api.now()))
        elif self._is_due(pod, "create", self.pace.varied(self.pace.create, pod)) and self._has_disks(pod):
            self._start(pod)

    def forget_plans(self) -> None:
        """Drop all plans (before another state is loaded)."""
        self._plans.clear()
        self._disks.clear()

    def _hears(self, node: str) -> bool:
        """Tell whether the node is there and speaks."""
        return node not in self.silent and self._api.store.find("nodes", "", node) is not None

    def _has_disks(self, pod: Json) -> bool:
        """Tell whether its disks can be attached; where not, it is said so and tried again."""
        refusal = self._disks.find_multi_attach(pod)
        if refusal:
            self._recorder.warn(pod, "FailedAttachVolume", refusal, "attachdetach-controller")
            self._engine.look_later(self.pace.pull_retry, self.name, namespace_of(pod), name_of(pod))
        return not refusal

    def _start(self, pod: Json) -> None:
        images = container_images(pod)
        if self._faults.strikes("unpullable", pod, images):
            bad = next(image for image in images if self._faults.strikes("unpullable", pod, [image]))
            self._recorder.warn(pod, "Failed", f'Failed to pull image "{bad}": not found', "kubelet")
            self._write(pod, unpullable(pod, bad))
            self._engine.look_later(self.pace.pull_retry, self.name, namespace_of(pod), name_of(pod))
            return
        self._recorder.note(pod, "Started", f"Started container {pod['spec']['containers'][-1]['name']}", "kubelet")
        self._write(pod, running(pod, self._api.now()))

    def _keep_running(self, pod: Json) -> None:
        images = container_images(pod)
        restarts = sum(row["restartCount"] for row in pod["status"]["containerStatuses"])
        if any("waiting" in row["state"] for row in pod["status"]["containerStatuses"]):
            if self._is_due(pod, f"back-off {restarts}", self._back_off(restarts)):
                self._write(pod, restarted(pod, self._api.now()))
        elif self._faults.strikes("crashing", pod, images):
            if self._is_due(pod, f"crash {restarts}", self.pace.crash):
                self._crash(pod)
        elif self._faults.strikes("never-ready", pod, images):
            bad = [image for image in images if self._faults.strikes("never-ready", pod, [image])]
            self._write(pod, with_readiness(pod, self._api.now(), unready=bad))
        elif not is_pod_ready(pod) or has_unmet_gate(pod):
            self._become_ready(pod)
        else:
            self._finish(pod)

    def _become_ready(self, pod: Json) -> None:
        if any("terminated" in row["state"] for row in pod["status"]["containerStatuses"]):
            return
        probed = any("readinessProbe" in container for container in pod["spec"]["containers"])
        delay = self.pace.varied(self.pace.ready, pod) if probed else 0.0
        if self._is_due(pod, "ready", delay):
            self._write(pod, with_readiness(pod, self._api.now()))

    def _finish(self, pod: Json) -> None:
        seconds = run_seconds(pod)
        if seconds is not None and self._is_due(pod, "run", seconds):
            self._write(pod, finished(pod, self._api.now()))

    def _crash(self, pod: Json) -> None:
        struck = [image for image in container_images(pod) if self._faults.strikes("crashing", pod, [image])]
        self._recorder.warn(pod, "BackOff", "Back-off restarting failed container", "kubelet")
        now = self._api.now()
        self._write(pod, back_off(crashed(pod, struck, now), struck))

    def _stop(self, pod: Json) -> None:
        if self._faults.strikes("stuck-terminating", pod, container_images(pod)):
            return
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
        delay = min(grace, self.pace.varied(self.pace.stop, pod))
        if self._is_due(pod, "stop", delay) and not pod["metadata"].get("finalizers") and self._may_remove(pod):
            self._plans.pop(uid_of(pod), None)
            self._api.store.remove("pods", pod)

    def _may_remove(self, pod: Json) -> bool:
        """Ask as its last deletion does; what a webhook does not let go stays terminating and is tried again."""
        try:
            self._api.admission.admit_deletion(self._api.resources.by_key("pods"), pod, dry_run=False)
        except ApiError:
            self._engine.look_later(self.pace.pull_retry, self.name, namespace_of(pod), name_of(pod))
            return False
        return True

    def _back_off(self, restarts: int) -> float:
        return float(min(self.pace.back_off * 2.0 ** max(restarts - 1, 0), self.pace.back_off_most))

    def _is_due(self, pod: Json, step: str, delay: float) -> bool:
        """Plan a transition `delay` seconds after it was first asked about, and tell whether its time has come."""
        now = self._api.now()
        planned, due = self._plans.get(uid_of(pod), ("", 0.0))
        if planned != step:
            due = now + delay
            self._plans[uid_of(pod)] = (step, due)
        if now >= due - 1e-6:
            return True
        self._engine.look_later(due - now, self.name, namespace_of(pod), name_of(pod))
        return False

    def _write(self, pod: Json, status: Json) -> None:
        self._api.set_status("pods", pod, status)
