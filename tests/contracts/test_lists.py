"""Pages, expired history, watches, and objects of any kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steps.contract.errors import GiveUp
from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import bare_pod, config, deployment, named

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
THINGS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.contracts.example.com"},
    "spec": {
        "group": "contracts.example.com", "scope": "Namespaced",
        "names": {"kind": "Thing", "listKind": "ThingList", "plural": "things", "singular": "thing"},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        }],
    },
}  # fmt: skip


def make_pods(ground: Ground, count: int) -> tuple[str, set[str]]:
    """A namespace with pods; its name and theirs."""
    space = ground.make_space()
    names = {f"pod-{number}" for number in range(count)}
    ground.create(*(bare_pod(space, name) for name in sorted(names)))
    return space, names


def read_page(ground: Ground, space: str, **query: str) -> Any:
    return ground.send("GET", f"/api/v1/namespaces/{space}/pods", **query)


def test_pages_join_into_the_whole_list(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pod once, whatever the size of a page."""
    monkeypatch.setattr("bot.gateways.kubernetes.pages.PAGE_SIZE", 2)
    space, names = make_pods(ground, 5)
    assert sorted(pod.name for pod in ground.gateway.list_pods(space)) == sorted(names)


@pytest.mark.weather("watch or list expired")
def test_a_list_that_expires_is_started_anew(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """History is forgotten between two pages; still each pod once."""
    ground.need("compact")
    monkeypatch.setattr("bot.gateways.kubernetes.pages.PAGE_SIZE", 2)
    space, names = make_pods(ground, 5)
    pods = ground.gateway.list_pods(space)
    seen = [next(pods).name]
    ground.create(config("ConfigMap", space, "later"))
    ground.compact()
    seen += [pod.name for pod in pods]
    assert sorted(seen) == sorted(names)


def test_an_old_token_is_answered_with_a_fresh_one(ground: Ground) -> None:
    """410 Expired, and a token for an inconsistent rest of the list."""
    ground.need("compact")
    space, _ = make_pods(ground, 3)
    token = read_page(ground, space, limit="1").json()["metadata"]["continue"]
    ground.create(config("ConfigMap", space, "later"))
    ground.compact()
    answer = read_page(ground, space, limit="1", **{"continue": token})
    assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")
    fresh = answer.json()["metadata"]["continue"]
    rest = read_page(ground, space, **{"continue": fresh})
    assert [item["metadata"]["name"] for item in rest.json()["items"]] == ["pod-1", "pod-2"]


def test_resource_version_zero_ignores_the_limit(ground: Ground) -> None:
    """Why pages are asked for without it."""
    space, names = make_pods(ground, 3)

    def count() -> int:
        return len(read_page(ground, space, limit="1", resourceVersion="0").json()["items"])

    ground.until(lambda: count() == len(names))  # a real server answers from a cache, which may be behind


def test_the_last_page_has_no_token(ground: Ground) -> None:
    """Also where it is full."""
    space, _ = make_pods(ground, 2)
    first = read_page(ground, space, limit="1").json()["metadata"]
    assert first["remainingItemCount"] == 1
    last = read_page(ground, space, limit="1", **{"continue": first["continue"]}).json()["metadata"]
    assert not last.get("continue")


@pytest.mark.weather("watch or list expired")
def test_a_watch_from_forgotten_history_ends_with_an_error_event(ground: Ground) -> None:
    """HTTP 200, then one event with code 410; a restarted API server remembers nothing."""
    ground.need("restart")
    space, _ = make_pods(ground, 1)
    ground.restart_api_server()
    query = {"watch": "true", "resourceVersion": "1", "timeoutSeconds": "5"}
    with ground.http.stream("GET", f"/api/v1/namespaces/{space}/pods", params=query) as answer:
        assert answer.status_code == 200
        event = json.loads(next(answer.iter_lines()))
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 1 (")


@pytest.mark.weather("API server restarted")
def test_reads_go_on_after_a_restart_of_the_api_server(ground: Ground) -> None:
    """Connections that died are opened anew."""
    ground.need("restart")
    space, names = make_pods(ground, 2)
    ground.restart_api_server()
    assert sorted(pod.name for pod in ground.gateway.list_pods(space)) == sorted(names)


def test_an_unknown_kind_reads_as_nothing(ground: Ground) -> None:
    """Neither list nor object."""
    assert ground.gateway.list_objects("nobody.example.com/v1", "Nothing") == ()
    assert ground.gateway.read_object("nobody.example.com/v1", "Nothing", "default", "x") is None


def is_served(ground: Ground) -> bool:
    """Whether the kind is both served and told of: a new kind's objects may be there before discovery names it."""
    named = ground.send("GET", "/apis/contracts.example.com/v1")
    kinds = {row["kind"] for row in named.json().get("resources") or ()} if named.is_success else set[str]()
    return "Thing" in kinds and ground.send("GET", "/apis/contracts.example.com/v1/things").is_success


def test_a_kind_defined_later_is_found(ground: Ground) -> None:
    """What was absent is asked for anew; apply and read work without a schema."""
    space = ground.make_space()
    assert ground.gateway.list_objects("contracts.example.com/v1", "Thing", space) == ()
    ground.create(THINGS)
    meta = {"name": "one", "namespace": space}
    ground.until(lambda: is_served(ground))
    ground.gateway.apply_object(
        {"apiVersion": "contracts.example.com/v1", "kind": "Thing", "metadata": meta, "spec": {"size": 1}}
    )
    (found,) = ground.gateway.list_objects("contracts.example.com/v1", "Thing", space)
    assert (found["kind"], found["metadata"]["name"], found["spec"]) == ("Thing", "one", {"size": 1})
    assert ground.send("DELETE", f"{DEFINITIONS}/things.contracts.example.com").is_success


def test_apply_creates_what_is_absent(ground: Ground) -> None:
    """As kubectl apply does."""
    space = ground.make_space()
    ground.gateway.apply_object(config("ConfigMap", space, "settings", a="1"))
    assert ground.gateway.read_config_map(space, "settings") == {"a": "1"}


def test_an_object_of_an_absent_kind_can_not_be_applied(ground: Ground) -> None:
    """With what to install."""
    with pytest.raises(GiveUp, match="doesn't serve Nothing"):
        ground.gateway.apply_object(
            {"apiVersion": "nobody.example.com/v1", "kind": "Nothing", "metadata": {"name": "x"}}
        )


def test_objects_are_chosen_by_label(ground: Ground) -> None:
    """Selectors go to the server."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=0), deployment(space, "cart", replicas=0))
    path = f"/apis/apps/v1/namespaces/{space}/deployments/cart"
    ground.send("PATCH", path, {"metadata": {"labels": {"tier": "back"}}}, MERGE)
    found = ground.gateway.list_objects("apps/v1", "Deployment", space, "tier=back")
    assert [one["metadata"]["name"] for one in found] == ["cart"]


def test_a_stale_update_is_refused(ground: Ground) -> None:
    """Compare and swap by resourceVersion."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=0))
    ground.settle(named(space))
    path = f"/apis/apps/v1/namespaces/{space}/deployments/web"
    stale = ground.send("GET", path).json()
    ground.send("PATCH", path, {"metadata": {"labels": {"touched": "yes"}}}, MERGE)
    answer = ground.send("PUT", path, stale)
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")


def test_a_dry_run_restart_is_shown_and_not_kept(ground: Ground) -> None:
    """The generation moves in the answer alone."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=0))
    before = ground.settle(named(space)).generation
    path = f"/apis/apps/v1/namespaces/{space}/deployments/web"
    change = {"spec": {"template": {"metadata": {"annotations": {"seen": "yes"}}}}}
    answer = ground.send("PATCH", path, change, MERGE, dryRun="All")
    assert answer.json()["metadata"]["generation"] == before + 1
    assert ground.read(named(space)).generation == before


def test_metadata_alone_can_be_listed(ground: Ground) -> None:
    """PartialObjectMetadataList, for ConfigMaps and Secrets whose texts are nobody's business."""
    space = ground.make_space()
    ground.create(config("Secret", space, "keys", k="s"))
    media = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    found = ground.http.get(f"/api/v1/namespaces/{space}/secrets", headers={"Accept": media}).json()
    assert found["kind"] == "PartialObjectMetadataList"
    assert all("data" not in item for item in found["items"])


def test_an_object_is_deleted_by_its_uid(ground: Ground) -> None:
    """Another one that was born under the name stays; a second time there is nothing to delete."""
    space = ground.make_space()
    ground.create(config("ConfigMap", space, "settings", a="1"))
    found = ground.gateway.read_object("v1", "ConfigMap", space, "settings")
    assert found is not None
    uid = found["metadata"]["uid"]
    ground.gateway.delete_object("v1", "ConfigMap", space, "settings", "00000000-0000-0000-0000-000000000000")
    assert ground.gateway.read_config_map(space, "settings") == {"a": "1"}
    ground.gateway.delete_object("v1", "ConfigMap", space, "settings", uid)
    ground.until(lambda: ground.gateway.read_config_map(space, "settings") is None)
    ground.gateway.delete_object("v1", "ConfigMap", space, "settings", uid)
    ground.gateway.delete_object("nobody.example.com/v1", "Nothing", space, "settings", uid)
