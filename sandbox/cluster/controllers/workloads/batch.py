"""Jobs and CronJobs."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.workloads.replicas import PodMaker, controlled_by, itself, template_pod
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import (
    Json,
    is_pod_active,
    is_terminating,
    name_of,
    namespace_of,
    owner_reference,
    seconds_of,
    stamp,
    uid_of,
)
from sandbox.cluster.objects.schedules import read_schedule
from sandbox.cluster.server.store import Change

_KEY = "jobs.batch"
_CRON_KEY = "cronjobs.batch"


class RunsToCompletion:
    """The Job controller: as many successful pods as asked for; a deleted pod is made anew."""

    name = "job-controller"
    watches = (_KEY, "pods")

    def __init__(self, maker: PodMaker) -> None:
        self._maker = maker

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return controlled_by(change, "Job") if change.key == "pods" else itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        run = self._maker.api.store.find(_KEY, namespace, name)
        if run is None or is_terminating(run):
            return
        pods = self._maker.pods_of(run)
        succeeded = sum(1 for pod in pods if pod["status"].get("phase") == "Succeeded")
        failed = sum(1 for pod in pods if pod["status"].get("phase") == "Failed")
        active = [pod for pod in pods if is_pod_active(pod)]
        wanted = run["spec"].get("completions") or run["spec"]["parallelism"]
        done = succeeded >= wanted
        failing = failed > run["spec"]["backoffLimit"]
        if not done and not failing:
            missing = min(run["spec"]["parallelism"], wanted - succeeded) - len(active)
            for _ in range(max(missing, 0)):
                pod = template_pod(run["spec"]["template"], generateName=f"{name}-")
                if self._maker.make(self.name, run, pod, self.name) is not None:
                    break
        self._report(run, succeeded, failed, done=done, failing=failing)

    def _report(self, run: Json, succeeded: int, failed: int, *, done: bool, failing: bool) -> None:
        active = sum(1 for pod in self._maker.pods_of(run) if is_pod_active(pod))
        old = run.get("status") or {}
        now = stamp(self._maker.api.now())
        status: Json = {"startTime": old.get("startTime", now)}
        status |= {
            key: count for key, count in (("active", active), ("succeeded", succeeded), ("failed", failed)) if count
        }
        if done or failing:
            kind = "Complete" if done else "Failed"
            times = {"lastProbeTime": now, "lastTransitionTime": now}
            status["conditions"] = old.get("conditions") or [{"type": kind, "status": "True", **times}]
        if done:
            status["completionTime"] = old.get("completionTime", now)
        self._maker.api.set_status(_KEY, run, status)


class CronRuns:
    """The CronJob controller."""

    name = "cronjob-controller"
    watches = (_CRON_KEY, _KEY)

    def __init__(self, maker: PodMaker) -> None:
        self._maker = maker

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return controlled_by(change, "CronJob") if change.key == _KEY else itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        cron = self._maker.api.store.find(_CRON_KEY, namespace, name)
        if cron is None or is_terminating(cron):
            return
        now = self._maker.api.now()
        last = (cron.get("status") or {}).get("lastScheduleTime") or cron["metadata"]["creationTimestamp"]
        schedule = read_schedule(cron["spec"]["schedule"])
        due = schedule.next_after(seconds_of(last))
        if due is not None and due <= now and not cron["spec"].get("suspend"):
            self._start(cron, due)
            last, due = stamp(due), schedule.next_after(now)
        if due is not None:
            self._maker.engine.look_later(max(due - now, 1.0), self.name, namespace, name)
        cron = self._maker.api.store.find(_CRON_KEY, namespace, name) or cron
        runs = self._maker.api.store.owned_by(uid_of(cron), _KEY)
        active = [
            {"kind": "Job", "apiVersion": "batch/v1", "namespace": namespace, "name": name_of(run), "uid": uid_of(run)}
            for run in runs
            if (run.get("status") or {}).get("active")
        ]
        status = {**(cron.get("status") or {}), **({"lastScheduleTime": last} if runs else {}), "active": active}
        self._maker.api.set_status(_CRON_KEY, cron, status)

    def _start(self, cron: Json, due: float) -> None:
        template = cron["spec"]["jobTemplate"]
        metadata = {**(template.get("metadata") or {}), "name": f"{name_of(cron)}-{int(due)}"}
        metadata["ownerReferences"] = [owner_reference(cron)]
        try:
            self._maker.api.create(
                self._maker.api.resources.by_key(_KEY),
                namespace_of(cron),
                {"metadata": metadata, "spec": template["spec"]},
            )
        except ApiError as error:
            self._maker.recorder.warn(cron, "FailedCreate", f"Error creating job: {error.message}", self.name)
