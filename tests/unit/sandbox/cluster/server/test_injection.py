"""The simulated sidecar injector behaves as that of ASM 1.4."""

from __future__ import annotations

import json

import pytest

from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import annotations_of, condition_of
from sandbox.cluster.seeds.objects import namespace
from sandbox.cluster.server.webhooks import MUTATING
from tests.unit.sandbox.cluster.yard import Json, Yard, bare_pod, images, make_yard, names, workload

OLD, NEW = "1.4.7-asm.0", "1.4.10-asm.18"


@pytest.fixture
def mesh() -> Yard:
    """A running mesh on the old version with the injected namespace shop."""
    return make_yard(mesh=OLD)


def born(yard: Yard, name: str = "one", **changes: Json) -> Json:
    pod = bare_pod(name)
    pod["metadata"].setdefault("annotations", {}).update(changes.get("annotations", {}))
    pod["metadata"]["labels"].update(changes.get("labels", {}))
    pod["spec"] |= changes.get("spec", {})
    return yard.create(pod)[0]


def has_sidecar(pod: Json) -> bool:
    return any(row["name"] == "istio-proxy" for row in pod["spec"]["containers"])


def apply_mesh(yard: Yard, version: str) -> None:
    for obj in render_mesh(version, {"profile": "asm"}):
        resource = yard.cluster.resources.of_kind(obj["apiVersion"].rpartition("/")[0], obj["kind"])
        assert resource is not None
        space, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        kind = "application/merge-patch+json"
        yard.cluster.api.patch(resource, space, name, obj, kind, version=obj["apiVersion"].rpartition("/")[2])


def test_labelled_namespace_injects(mesh: Yard) -> None:
    """A new pod gets the sidecar of the ConfigMap, an init container and the status annotation."""
    pod = born(mesh)
    assert images([pod]) == {f"gcr.io/gke-release/asm/proxyv2:{OLD}"}
    assert pod["spec"]["initContainers"][0]["name"] == "istio-init"
    assert json.loads(annotations_of(pod)["sidecar.istio.io/status"])["containers"] == ["istio-proxy"]


def test_unlabelled_namespace_does_not(mesh: Yard) -> None:
    """The annotation alone does nothing where the webhook is not called."""
    mesh.create(namespace("plain"))
    pod = bare_pod("one", namespace="plain")
    pod["metadata"]["annotations"] = {"sidecar.istio.io/inject": "true"}
    assert not has_sidecar(mesh.create(pod)[0])


@pytest.mark.parametrize(
    ("value", "injected"),
    [("true", True), ("Yes", True), ("on", True), ("false", False), ("nope", False), ("", True)],
)
def test_annotation_decides(mesh: Yard, value: str, injected: bool) -> None:
    """y, yes, true and on mean yes; empty means the default; anything else means no."""
    assert has_sidecar(born(mesh, annotations={"sidecar.istio.io/inject": value})) is injected


def test_host_network_is_left_alone(mesh: Yard) -> None:
    """Pods on the host's network get no sidecar."""
    assert not has_sidecar(born(mesh, spec={"hostNetwork": True}))


def test_proxy_image_annotation_pins(mesh: Yard) -> None:
    """A pinned image is injected as it is written."""
    pod = born(mesh, annotations={"sidecar.istio.io/proxyImage": "example.com/proxy:9"})
    assert images([pod]) == {"example.com/proxy:9"}


def change_settings(yard: Yard, old: str, new: str) -> None:
    config = yard.get("configmaps", "istio-sidecar-injector", "istio-system")["data"]["config"]
    body = {"data": {"config": config.replace(old, new)}}
    yard.patch("configmaps", "istio-sidecar-injector", body, "istio-system")


def test_disabled_policy_injects_only_on_request(mesh: Yard) -> None:
    """With policy disabled the annotation is needed."""
    change_settings(mesh, "policy: enabled", "policy: disabled")
    assert not has_sidecar(born(mesh))
    assert has_sidecar(born(mesh, "two", annotations={"sidecar.istio.io/inject": "true"}))


def test_an_illegal_policy_injects_nobody(mesh: Yard) -> None:
    """Whatever a pod asks for."""
    change_settings(mesh, "policy: enabled", "policy: sometimes")
    asked = bare_pod("asks")
    asked["metadata"]["annotations"] = {"sidecar.istio.io/inject": "true"}
    mesh.create(bare_pod("plain"), asked)
    assert [len(pod["spec"]["containers"]) for pod in mesh.pods()] == [1, 1]


