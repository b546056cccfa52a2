"""The Kubernetes Python client, which validates every answer, works against the simulated cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from tests.unit.sandbox.cluster.api.clients import (
    apps_of,
    core_of,
    custom_of,
    leases_of,
    made_mesh,
    policy_of,
    raw,
    refusal,
)
from tests.unit.sandbox.cluster.conftest import ServedYard
from tests.unit.sandbox.cluster.yard import bare_pod, budget, workload


def test_version(admin: client.ApiClient) -> None:
    """The server says its version as GKE does."""
    found = client.VersionApi(admin).get_code()
    assert (found.major, found.minor, found.git_version) == ("1", "16+", "v1.16.15-gke.6000")


def test_lists_typed_pods(served: ServedYard, admin: client.ApiClient) -> None:
    """Pods of every phase satisfy the client's models."""
    served.yard.create(workload("Deployment", "web", replicas=2))
    for seconds in (0.1, 1.1, 1.0):
        served.yard.settle(seconds)
        assert len(core_of(admin).list_namespaced_pod("shop").items) == 2


def test_list_items_have_no_kind(served: ServedYard, admin: client.ApiClient) -> None:
    """As in the real API, only the list says what its items are."""
    served.yard.create(bare_pod("one"))
    _, body = raw(admin, "GET", "/api/v1/namespaces/shop/pods")
    assert body["kind"] == "PodList"
    assert "kind" not in body["items"][0]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("app=web", {"web"}), ("app!=web", {"cart"}), ("app in (web, cart)", {"web", "cart"}),
        ("app notin (web)", {"cart"}),
        ("tier", {"cart"}), ("!tier", {"web"}), ("app==cart,tier=back", {"cart"}),
    ],
)  # fmt: skip
def test_label_selectors(served: ServedYard, admin: client.ApiClient, selector: str, found: set[str]) -> None:
    """Every form of label selector is honoured."""
    cart = bare_pod("cart")
    cart["metadata"]["labels"]["tier"] = "back"
    served.yard.create(bare_pod("web"), cart)
    items = core_of(admin).list_namespaced_pod("shop", label_selector=selector).items
    assert {pod.metadata.name for pod in items} == found


def test_field_selectors(served: ServedYard, admin: client.ApiClient) -> None:
    """Supported fields select; others are refused."""
    served.yard.create(bare_pod("web"), bare_pod("cart"))
    served.yard.settle(10)
    core = core_of(admin)
    assert len(core.list_pod_for_all_namespaces(field_selector="status.phase=Running").items) == 2
    assert len(core.list_pod_for_all_namespaces(field_selector="metadata.name=web,metadata.namespace=shop").items) == 1
    with pytest.raises(ApiException) as caught:
        core.list_pod_for_all_namespaces(field_selector="spec.color=red")
    assert refusal(caught) == (400, "BadRequest")


def test_pages_are_one_snapshot(served: ServedYard, admin: client.ApiClient) -> None:
    """Pages do not see what changed since the first one."""
    served.yard.create(*(bare_pod(f"pod-{number}") for number in range(5)))
    core = core_of(admin)
    first = core.list_namespaced_pod("shop", limit=2)
    assert first.metadata.remaining_item_count == 3
    served.yard.create(bare_pod("pod-9"))
    second = core.list_namespaced_pod("shop", limit=9, _continue=first.metadata._continue)
    assert [pod.metadata.name for pod in second.items] == ["pod-2", "pod-3", "pod-4"]
    assert second.metadata.resource_version == first.metadata.resource_version


