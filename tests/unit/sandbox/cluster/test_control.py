"""Faults of the simulated cluster, set by hand over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.unit.sandbox.cluster.conftest import ServedYard
from tests.unit.sandbox.cluster.yard import bare_pod, budget, make_yard, names, workload


def control(served: ServedYard, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    pool = urllib3.PoolManager(ca_certs=str(served.certificate.ca_file), retries=False)
    text = json.dumps(body) if body is not None else None
    answer = pool.request(method, f"{served.url}/control/{path}", body=text, timeout=10)
    pool.clear()
    return answer.status, json.loads(answer.data)


def pods(api: client.ApiClient) -> Any:
    core: Any = client.CoreV1Api(api)
    return core.list_namespaced_pod("shop", _request_timeout=30)


def status_of(api: client.ApiClient) -> tuple[int, str | None]:
    with pytest.raises(ApiException) as caught:
        pods(api)
    headers: Any = caught.value.headers
    return caught.value.status or 0, headers.get("Retry-After")


@pytest.mark.parametrize("retry_after", [None, 7])
def test_status_fault(served: ServedYard, retry_after: int | None) -> None:
    """A status with or without Retry-After strikes the requests it names, so many times."""
    fault = {"status": 429, "retry_after": retry_after, "verb": "list", "resource": "pods", "times": 1}
    control(served, "POST", "faults/requests", fault)
    with served.api("ya29.bot") as bot:
        assert status_of(bot) == (429, None if retry_after is None else "7")
        assert pods(bot).items == []


def test_fault_leaves_other_requests_alone(served: ServedYard) -> None:
    """Verb and resource patterns narrow a fault."""
    control(served, "POST", "faults/requests", {"status": 500, "verb": "patch", "resource": "deployments"})
    with served.api("ya29.bot") as bot:
        assert pods(bot).items == []


def test_faults_spare_the_administrator(served: ServedYard) -> None:
    """Tests and people keep their own access."""
    control(served, "POST", "faults/requests", {"status": 503})
    with served.api() as admin, served.api("ya29.bot") as bot:
        assert pods(admin).items == []
        assert status_of(bot)[0] == 503


def test_cut_connection(served: ServedYard) -> None:
    """A reset leaves the client without an answer."""
    control(served, "POST", "faults/requests", {"kind": "reset"})
    with served.api("ya29.bot") as bot, pytest.raises(urllib3.exceptions.HTTPError):
        pods(bot)


def test_hanging_request(served: ServedYard) -> None:
    """A half-open connection answers nothing until the client's own time limit."""
    control(served, "POST", "faults/requests", {"kind": "hang"})
    core: Any = client.CoreV1Api(served.api("ya29.bot"))
    with pytest.raises(urllib3.exceptions.HTTPError):
        core.list_namespaced_pod("shop", _request_timeout=0.3)


def test_share_of_requests(served: ServedYard) -> None:
    """Of many requests about the given share fails."""
    control(served, "POST", "faults/requests", {"percent": 50.0})
    strikes = [served.yard.cluster.faults.strike("get", "pods", "shop") is not None for _ in range(1000)]
    assert 400 < sum(strikes) < 600


def test_delete_clears_everything(served: ServedYard) -> None:
    """After DELETE nothing goes wrong any more."""
    control(served, "POST", "faults/requests", {"status": 500})
    control(served, "POST", "injector", {"down": True})
    _, left = control(served, "DELETE", "faults")
    assert (left["requests"], left["injector_down"]) == ([], False)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"lateness": 1}),
        ("faults", {"latency": "slow"}),
        ("faults/requests", {"kind": "explode"}),
        ("faults/pods", {"image": "*"}),
        ("budget", {"namespace": "shop"}),
    ],
)
def test_wrong_switches_are_refused(served: ServedYard, path: str, body: dict[str, Any]) -> None:
    """A switch that does not exist answers 400 and says so."""
    status, answer = control(served, "POST", path, body)
    assert status == 400
    assert answer["error"]


def test_quota_refuses_pods(served: ServedYard) -> None:
    """A quota lets no more pods in than it says."""
    control(served, "POST", "quota", {"namespace": "shop", "hard": {"pods": "1"}})
    served.yard.create(workload("Deployment", "web", replicas=3))
    served.yard.settle(10)
    assert len(served.yard.pods()) == 1
    assert served.yard.get("resourcequotas", "sandbox-quota")["status"]["used"] == {"pods": "1"}
    control(served, "POST", "quota", {"namespace": "shop", "hard": {}})
    served.yard.settle(60)
    assert len(served.yard.pods()) == 3


