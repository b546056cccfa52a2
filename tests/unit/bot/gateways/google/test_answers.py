"""Answers of 200 that are none of Google's, and whose quota a call counts against."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.gke import GkeGateway, GoogleEndpoints
from steps.contract.errors import TryAgain
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply
from tests.unit.bot.gateways.project import ADDRESS, Google, refuse_kubeconfigs

CALLS: dict[str, Callable[[GkeGateway], object]] = {
    "get a cluster": lambda gke: gke.find_endpoint(ADDRESS),
    "list clusters": lambda gke: gke.discover_clusters("example-project"),
    "list operations": lambda gke: gke.list_operations(ADDRESS),
    "list services": lambda gke: gke.list_disabled_services("example-project", ["a"]),
}
PAGE = b"\n<!DOCTYPE html><html><head><title>Sign in to Example</title></head></html>"
ANSWERS: dict[str, tuple[Reply, str]] = {
    "a sign-in page": (Reply(200, PAGE, {"Content-Type": "text/html"}), "a page for people (Sign in to Example)"),
    "a page without a title": (Reply(200, b"<html>"), "with a page for people: something on the way"),
    "a way to a page": (Reply(302, b"", {"Location": "/login"}), "with a page for people: something on the way"),
    "half an object": (Reply(200, b'{"clusters": [{"name"'), "with broken JSON"),
    "a list": (Reply(200, b"[]"), "with broken JSON"),
    "nothing": (Reply(200, b""), "with broken JSON"),
    "another form": (Reply(200, b'{"name": 5, "clusters": 5, "operations": 5, "services": 5}'), "with broken JSON: "),
}


@pytest.fixture
def reach(google: Google, retries: ReadRetries) -> Iterator[Callable[..., GkeGateway]]:
    """Google's APIs at an address, with the stand-in's credentials, or with others."""
    opened: list[GkeGateway] = []

    def open_at(url: str, credentials: GoogleCredentials = google.credentials) -> GkeGateway:
        opened.append(GkeGateway(credentials, refuse_kubeconfigs, GoogleEndpoints(url, url, url), retries=retries))
        return opened[-1]

    yield open_at
    for gateway in opened:
        gateway.close()


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_none_of_googles_is_told_as_what_it_is(
    reach: Callable[..., GkeGateway], serve: Serve, call: str, answer: str
) -> None:
    """And asked for again: a proxy that wants a sign-in, or is out of order, comes right without the bot."""
    reply, told = ANSWERS[answer]
    server = serve(lambda _request: reply)
    with pytest.raises(TryAgain) as fault:
        CALLS[call](reach(server.url))
    assert told in fault.value.why


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("project", ["", "quota-project"])
def test_the_quota_project_of_the_credentials_is_sent(
    reach: Callable[..., GkeGateway], serve: Serve, google: Google, call: str, project: str
) -> None:
    """With every call, and none where they carry none: a person's credentials have no quota of their own."""
    loaded = google.credentials.load().with_quota_project(project or None)  # type: ignore[attr-defined]
    server = serve(lambda _request: Reply(403, b"{}"))
    with pytest.raises(Exception, match="answered"):
        CALLS[call](reach(server.url, GoogleCredentials(lambda: loaded)))
    assert {request.headers.get("X-Goog-User-Project", "") for request in server.requests} == {project}