def test_expired_token_offers_an_inconsistent_one(served: ServedYard, admin: client.ApiClient) -> None:
    """After compaction a token answers 410 with a fresh token that goes on from the present."""
    served.yard.create(*(bare_pod(f"pod-{number}") for number in range(5)))
    core = core_of(admin)
    token = core.list_namespaced_pod("shop", limit=2).metadata._continue
    served.yard.cluster.expire_watches()
    served.yard.create(bare_pod("pod-9"))
    with pytest.raises(ApiException) as caught:
        core.list_namespaced_pod("shop", limit=2, _continue=token)
    assert refusal(caught) == (410, "Expired")
    fresh = json.loads(caught.value.body or "{}")["metadata"]["continue"]
    rest = core.list_namespaced_pod("shop", limit=9, _continue=fresh)
    assert [pod.metadata.name for pod in rest.items] == ["pod-2", "pod-3", "pod-4", "pod-9"]


def test_resource_version_zero_ignores_limit(served: ServedYard, admin: client.ApiClient) -> None:
    """The watch cache knows no pages."""
    served.yard.create(*(bare_pod(f"pod-{number}") for number in range(5)))
    assert len(core_of(admin).list_namespaced_pod("shop", limit=2, resource_version="0").items) == 5


def test_generated_names(admin: client.ApiClient) -> None:
    """generateName is completed and kept."""
    pod = bare_pod("x")
    pod["metadata"] = {"generateName": "web-", "labels": {}}
    made = [core_of(admin).create_namespaced_pod("shop", pod).metadata.name for _ in range(2)]
    assert len(set(made)) == 2
    assert all(name.startswith("web-") and len(name) == 9 for name in made)


def test_defaults_are_filled_in(admin: client.ApiClient) -> None:
    """What a client leaves out is there when it reads."""
    made = apps_of(admin).create_namespaced_daemon_set("shop", workload("DaemonSet", "agent"))
    assert made.spec.update_strategy.type == "RollingUpdate"
    assert made.spec.update_strategy.rolling_update.max_unavailable == 1
    pod = made.spec.template.spec
    assert (pod.restart_policy, pod.termination_grace_period_seconds) == ("Always", 30)
    assert pod.containers[0].readiness_probe.period_seconds == 10


def test_stale_update_conflicts(admin: client.ApiClient) -> None:
    """An update with an old resourceVersion answers 409, also inside a patch."""
    apps = apps_of(admin)
    made = apps.create_namespaced_deployment("shop", workload("Deployment", "web"))
    apps.patch_namespaced_deployment("web", "shop", {"spec": {"replicas": 2}})
    with pytest.raises(ApiException) as caught:
        apps.replace_namespaced_deployment("web", "shop", made)
    assert refusal(caught) == (409, "Conflict")
    stale = {"metadata": {"resourceVersion": made.metadata.resource_version}, "spec": {"replicas": 3}}
    with pytest.raises(ApiException) as caught:
        apps.patch_namespaced_deployment("web", "shop", stale)
    assert refusal(caught) == (409, "Conflict")


def test_unchanged_write_keeps_the_resource_version(admin: client.ApiClient) -> None:
    """A patch that changes nothing writes nothing."""
    apps = apps_of(admin)
    made = apps.create_namespaced_deployment("shop", workload("Deployment", "web", replicas=2))
    again = apps.patch_namespaced_deployment("web", "shop", {"spec": {"replicas": 2}})
    assert again.metadata.resource_version == made.metadata.resource_version


def test_generation_counts_spec_changes_alone(admin: client.ApiClient) -> None:
    """Labels leave the generation as it is, the spec raises it."""
    apps = apps_of(admin)
    apps.create_namespaced_deployment("shop", workload("Deployment", "web"))
    labelled = apps.patch_namespaced_deployment("web", "shop", {"metadata": {"labels": {"a": "b"}}})
    scaled = apps.patch_namespaced_deployment("web", "shop", {"spec": {"replicas": 5}})
    assert (labelled.metadata.generation, scaled.metadata.generation) == (1, 2)


