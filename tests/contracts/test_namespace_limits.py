"""What quotas count and LimitRanges bound."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.ground import Ground
from tests.contracts.shapes import bare_pod, config

Json = dict[str, Any]


def limit(ground: Ground, space: str, kind: str, spec: Json) -> None:
    ground.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": "few", "namespace": space}, "spec": spec})


def set_quota(ground: Ground, space: str, **hard: str) -> None:
    """A quota that is in force: its controller has counted once."""
    limit(ground, space, "ResourceQuota", {"hard": {name.replace("_", "/"): amount for name, amount in hard.items()}})
    ground.until(lambda: read_used(ground, space) is not None)


def read_used(ground: Ground, space: str) -> Json | None:
    found = ground.send("GET", f"/api/v1/namespaces/{space}/resourcequotas/few").json()
    used: Json | None = (found.get("status") or {}).get("used")
    return used


def pod(space: str, name: str, **resources: Json) -> Json:
    made = bare_pod(space, name)
    made["spec"]["containers"][0]["resources"] = resources
    return made


def bound_containers(ground: Ground, space: str, row: Json) -> None:
    """A LimitRange that is in force: the server notes on a pod what it was given, or refuses it."""
    limit(ground, space, "LimitRange", {"limits": [row]})
    path, asked = f"/api/v1/namespaces/{space}/pods", bare_pod(space, "probe")
    plain = {"requests": {"cpu": "10m"}}
    asked["spec"]["containers"][0]["resources"] = plain

    def is_in_force() -> bool:
        answer = ground.send("POST", path, asked, dryRun="All")
        return not answer.is_success or answer.json()["spec"]["containers"][0]["resources"] != plain

    ground.until(is_in_force)


def is_refused(ground: Ground, space: str) -> bool:
    """Whether admission knows of a quota by now: it hears of it later than whoever reads it."""
    probe = bare_pod(space, "probe")
    return ground.send("POST", f"/api/v1/namespaces/{space}/pods", probe, dryRun="All").status_code == 403


def refusal(ground: Ground, made: Json) -> str:
    answer = ground.post(made)
    assert answer.status_code == 403, answer.text
    return str(answer.json()["message"])


def test_a_quota_counts_objects_of_any_kind(ground: Ground) -> None:
    """By `count/`, and some kinds by their bare name."""
    space = ground.make_space()
    set_quota(ground, space, count_configmaps="3", secrets="9")
    ground.create(config("ConfigMap", space, "one", a="1"))
    while ground.post(config("ConfigMap", space, f"more-{ground.now():.0f}", a="1")).status_code == 201:
        ground.pause(1.1)
    said = refusal(ground, config("ConfigMap", space, "last", a="1"))
    assert said == (
        'configmaps "last" is forbidden: exceeded quota: few, requested: count/configmaps=1, '
        "used: count/configmaps=3, limited: count/configmaps=3"
    )


@pytest.mark.parametrize("name", ["cpu", "requests.memory", "limits.cpu"])
def test_what_a_quota_counts_has_to_be_specified(ground: Ground, name: str) -> None:
    """By every container."""
    space = ground.make_space()
    limit(ground, space, "ResourceQuota", {"hard": {name: "2"}})
    ground.until(lambda: is_refused(ground, space))
    assert refusal(ground, bare_pod(space, "web")).endswith(f"failed quota: few: must specify {name}")


def test_a_quota_adds_up_requests_and_limits(ground: Ground) -> None:
    """The one that is exceeded is named with its numbers."""
    space = ground.make_space()
    limit(ground, space, "ResourceQuota", {"hard": {"limits.cpu": "1", "requests.memory": "1Gi"}})
    ground.until(lambda: is_refused(ground, space))
    room = {"requests": {"memory": "64Mi", "cpu": "100m"}, "limits": {"cpu": "600m", "memory": "64Mi"}}
    ground.create(pod(space, "one", **room))
    ground.until(lambda: (read_used(ground, space) or {}).get("limits.cpu") == "600m")
    said = refusal(ground, pod(space, "two", **room))
    assert "exceeded quota: few, requested: limits.cpu=600m, used: limits.cpu=600m, limited: limits.cpu=1" in said


def test_a_limit_range_gives_what_a_container_leaves_out(ground: Ground) -> None:
    """Its defaults become the container's own."""
    space = ground.make_space()
    row = {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m", "memory": "32Mi"}}
    bound_containers(ground, space, row)
    made = ground.post(bare_pod(space, "web")).json()["spec"]["containers"][0]["resources"]
    assert made == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m", "memory": "32Mi"}}


def test_a_limit_range_refuses_what_is_out_of_bounds(ground: Ground) -> None:
    """The bound and the amount are named."""
    space = ground.make_space()
    bound_containers(ground, space, {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "50m"}})
    large = refusal(ground, pod(space, "large", limits={"cpu": "2"}))
    assert "maximum cpu usage per Container is 1, but limit is 2" in large
    small = refusal(ground, pod(space, "small", limits={"cpu": "1"}, requests={"cpu": "10m"}))
    assert "minimum cpu usage per Container is 50m, but request is 10m" in small
