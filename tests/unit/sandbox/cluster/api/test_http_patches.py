"""The three kinds of patches over HTTP, and what a custom resource takes of them."""

from __future__ import annotations

from kubernetes import client

from tests.unit.sandbox.cluster.api.clients import (
    apps_of,
    made_mesh,
    raw,
)
from tests.unit.sandbox.cluster.conftest import ServedYard
from tests.unit.sandbox.cluster.yard import workload


def test_strategic_patch_joins_containers_by_name(admin: client.ApiClient) -> None:
    """Naming one container changes that one and keeps the other."""
    body = workload("Deployment", "web")
    body["spec"]["template"]["spec"]["containers"].append({"name": "helper", "image": "h:1"})
    apps = apps_of(admin)
    apps.create_namespaced_deployment("shop", body)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "helper", "image": "h:2"}]}}}}
    patched = apps.patch_namespaced_deployment("web", "shop", change)
    found = {row.name: row.image for row in patched.spec.template.spec.containers}
    assert found == {"app": "example.com/web:1", "helper": "h:2"}


def test_merge_patch_replaces_lists(served: ServedYard, admin: client.ApiClient) -> None:
    """A merge patch puts a list in the place of the other."""
    served.yard.create(workload("Deployment", "web"))
    change = {"spec": {"template": {"spec": {"containers": [{"name": "new", "image": "n:1"}]}}}}
    path = "/apis/apps/v1/namespaces/shop/deployments/web"
    _, body = raw(admin, "PATCH", path, change, **{"Content-Type": "application/merge-patch+json"})
    assert [row["name"] for row in body["spec"]["template"]["spec"]["containers"]] == ["new"]


def test_json_patch(served: ServedYard, admin: client.ApiClient) -> None:
    """A JSON patch with a failing test is refused whole."""
    served.yard.create(workload("Deployment", "web", replicas=1))
    path = "/apis/apps/v1/namespaces/shop/deployments/web"
    kind = {"Content-Type": "application/json-patch+json"}
    change = [
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 4},
    ]
    assert raw(admin, "PATCH", path, change, **kind)[1]["spec"]["replicas"] == 4
    status, _ = raw(admin, "PATCH", path, change, **kind)
    assert status == 422


def test_strategic_patch_of_a_custom_resource_is_refused(served: ServedYard, admin: client.ApiClient) -> None:
    """Custom resources take merge patches only."""
    made_mesh(served)
    path = "/apis/networking.istio.io/v1alpha3/namespaces/shop/destinationrules/web"
    raw(admin, "POST", path.rpartition("/")[0], {"metadata": {"name": "web"}, "spec": {"host": "web"}})
    kinds = ("application/strategic-merge-patch+json", "application/merge-patch+json")
    statuses = [raw(admin, "PATCH", path, {"spec": {"host": "x"}}, **{"Content-Type": kind})[0] for kind in kinds]
    assert statuses == [415, 200]
