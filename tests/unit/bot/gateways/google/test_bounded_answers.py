"""No answer of Google's APIs, or of what stands in their place, fills the memory."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

import pytest

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.gke import GkeGateway, GoogleEndpoints
from steps.contract.errors import GiveUp, TryAgain
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply, in_order
from tests.unit.bot.gateways.project import ADDRESS, Google, refuse_kubeconfigs

CALLS: dict[str, Callable[[GkeGateway], object]] = {
    "get a cluster": lambda gke: gke.find_endpoint(ADDRESS),
    "list clusters": lambda gke: gke.discover_clusters("example-project"),
    "list operations": lambda gke: gke.list_operations(ADDRESS),
    "list services": lambda gke: gke.list_disabled_services("example-project", ["a"]),
}
ENDLESS: dict[str, Reply] = {
    "plain": Reply(200, b" " * 500_000),
    "an error": Reply(403, b" " * 500_000),
    "compressed": Reply(200, gzip.compress(b" " * 500_000), {"Content-Encoding": "gzip"}),
}


@pytest.fixture
def reach(google: Google, retries: ReadRetries) -> Iterator[Callable[[str], GkeGateway]]:
    """Google's APIs at an address, with the stand-in's credentials."""
    opened: list[GkeGateway] = []

    def open_at(url: str) -> GkeGateway:
        places = GoogleEndpoints(url, url, url)
        opened.append(GkeGateway(google.credentials, refuse_kubeconfigs, places, retries=retries))
        return opened[-1]

    yield open_at
    for gateway in opened:
        gateway.close()


@pytest.mark.parametrize("answer", ENDLESS)
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_without_an_end_is_refused(
    reach: Callable[[str], GkeGateway], serve: Serve, monkeypatch: pytest.MonkeyPatch, call: str, answer: str
) -> None:
    """Before it is parsed, whatever its status, and counted as it is unpacked."""
    monkeypatch.setattr("bot.gateways.google.bounded_answers.LARGEST_ANSWER", 100_000)
    server = serve(in_order(ENDLESS[answer]))
    with pytest.raises(GiveUp, match="with more than it ever has to say"):
        CALLS[call](reach(server.url))


def test_an_answer_that_is_cut_off_is_tried_again(reach: Callable[[str], GkeGateway], serve: Serve) -> None:
    """As before."""
    server = serve(lambda _request: Reply(200, b" " * 5_000, cut=100))
    with pytest.raises(TryAgain):
        reach(server.url).find_endpoint(ADDRESS)