def test_never_selector_wins_over_the_policy(mesh: Yard) -> None:
    """Pods of a neverInjectSelector get no sidecar unless annotated."""
    change_settings(mesh, "neverInjectSelector: []", "neverInjectSelector: [{matchLabels: {quiet: 'true'}}]")
    assert not has_sidecar(born(mesh, labels={"quiet": "true"}))


def test_always_selector_wins_over_the_policy(mesh: Yard) -> None:
    """Pods of an alwaysInjectSelector get a sidecar although nobody else does."""
    change_settings(mesh, "policy: enabled", "policy: disabled")
    change_settings(mesh, "alwaysInjectSelector: []", "alwaysInjectSelector: [{matchLabels: {loud: 'true'}}]")
    assert has_sidecar(born(mesh, labels={"loud": "true"}))
    assert not has_sidecar(born(mesh, "two"))


@pytest.mark.parametrize("empty", ["{}", "{matchLabels: {}}"])
def test_empty_never_selector_selects_nobody(mesh: Yard, empty: str) -> None:
    """Elsewhere in Kubernetes it would select every pod."""
    change_settings(mesh, "neverInjectSelector: []", f"neverInjectSelector: [{empty}]")
    assert has_sidecar(born(mesh))


def test_system_namespaces_are_left_alone(mesh: Yard) -> None:
    """kube-system gets no sidecars even where it is labelled."""
    mesh.create(namespace("kube-system", injected=True))
    assert not has_sidecar(mesh.create(bare_pod("one", namespace="kube-system"))[0])


def change_webhook(yard: Yard, **changes: object) -> None:
    body = {"webhooks": [{"name": "sidecar-injector.istio.io", **changes}]}
    yard.patch(MUTATING, "istio-sidecar-injector", body, "")


def test_failure_policy_ignore_lets_pods_through(mesh: Yard) -> None:
    """While the injector is down they are born without a sidecar."""
    change_webhook(mesh, failurePolicy="Ignore")
    mesh.cluster.injector.down = True
    assert not has_sidecar(born(mesh))


def test_object_selector_of_the_webhook_counts(mesh: Yard) -> None:
    """Pods outside of it never reach the injector."""
    change_webhook(mesh, objectSelector={"matchLabels": {"mesh": "on"}})
    assert not has_sidecar(born(mesh))
    assert has_sidecar(born(mesh, "two", labels={"mesh": "on"}))


@pytest.mark.parametrize(
    ("version", "defaults"),
    [
        (
            "v1beta1",
            {"failurePolicy": "Ignore", "timeoutSeconds": 30, "matchPolicy": "Exact"},
        ),
        ("v1", {"failurePolicy": "Fail", "timeoutSeconds": 10, "matchPolicy": "Equivalent"}),
    ],
)
def test_webhooks_are_defaulted_by_the_version_they_are_written_in(
    mesh: Yard, version: str, defaults: dict[str, object]
) -> None:
    """v1beta1 forgives more than v1 does."""
    hook: Json = {
        "name": "other.example.com", "clientConfig": {"url": "https://127.0.0.1/other"}, "sideEffects": "None",
        "admissionReviewVersions": ["v1beta1"],
    }  # fmt: skip
    api = f"admissionregistration.k8s.io/{version}"
    metadata = {"name": "other"}
    made = {"apiVersion": api, "kind": "MutatingWebhookConfiguration", "metadata": metadata, "webhooks": [hook]}
    (kept,) = mesh.create(made)[0]["webhooks"]
    assert {name: kept[name] for name in defaults} == defaults


def test_the_injector_is_registered_as_in_asm_1_4(mesh: Yard) -> None:
    """v1beta1 without sideEffects, failurePolicy Fail, for new pods of labelled namespaces."""
    (hook,) = mesh.get(MUTATING, "istio-sidecar-injector", "")["webhooks"]
    assert (hook["name"], hook["failurePolicy"], hook["sideEffects"], hook["admissionReviewVersions"]) == (
        "sidecar-injector.istio.io",
        "Fail",
        "Unknown",
        ["v1beta1"],
    )
    assert hook["namespaceSelector"] == {"matchLabels": {"istio-injection": "enabled"}}


def test_dry_run_is_refused(mesh: Yard) -> None:
    """The 1.4 webhook declares no sideEffects, so the server refuses dry runs."""
    resource = mesh.cluster.resources.by_key("pods")
    with pytest.raises(ApiError, match="does not support dry run") as caught:
        mesh.cluster.api.create(resource, "shop", bare_pod("one"), dry_run=True)
    assert caught.value.code == 400


