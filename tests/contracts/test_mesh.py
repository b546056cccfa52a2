"""The mesh itself: who gets a sidecar, and what happens while the injector is down."""

from __future__ import annotations

import pytest

from tests.contracts.ground import Ground
from tests.contracts.shapes import bare_pod, deployment, named, template

OLD = "1.4.7-asm.0"


@pytest.fixture(autouse=True)
def _needs_mesh(ground: Ground) -> None:
    ground.need("mesh")


def test_the_registration_of_the_injector_is_read(ground: Ground) -> None:
    """As ASM 1.4 registers it, with the CA bundle that the injector keeps."""
    found = ground.gateway.read_webhook("istio-sidecar-injector")
    assert found is not None
    assert (found.has_ca_bundle, found.failure_policy) == (True, "Fail")
    assert (found.service_namespace, found.service_name) == ("istio-system", "istio-sidecar-injector")
    assert found.namespace_selector == {"istio-injection": "enabled"}


def test_an_absent_registration_reads_as_none(ground: Ground) -> None:
    """404 in both versions."""
    assert ground.gateway.read_webhook("nothing") is None


def test_the_ingress_gateway_has_an_address(ground: Ground) -> None:
    """The load balancer's."""
    ground.until(lambda: ground.gateway.read_ingress_address("istio-system", "istio-ingressgateway"))


def test_a_cleared_bundle_comes_back(ground: Ground) -> None:
    """The injector writes it, so an apply that takes it away heals."""
    path = "/apis/admissionregistration.k8s.io/v1beta1/mutatingwebhookconfigurations/istio-sidecar-injector"
    steps = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
    assert ground.send("PATCH", path, steps, "application/json-patch+json").status_code == 200

    def is_back() -> bool:
        found = ground.gateway.read_webhook("istio-sidecar-injector")
        return bool(found and found.has_ca_bundle)

    ground.until(is_back)


def test_a_pod_of_a_labelled_namespace_gets_the_sidecar_of_the_config_map(ground: Ground) -> None:
    """Image, second container and the status annotation."""
    space = ground.make_space(injected=True)
    ground.create(deployment(space, replicas=1))
    ground.settle(named(space))
    (pod,) = ground.list_live(space)
    assert (pod.ready, pod.total) == (2, 2)
    assert pod.proxy_image == f"gcr.io/gke-release/asm/proxyv2:{OLD}"
    assert "sidecar.istio.io/status" in pod.annotations


def test_who_gets_no_sidecar(ground: Ground) -> None:
    """An annotation, the host's network, a namespace without the label."""
    space, plain = ground.make_space(injected=True), ground.make_space()
    ground.create(
        bare_pod(space, "refusing", annotations={"sidecar.istio.io/inject": "false"}),
        bare_pod(space, "host", hostNetwork=True),
        bare_pod(plain, "outside"),
    )
    assert [pod.proxy_image for pod in [*ground.gateway.list_pods(space), *ground.gateway.list_pods(plain)]] == [""] * 3


def test_a_pinned_image_stays_pinned(ground: Ground) -> None:
    """A restart can't move it."""
    space = ground.make_space(injected=True)
    ground.create(bare_pod(space, annotations={"sidecar.istio.io/proxyImage": "example.com/proxyv2:pinned"}))
    assert [pod.proxy_image for pod in ground.gateway.list_pods(space)] == ["example.com/proxyv2:pinned"]


def test_a_dry_run_is_refused(ground: Ground) -> None:
    """The registration says nothing of side effects, so what would be injected can't be asked for."""
    space = ground.make_space(injected=True)
    answer = ground.send("POST", f"/api/v1/namespaces/{space}/pods", bare_pod(space), dryRun="All")
    assert answer.status_code == 400
    assert answer.json()["message"] == 'admission webhook "sidecar-injector.istio.io" does not support dry run'


@pytest.mark.weather("injector down in the middle")
def test_without_injector_no_pod_is_made_and_the_old_ones_stay(ground: Ground) -> None:
    """failurePolicy Fail shows as ReplicaFailure; it heals by itself."""
    space = ground.make_space(injected=True)
    ground.create(deployment(space))
    ground.settle(named(space))
    before = {pod.uid for pod in ground.list_live(space)}
    ground.switch_injector(down=True)
    ground.gateway.restart_workload(named(space), "2026-03-02T09:00:00Z")
    ground.until(lambda: ground.read(named(space)).failure)
    found = ground.read(named(space))
    assert found.failure.startswith("FailedCreate: Internal error occurred: failed calling webhook")
    assert '"sidecar-injector.istio.io"' in found.failure
    assert {pod.uid for pod in ground.list_live(space)} == before
    ground.switch_injector(down=False)
    ground.settle(named(space))
    assert not {pod.uid for pod in ground.list_live(space)} & before


def test_a_sidecar_that_is_not_ready_shows_as_one_of_two(ground: Ground) -> None:
    """The pod isn't counted as upgraded."""
    space = ground.make_space(injected=True)
    ground.break_images(never_ready=["*/proxyv2:*"])
    ground.create(deployment(space, replicas=1))
    ground.until(lambda: [(pod.ready, pod.total) for pod in ground.list_live(space)] == [(1, 2)])
    assert ground.read(named(space)).available == 0


def test_a_host_port_in_the_template_survives_injection(ground: Ground) -> None:
    """What the workload says of itself is kept beside the sidecar."""
    space = ground.make_space(injected=True)
    made = template("web")
    made["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
    ground.create(deployment(space, replicas=1, pods=made))
    ground.until(lambda: ground.list_live(space))
    (found,) = ground.gateway.list_objects("v1", "Pod", space)
    assert found["spec"]["containers"][0]["ports"][0]["containerPort"] == 8080
