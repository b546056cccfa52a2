"""Watches of the simulated cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

from tests.unit.sandbox.cluster.conftest import ServedYard
from tests.unit.sandbox.cluster.yard import bare_pod

Event = tuple[str, str]


class RawWatch:
    """A watch read line by line."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._lines = self._split(answer)

    def __iter__(self) -> Iterator[Any]:
        return self._lines

    def next(self) -> Any:
        """Return the next event, decoded."""
        return next(self._lines)

    def _split(self, answer: urllib3.BaseHTTPResponse) -> Iterator[Any]:
        rest = b""
        for part in answer.stream(None):
            rest += part
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield json.loads(line)


@contextmanager
def raw_watch(served: ServedYard, query: str, path: str = "/api/v1/namespaces/shop/pods") -> Iterator[RawWatch]:
    """Open a watch that ends by itself within two minutes."""
    pool = urllib3.PoolManager(ca_certs=str(served.certificate.ca_file), retries=False)
    headers = {"Authorization": f"Bearer {served.yard.cluster.tokens.admin}"}
    url = f"{served.url}{path}?watch=1&timeoutSeconds=120&{query}"
    answer = pool.request("GET", url, headers=headers, preload_content=False, timeout=150)
    try:
        yield RawWatch(answer)
    finally:
        answer.close()
        pool.clear()


def shown(event: Any) -> Event:
    return event["type"], event["object"]["metadata"]["name"]


def revision(served: ServedYard) -> int:
    return served.yard.cluster.store.revision


def test_watch_without_a_version_begins_with_what_exists(served: ServedYard) -> None:
    """What is there comes first, as ADDED; then what changes."""
    served.yard.create(bare_pod("one"))
    with raw_watch(served, "") as events:
        assert shown(events.next()) == ("ADDED", "one")
        served.yard.create(bare_pod("two"))
        assert shown(events.next()) == ("ADDED", "two")


def test_watch_from_a_version_replays_history(served: ServedYard) -> None:
    """Everything since the version is sent, in order."""
    start = revision(served)
    served.yard.create(bare_pod("one"), bare_pod("two"))
    served.yard.patch("pods", "one", {"metadata": {"labels": {"a": "b"}}})
    with raw_watch(served, f"resourceVersion={start}") as events:
        assert [shown(events.next()) for _ in range(3)] == [("ADDED", "one"), ("ADDED", "two"), ("MODIFIED", "one")]


def test_objects_enter_and_leave_a_selection(served: ServedYard) -> None:
    """A label change is ADDED or DELETED to a watch with a selector."""
    served.yard.create(bare_pod("one"))
    with raw_watch(served, f"labelSelector=tier%3Dx&resourceVersion={revision(served)}") as events:
        served.yard.patch("pods", "one", {"metadata": {"labels": {"tier": "x"}}})
        assert shown(events.next()) == ("ADDED", "one")
        served.yard.patch("pods", "one", {"metadata": {"labels": {"tier": None}}})
        assert shown(events.next()) == ("DELETED", "one")


def test_old_version_is_an_error_event(served: ServedYard) -> None:
    """After compaction a watch answers 200 with an ERROR event of code 410."""
    old = revision(served)
    served.yard.create(bare_pod("one"))
    served.yard.cluster.expire_watches()
    with raw_watch(served, f"resourceVersion={old}") as events:
        event = events.next()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith(f"too old resource version: {old} (")


def test_old_version_can_be_a_status(served: ServedYard) -> None:
    """The other form: HTTP 410."""
    old = revision(served)
    served.yard.cluster.faults.watch_expiry = "status"
    served.yard.create(bare_pod("one"))
    served.yard.cluster.expire_watches()
    with served.api() as api, pytest.raises(ApiException) as caught:
        client.CoreV1Api(api).list_namespaced_pod("shop", watch=True, resource_version=str(old))
    assert caught.value.status == 410


def test_open_watch_expires(served: ServedYard) -> None:
    """A watch that is open when history goes is told, and ends."""
    with raw_watch(served, f"resourceVersion={revision(served)}") as events:
        served.yard.create(bare_pod("one"))
        events.next()
        served.yard.cluster.expire_watches()
        assert [event["type"] for event in events] == ["ERROR"]


def test_bookmarks_carry_a_version_alone(served: ServedYard) -> None:
    """A watch that asks for bookmarks is told how far it is, without an object to decode."""
    served.yard.cluster.bookmark_seconds = 0.05
    with raw_watch(served, f"allowWatchBookmarks=true&resourceVersion={revision(served)}") as events:
        event = events.next()
    assert event["type"] == "BOOKMARK"
    assert set(event["object"]) == {"kind", "apiVersion", "metadata"}
    assert event["object"]["metadata"]["resourceVersion"] == str(revision(served))


def test_bookmarks_are_for_those_who_ask(served: ServedYard) -> None:
    """A watch that doesn't gets objects alone."""
    served.yard.cluster.bookmark_seconds = 0.01
    with raw_watch(served, f"resourceVersion={revision(served)}") as events:
        threading.Timer(0.2, lambda: served.yard.create(bare_pod("one"))).start()
        assert shown(events.next()) == ("ADDED", "one")


def test_silent_watch_stays_open(served: ServedYard) -> None:
    """A half-open watch says nothing and ends only by its own timeout."""
    served.yard.cluster.faults.silent_watches = True
    with served.api() as api:
        watching: Any = watch.Watch
        listing: Any = client.CoreV1Api(api).list_namespaced_pod
        served.yard.create(bare_pod("one"))
        assert list(watching().stream(listing, "shop", timeout_seconds=1)) == []


def test_typed_watch_ends_after_its_timeout(served: ServedYard) -> None:
    """The Python client's own watch sees the events and ends by timeoutSeconds."""
    served.yard.create(bare_pod("one"))
    with served.api() as api:
        watching: Any = watch.Watch
        stream = watching().stream(client.CoreV1Api(api).list_namespaced_pod, "shop", timeout_seconds=1)
        seen = [(event["type"], event["object"].metadata.name) for event in stream]
    assert seen == [("ADDED", "one")]


def test_watch_of_one_name(served: ServedYard) -> None:
    """A field selector by name narrows the watch."""
    with raw_watch(served, f"fieldSelector=metadata.name%3Dtwo&resourceVersion={revision(served)}") as events:
        served.yard.create(bare_pod("one"), bare_pod("two"))
        assert shown(events.next()) == ("ADDED", "two")


def test_watch_in_tables(served: ServedYard) -> None:
    """kubectl get -w receives rows."""
    served.yard.create(bare_pod("one"))
    pool = urllib3.PoolManager(ca_certs=str(served.certificate.ca_file), retries=False)
    headers = {
        "Authorization": f"Bearer {served.yard.cluster.tokens.admin}",
        "Accept": "application/json;as=Table;v=v1;g=meta.k8s.io",
    }
    url = f"{served.url}/api/v1/namespaces/shop/pods?watch=1&timeoutSeconds=1"
    answer = pool.request("GET", url, headers=headers, timeout=150)
    event = json.loads(answer.data.splitlines()[0])
    pool.clear()
    assert event["object"]["kind"] == "Table"
    assert event["object"]["rows"][0]["cells"][0] == "one"
