"""Times for a person's kubectl, moved by as much as the cluster's clock leads its machine's."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from sandbox.cluster.http.moments import read_moments, show_moments
from sandbox.cluster.objects.objects import seconds_of
from tests.unit.sandbox.cluster.conftest import ServedYard

Json = dict[str, Any]
HERE, AHEAD = "2026-03-02T09:00:00Z", "2026-03-02T10:00:01Z"
LEAD = 3600.4


def make_pod(at: str) -> Json:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": at, "lastProbeTime": None}
    running = {"name": "main", "state": {"running": {"startedAt": at}}}
    managed = {"manager": "kubectl", "time": at, "fieldsV1": {"f:status": {"f:startTime": {}}}}
    return {
        "metadata": {"name": "web", "creationTimestamp": at, "managedFields": [managed]},
        "status": {"startTime": at, "conditions": [ready], "containerStatuses": [running]},
    }


def test_each_time_of_an_answer_is_by_the_readers_clock() -> None:
    """In metadata, conditions, statuses of containers, and the items of a list."""
    shown = show_moments({"kind": "PodList", "items": [make_pod(AHEAD)]}, LEAD)
    assert shown == {"kind": "PodList", "items": [make_pod(HERE)]}


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"rows": [{"cells": ["edit", AHEAD, 3, None]}]}, {"rows": [{"cells": ["edit", HERE, 3, None]}]}),
        ({"eventTime": "2026-03-02T10:00:01.250000Z"}, {"eventTime": "2026-03-02T09:00:00.250000Z"}),
        ({"spec": {"taints": [{"timeAdded": AHEAD}]}}, {"spec": {"taints": [{"timeAdded": HERE}]}}),
    ],
    ids=["cells", "parts-of-a-second", "taint"],
)
def test_odd_places_of_times(body: Json, shown: Json) -> None:
    """Cells that are a time, times with parts of a second, and what a spec holds."""
    assert show_moments(body, LEAD) == shown


def test_peoples_own_texts_stay() -> None:
    """A restart's stamp, a ConfigMap's value and a name may look like times."""
    body = {
        "metadata": {"name": AHEAD, "annotations": {"time": AHEAD}, "labels": {"startTime": AHEAD}},
        "data": {"time": AHEAD},
        "spec": {"startTime": "noon"},
    }
    assert show_moments(body, LEAD) == body


@pytest.mark.parametrize("lead", [0.0, 0.3, LEAD, -LEAD])
def test_what_is_read_and_put_back_is_as_it_was(lead: float) -> None:
    """A person's edit moves no time."""
    assert read_moments(show_moments(make_pod(AHEAD), lead), lead) == make_pod(AHEAD)


@pytest.mark.parametrize("lead", [0.0, 0.3, 59.99])
def test_nothing_past_comes_to_lie_ahead(lead: float) -> None:
    """Times have whole seconds, so a part of one counts as a whole."""
    assert show_moments({"startTime": "2026-03-02T10:01:00Z"}, lead)["startTime"] <= "2026-03-02T10:01:00Z"


def ask_created(served: ServedYard, agent: str, token: str, query: str = "") -> str:
    """When shop was made, as one client is told it."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": agent}
    pool = urllib3.PoolManager(ca_certs=str(served.certificate.ca_file), retries=False)
    path = f"/api/v1/namespaces?fieldSelector=metadata.name%3Dshop{query}"
    answer = json.loads(pool.request("GET", f"{served.url}{path}", headers=headers, timeout=30).data)
    pool.clear()
    found = answer["object"] if query else answer["items"][0]
    return str(found["metadata"]["creationTimestamp"])


@pytest.mark.parametrize("query", ["", "&watch=1&timeoutSeconds=1"], ids=["list", "watch"])
def test_only_a_persons_kubectl_lives_by_another_clock(served: ServedYard, query: str) -> None:
    """The bot, kubectls of its own and other programs see the cluster's times, in lists and in watches."""
    cluster = served.yard.cluster
    cluster.lead = lambda: LEAD
    world = cluster.api.get(cluster.resources.by_key("namespaces"), "", "shop")["metadata"]["creationTimestamp"]
    admin, bot = cluster.tokens.admin, "ya29.anything"
    for agent in ("kubectl/v1.20.2 (linux/amd64)", "kubectl.1.33/v1.33.1 (linux/amd64)"):
        assert seconds_of(ask_created(served, agent, admin, query)) == seconds_of(world) - 3601
        assert ask_created(served, agent, bot, query) == world
    assert ask_created(served, "istioctl", admin, query) == world