def test_pod_fault_strikes_running_pods(served: ServedYard) -> None:
    """Pods that run already become unready too, and recover when it is cleared."""
    served.yard.create(workload("Deployment", "web", replicas=2))
    served.yard.settle(10)
    control(served, "POST", "faults/pods", {"kind": "never-ready", "pod": "web-*"})
    served.yard.settle(1)
    assert "readyReplicas" not in served.yard.get("deployments.apps", "web")["status"]
    control(served, "DELETE", "faults")
    served.yard.settle(10)
    assert served.yard.get("deployments.apps", "web")["status"]["readyReplicas"] == 2


def test_stuck_budget(served: ServedYard) -> None:
    """A budget can be stuck at 0 and let go again."""
    served.yard.create(budget("web", minAvailable=0), bare_pod("web"))
    served.yard.settle(10)
    place = {"namespace": "shop", "name": "web"}
    for stuck, allowed in ((True, 0), (False, 1)):
        control(served, "POST", "budget", {**place, "stuck": stuck})
        served.yard.settle(1)
        status = served.yard.get("poddisruptionbudgets.policy", "web")["status"]
        assert status["disruptionsAllowed"] == allowed


def test_namespace_can_be_deleted(served: ServedYard) -> None:
    """A namespace goes with all it holds."""
    served.yard.create(bare_pod("web"))
    served.yard.settle(10)
    control(served, "POST", "namespaces/delete", {"namespace": "shop"})
    served.yard.settle(30)
    assert served.yard.cluster.store.find("namespaces", "", "shop") is None


def test_foreign_host_is_refused(served: ServedYard) -> None:
    """A page elsewhere that resolves to loopback can't reach the control paths."""
    pool = urllib3.PoolManager(ca_certs=str(served.certificate.ca_file), retries=False)
    answer = pool.request("GET", f"{served.url}/control/faults", headers={"Host": "evil.example"}, timeout=10)
    pool.clear()
    assert answer.status == 403


def test_snapshot_brings_everything_back() -> None:
    """A cluster restored elsewhere has the same objects and goes on from there."""
    first = make_yard()
    first.create(workload("Deployment", "web", replicas=2), bare_pod("lonely"))
    first.settle(1.5)
    saved = json.loads(json.dumps(first.cluster.snapshot()))
    second = make_yard()
    second.clock.now = first.clock.now
    second.cluster.restore(saved)
    second.settle(30)
    assert names(second.pods()) == names(first.pods())
    assert second.get("deployments.apps", "web")["status"]["readyReplicas"] == 2


def test_restored_cluster_serves_its_custom_resources() -> None:
    """Definitions in a snapshot are served after the restore."""
    first = make_yard(mesh="1.4.7-asm.0")
    second = make_yard()
    second.cluster.restore(first.cluster.snapshot())
    assert second.cluster.resources.find("virtualservices.networking.istio.io") is not None


def test_snapshot_of_another_format_is_refused() -> None:
    """A snapshot that this sandbox can't read is named as such."""
    with pytest.raises(ValueError, match="format 99"):
        make_yard().cluster.restore({"format": 99})


def test_canonical_state_is_the_same_for_the_same_deeds() -> None:
    """Names, uids, times and revisions differ between two runs; the canonical state does not."""

    def run(pause: float) -> list[Any]:
        yard = make_yard()
        yard.create(workload("Deployment", "web", replicas=3))
        yard.settle(20 + pause)
        yard.restart("deployments.apps", "web", stamp=f"2020-11-13T10:00:{int(pause):02d}Z")
        yard.settle(60)
        return yard.cluster.canonical_state()

    assert run(1) == run(9)


def test_canonical_state_shows_a_second_restart() -> None:
    """Doing something twice leaves a trace."""

    def run(*stamps: str) -> list[Any]:
        yard = make_yard()
        yard.create(workload("Deployment", "web", replicas=1))
        for stamp in stamps:
            yard.settle(60)
            yard.restart("deployments.apps", "web", stamp)
        yard.settle(60)
        return yard.cluster.canonical_state()

    assert run("2020-11-13T10:00:00Z") != run("2020-11-13T10:00:00Z", "2020-11-13T10:00:05Z")
