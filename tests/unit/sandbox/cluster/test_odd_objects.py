"""One odd object never stops the cluster: it is refused, or lived with, and the others go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.cluster.api.tables import table_of
from sandbox.cluster.objects.errors import ApiError
from tests.unit.sandbox.cluster.yard import Json, Yard, bare_pod, budget, make_yard, template, workload

JOB: Json = {"template": {"spec": {**template("odd")["spec"], "restartPolicy": "Never"}}}


def cron(schedule: Any) -> Json:
    metadata = {"name": "odd", "namespace": "shop"}
    spec = {"schedule": schedule, "jobTemplate": {"spec": JOB}}
    return {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": metadata, "spec": spec}


def sleeper(*command: Any) -> Json:
    pod = bare_pod("odd", restartPolicy="Never")
    pod["spec"]["containers"][0]["command"] = list(command)
    return pod


def asking(**resources: Any) -> Json:
    pod = bare_pod("odd")
    pod["spec"]["containers"][0]["resources"] = resources
    return pod


def scaler(**spec: Any) -> Json:
    metadata = {"name": "odd", "namespace": "shop"}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"scaleTargetRef": target, "maxReplicas": 3, **spec}
    return {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": body}


def service(**spec: Any) -> Json:
    metadata = {"name": "odd", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def strategy(**rolling: Any) -> Json:
    return workload("Deployment", "odd", strategy={"type": "RollingUpdate", "rollingUpdate": rolling})


ODD: dict[str, Json] = {
    "cron @hourly": cron("@hourly"),
    "cron office hours": cron("0 9-17 * * *"),
    "cron names": cron("30 4 1,15 JAN-JUN MON"),
    "cron steps of a range": cron("1-59/2 * * * *"),
    "cron every": cron("@every 1h30m"),
    "cron never": cron("0 0 31 2 *"),
    "cron words": cron("now and then"),
    "cron empty": cron(""),
    "cron number": cron(5),
    "cron zero steps": cron("*/0 * * * *"),
    "sleep 5m": sleeper("sleep", "5m"),
    "sleep infinity": sleeper("sleep", "infinity"),
    "sleep a while": sleeper("sleep", "a while"),
    "sleep number": sleeper("sleep", 5),
    "replicas null": workload("Deployment", "odd", replicas=None),
    "replicas three": workload("Deployment", "odd", replicas="three"),
    "replicas 1.5": workload("ReplicaSet", "odd", replicas=1.5),
    "replicas list": workload("StatefulSet", "odd", replicas=[1]),
    "surge lots": strategy(maxSurge="lots"),
    "surge percent of what": strategy(maxSurge="%"),
    "surge null": strategy(maxSurge=None, maxUnavailable=None),
    "surge nothing": strategy(maxSurge=0, maxUnavailable=0),
    "strategy of another kind": workload("Deployment", "odd", strategy={"type": "Sometimes"}),
    "strategy null": workload("Deployment", "odd", strategy=None),
    "daemons lots": workload("DaemonSet", "odd", updateStrategy={"rollingUpdate": {"maxUnavailable": "lots"}}),
    "partition words": workload("StatefulSet", "odd", updateStrategy={"rollingUpdate": {"partition": "half"}}),
    "disks words": workload("StatefulSet", "odd", volumeClaimTemplates="data"),
    "disks null": workload("StatefulSet", "odd", volumeClaimTemplates=None),
    "disk without a name": workload("StatefulSet", "odd", volumeClaimTemplates=[{"spec": {}}]),
    "disk without a spec": workload("StatefulSet", "odd", volumeClaimTemplates=[{"metadata": {"name": "data"}}]),
    "disk for whom": workload(
        "StatefulSet", "odd", volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {"accessModes": "all"}}]
    ),
    "selector operator": workload("Deployment", "odd", selector={"matchExpressions": [{"key": "a", "operator": "Is"}]}),
    "selector list": workload("Deployment", "odd", selector=["app"]),
    "template null": workload("Deployment", "odd", template=None),
    "spec null": {**workload("Deployment", "odd"), "spec": None},
    "spec list": {**workload("Deployment", "odd"), "spec": []},
    "containers null": workload("Deployment", "odd", template={"metadata": {"labels": {"app": "odd"}}, "spec": {}}),
    "history words": workload("Deployment", "odd", revisionHistoryLimit="all"),
    "deadline words": workload("Deployment", "odd", progressDeadlineSeconds="soon"),
    "min ready words": workload("ReplicaSet", "odd", minReadySeconds="long"),
    "budget words": budget("odd", minAvailable="most"),
    "budget of nothing": budget("odd", minAvailable=1, selector=None),
    "cpu lots": asking(requests={"cpu": "lots"}),
    "requests list": asking(requests=["cpu"]),
    "grace words": bare_pod("odd", terminationGracePeriodSeconds="long"),
    "restart policy": bare_pod("odd", restartPolicy="Maybe"),
    "node selector list": bare_pod("odd", nodeSelector=["fast"]),
    "affinity words": bare_pod("odd", affinity="near"),
    "tolerations words": bare_pod("odd", tolerations="all"),
    "job completions words": {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "odd", "namespace": "shop"},
        "spec": {**JOB, "completions": "all"},
    },
    "scaler words": scaler(minReplicas="few"),
    "scaler without target": scaler(scaleTargetRef=None),
    "service type": service(type="Loud", ports=[{"port": 80}]),
    "service port": service(ports=[{"port": "http"}]),
    "service ports words": service(ports="80"),
    "service without spec": service(),
    "labels list": {**bare_pod("odd"), "metadata": {"name": "odd", "namespace": "shop", "labels": ["a"]}},
    "label number": {**bare_pod("odd"), "metadata": {"name": "odd", "namespace": "shop", "labels": {"a": 1}}},
    "owners words": {**bare_pod("odd"), "metadata": {"name": "odd", "namespace": "shop", "ownerReferences": "me"}},
    "quota words": {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "odd", "namespace": "shop"},
        "spec": {"hard": {"pods": "few"}},
    },
}  # fmt: skip


def tables(yard: Yard) -> None:
    """Every kind's table can be read, as `kubectl get` does it."""
    for resource in yard.cluster.resources.all():
        table_of(resource, list(yard.cluster.store.each(resource.key)), yard.clock.now, "Object")