def test_dynamic_client_finds_custom_resources(served: ServedYard, admin: client.ApiClient) -> None:
    """Discovery leads to the kinds of the mesh, by kind and by short name."""
    made_mesh(served)
    connect: Any = DynamicClient
    dynamic = connect(admin)
    rules = dynamic.resources.get(api_version="networking.istio.io/v1alpha3", kind="DestinationRule")
    rules.create(namespace="shop", body={"metadata": {"name": "web"}, "spec": {"host": "web"}, **kind_of(rules)})
    assert [rule.metadata.name for rule in rules.get(namespace="shop").items] == ["web"]
    assert dynamic.resources.get(short_names=["dr"]).kind == "DestinationRule"


def kind_of(resource: Any) -> dict[str, str]:
    return {"apiVersion": resource.group_version, "kind": resource.kind}


def test_dry_run_keeps_nothing(admin: client.ApiClient) -> None:
    """dryRun=All shows the outcome and stores nothing."""
    apps = apps_of(admin)
    apps.create_namespaced_deployment("shop", workload("Deployment", "web", replicas=1))
    shown = apps.patch_namespaced_deployment("web", "shop", {"spec": {"replicas": 7}}, dry_run="All")
    assert (shown.spec.replicas, shown.metadata.generation) == (7, 2)
    assert apps.read_namespaced_deployment("web", "shop").spec.replicas == 1


def test_status_is_a_subresource(admin: client.ApiClient) -> None:
    """The main resource ignores status, the subresource ignores the rest."""
    core = core_of(admin)
    core.create_namespaced_pod("shop", bare_pod("web"))
    main = core.patch_namespaced_pod("web", "shop", {"status": {"phase": "Failed"}})
    assert main.status.phase == "Pending"
    sub = core.patch_namespaced_pod_status(
        "web", "shop", {"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Failed"}}
    )
    assert sub.status.phase == "Failed"
    assert "a" not in sub.metadata.labels


def test_scale_subresource(admin: client.ApiClient) -> None:
    """Scale shows and changes replicas."""
    apps = apps_of(admin)
    apps.create_namespaced_deployment("shop", workload("Deployment", "web", replicas=2))
    assert apps.read_namespaced_deployment_scale("web", "shop").status.selector == "app=web"
    apps.patch_namespaced_deployment_scale("web", "shop", {"spec": {"replicas": 5}})
    assert apps.read_namespaced_deployment("web", "shop").spec.replicas == 5


def test_delete_with_a_wrong_uid_conflicts(admin: client.ApiClient) -> None:
    """A precondition protects a successor of the same name."""
    core = core_of(admin)
    core.create_namespaced_pod("shop", bare_pod("web"))
    options = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="another"))
    with pytest.raises(ApiException) as caught:
        core.delete_namespaced_pod("web", "shop", body=options)
    assert refusal(caught) == (409, "Conflict")


def test_delete_collection_honours_selectors(admin: client.ApiClient) -> None:
    """Only what is selected goes."""
    core = core_of(admin)
    for name in ("web", "cart"):
        core.create_namespaced_pod("shop", bare_pod(name))
    core.delete_collection_namespaced_pod("shop", label_selector="app=web")
    assert [pod.metadata.name for pod in core.list_namespaced_pod("shop").items] == ["cart"]