def test_injector_down_fails_creation(mesh: Yard) -> None:
    """failurePolicy Fail: no pod starts in labelled namespaces, and the owner says why."""
    mesh.cluster.injector.down = True
    mesh.create(workload("Deployment", "web", replicas=1))
    mesh.settle(10)
    failure = condition_of(mesh.get("deployments.apps", "web"), "ReplicaFailure")
    assert failure is not None
    assert failure["reason"] == "FailedCreate"
    assert 'failed calling webhook "sidecar-injector.istio.io"' in failure["message"]
    assert mesh.pods() == []


def test_injector_back_up_heals(mesh: Yard) -> None:
    """Pods are created when the injector answers again, and the failure condition goes."""
    mesh.cluster.injector.down = True
    mesh.create(workload("Deployment", "web", replicas=2))
    mesh.settle(10)
    mesh.cluster.injector.down = False
    mesh.settle(60)
    assert len(mesh.pods()) == 2
    assert condition_of(mesh.get("deployments.apps", "web"), "ReplicaFailure") is None


def test_injector_back_up_heals_workloads_refused_in_one_breath(mesh: Yard) -> None:
    """Controllers whose retries lie next to each other each get theirs."""
    mesh.cluster.injector.down = True
    for name in ("web", "api", "db"):
        mesh.create(workload("StatefulSet", name, replicas=1, serviceName=name))
        mesh.cluster.tick()
        mesh.clock.now += 0.03
    mesh.cluster.injector.down = False
    mesh.settle(30)
    assert names(mesh.pods()) == ["api-0", "db-0", "web-0"]


def test_injector_without_ready_pods_is_down(mesh: Yard) -> None:
    """The webhook needs endpoints."""
    mesh.patch("deployments.apps", "istio-sidecar-injector", {"spec": {"replicas": 0}}, "istio-system")
    mesh.settle(30)
    with pytest.raises(ApiError, match="no endpoints available"):
        born(mesh)


def test_apply_empties_the_ca_bundle_and_the_injector_repairs_it(mesh: Yard) -> None:
    """For about a second after an apply no pod can start in labelled namespaces."""
    apply_mesh(mesh, OLD)
    mesh.cluster.tick()
    webhook = mesh.get(MUTATING, "istio-sidecar-injector", "")["webhooks"][0]
    assert "caBundle" not in webhook["clientConfig"]
    with pytest.raises(ApiError, match="certificate signed by unknown authority"):
        born(mesh)
    mesh.settle(2)
    assert mesh.get(MUTATING, "istio-sidecar-injector", "")["webhooks"][0]["clientConfig"]["caBundle"]
    assert has_sidecar(born(mesh))


def test_new_release_injects_the_new_sidecar(mesh: Yard) -> None:
    """After the control plane moved, restarted pods carry the new version and the old ones keep theirs."""
    mesh.create(workload("Deployment", "web", replicas=2))
    mesh.settle(30)
    apply_mesh(mesh, NEW)
    mesh.settle(120)
    assert images(mesh.pods("web")) == {f"gcr.io/gke-release/asm/proxyv2:{OLD}"}
    mesh.restart("deployments.apps", "web")
    mesh.settle(60)
    assert images(mesh.pods("web")) == {f"gcr.io/gke-release/asm/proxyv2:{NEW}"}


def test_applying_the_same_manifests_rolls_nothing(mesh: Yard) -> None:
    """A second apply leaves every generation of the control plane as it was."""
    before = [obj["metadata"]["generation"] for obj in mesh.cluster.store.each("deployments.apps", "istio-system")]
    apply_mesh(mesh, OLD)
    mesh.settle(30)
    after = [obj["metadata"]["generation"] for obj in mesh.cluster.store.each("deployments.apps", "istio-system")]
    assert after == before


def test_hand_injected_pod_is_injected_again(mesh: Yard) -> None:
    """A sidecar written in the template is replaced by the injector's."""
    stale = {"name": "istio-proxy", "image": "gcr.io/gke-release/asm/proxyv2:1.4.2-asm.2"}
    pod = bare_pod("one")
    pod["spec"]["containers"].append(stale)
    assert images(mesh.create(pod)) == {f"gcr.io/gke-release/asm/proxyv2:{OLD}"}


def test_run_with_a_sidecar_never_completes(mesh: Yard) -> None:
    """The proxy keeps a finished Job's pod running: 1/2."""
    made = workload("Job", "report", api="batch/v1")
    del made["spec"]["selector"]
    made["spec"]["template"]["spec"] |= {"restartPolicy": "Never"}
    made["spec"]["template"]["spec"]["containers"][0]["command"] = ["sleep", "30"]
    mesh.create(made)
    mesh.settle(120)
    status = mesh.pods("report")[0]["status"]
    assert status["phase"] == "Running"
    assert {row["name"]: row["ready"] for row in status["containerStatuses"]} == {"app": False, "istio-proxy": True}