def goes_on(yard: Yard, name: str) -> None:
    """A Deployment of somebody else comes up."""
    yard.create(workload("Deployment", name, replicas=2))
    yard.stumble(200)
    assert yard.get("deployments.apps", name)["status"]["readyReplicas"] == 2
    tables(yard)


@pytest.mark.parametrize("case", ODD)
def test_an_odd_object_is_refused_or_lived_with(case: str) -> None:
    """No controller stumbles over it, the others go on, also after a restart."""
    yard = make_yard()
    refusals = []
    try:
        yard.create(json.loads(json.dumps(ODD[case])))
    except ApiError as error:
        refusals.append(error)
    assert all(400 <= error.code < 500 and len(error.message.split()) > 4 for error in refusals)
    goes_on(yard, "web")
    assert yard.cluster.engine.faults == {}
    again = make_yard()
    again.clock.now = yard.clock.now
    again.cluster.restore(json.loads(json.dumps(yard.cluster.snapshot())))
    goes_on(again, "later")
    assert again.cluster.engine.faults == {}


@pytest.mark.parametrize("case", ODD)
def test_what_is_kept_already_stops_nobody(case: str) -> None:
    """An object that an earlier sandbox let in is stumbled over alone, is told, and is let go when it is mended."""
    yard = make_yard()
    obj = json.loads(json.dumps(ODD[case]))
    resource = yard.cluster.resources.of_kind(obj["apiVersion"].rpartition("/")[0], obj["kind"])
    assert resource is not None
    obj["metadata"] |= {"uid": "odd", "resourceVersion": "7", "creationTimestamp": "2020-09-13T12:26:00Z"}
    kept = yard.cluster.snapshot()
    kept["objects"].setdefault(resource.key, []).append(obj)
    yard.cluster.restore(kept)
    goes_on(yard, "web")
    assert all(key.name in ("odd", "web", "") for key in yard.cluster.engine.faults)