def test_finalizer_holds_an_object(admin: client.ApiClient) -> None:
    """A deleted object stays until its last finalizer is taken off."""
    core = core_of(admin)
    core.create_namespaced_config_map("shop", {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
    core.delete_namespaced_config_map("held", "shop")
    assert core.read_namespaced_config_map("held", "shop").metadata.deletion_timestamp is not None
    core.patch_namespaced_config_map("held", "shop", {"metadata": {"finalizers": None}})
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_config_map("held", "shop")
    assert caught.value.status == 404


def test_pod_spec_is_immutable(admin: client.ApiClient) -> None:
    """Apart from images a pod's spec can't be changed."""
    core = core_of(admin)
    core.create_namespaced_pod("shop", bare_pod("web"))
    core.patch_namespaced_pod("web", "shop", {"spec": {"containers": [{"name": "app", "image": "x:2"}]}})
    with pytest.raises(ApiException) as caught:
        core.patch_namespaced_pod("web", "shop", {"spec": {"hostNetwork": True}})
    assert refusal(caught) == (422, "Invalid")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels"),
        ({"replicas": -1}, "spec.replicas"),
        ({"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}}, "containers"),
    ],
)
def test_invalid_objects_name_the_field(admin: client.ApiClient, spec: dict[str, Any], field: str) -> None:
    """422 says which field is wrong."""
    with pytest.raises(ApiException) as caught:
        apps_of(admin).create_namespaced_deployment("shop", workload("Deployment", "web", **spec))
    body = json.loads(caught.value.body or "{}")
    assert body["reason"] == "Invalid"
    assert field in body["message"]


def test_missing_namespace(admin: client.ApiClient) -> None:
    """Nothing is created in a namespace that does not exist."""
    with pytest.raises(ApiException) as caught:
        core_of(admin).create_namespaced_pod("nowhere", bare_pod("x", namespace="nowhere"))
    assert refusal(caught) == (404, "NotFound")


def test_unknown_paths_fail_loudly(admin: client.ApiClient) -> None:
    """What the server of this version does not serve is 404."""
    with pytest.raises(ApiException) as caught:
        policy_of(admin).list_namespaced_pod_disruption_budget("shop")
    assert refusal(caught) == (404, "NotFound")


def test_budget_of_the_served_version(served: ServedYard, admin: client.ApiClient) -> None:
    """policy/v1beta1 works through the custom-objects API where the client has no types for it."""
    served.yard.create(budget("web", minAvailable=1))
    served.yard.settle(1)
    api = custom_of(admin)
    found = api.list_namespaced_custom_object("policy", "v1beta1", "shop", "poddisruptionbudgets")
    assert found["items"][0]["status"]["disruptionsAllowed"] == 0


def test_table_shows_what_kubectl_prints(served: ServedYard, admin: client.ApiClient) -> None:
    """A Table carries READY and STATUS, and rows without objects where asked."""
    served.yard.create(bare_pod("web"))
    served.yard.settle(20)
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    _, body = raw(admin, "GET", "/api/v1/namespaces/shop/pods?includeObject=None", **accept)
    assert [column["name"] for column in body["columnDefinitions"]][:5] == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
    ]
    assert body["rows"] == [{"cells": body["rows"][0]["cells"], "object": None}]
    assert body["rows"][0]["cells"][:5] == ["web", "1/1", "Running", 0, "20s"]


def test_metadata_only_lists(served: ServedYard, admin: client.ApiClient) -> None:
    """PartialObjectMetadataList leaves spec and status out."""
    served.yard.create(bare_pod("web"))
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    _, body = raw(admin, "GET", "/api/v1/namespaces/shop/pods", **accept)
    assert set(body["items"][0]) == {"kind", "apiVersion", "metadata"}


def test_logs(served: ServedYard, admin: client.ApiClient) -> None:
    """A pod has a line to say."""
    served.yard.create(bare_pod("web"))
    served.yard.settle(20)
    assert "simulated container app of shop/web" in core_of(admin).read_namespaced_pod_log("web", "shop")


def test_leases_and_events(served: ServedYard, admin: client.ApiClient) -> None:
    """Leases can be kept, and events tell what happened."""
    served.yard.create(bare_pod("web"))
    served.yard.settle(20)
    spec = {"holderIdentity": "bot", "leaseDurationSeconds": 15}
    lease = {"metadata": {"name": "bot"}, "spec": spec}
    assert leases_of(admin).create_namespaced_lease("shop", lease).spec.holder_identity == "bot"
    events = core_of(admin).list_namespaced_event("shop", field_selector="involvedObject.name=web")
    assert {event.reason for event in events.items} == {"Scheduled", "Started"}
