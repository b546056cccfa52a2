"""A redirect stands for nothing that was asked for: at Google, Prometheus, the release server and webhooks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.gateways.calls.faults import OutsideCall
from bot.gateways.google.gke import GkeGateway, GoogleEndpoints
from bot.gateways.probes import ProbesGateway
from bot.gateways.releases.web_files import open_client, open_file
from bot.gateways.webhook_posts import WebhookPosts
from steps.contract.errors import StepError
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply, in_order
from tests.unit.bot.gateways.project import ADDRESS, Google, refuse_kubeconfigs

LIMITS = (20.0, 20.0)
JSON = b'{"data": {"resultType": "scalar", "result": [0, "1"]}}'


def at_google(google: Google, url: str) -> GkeGateway:
    """Google's APIs at an address."""
    return GkeGateway(google.credentials, refuse_kubeconfigs, GoogleEndpoints(url, url, url))


def download(url: str) -> None:
    """A file of the release server, which follows redirects that name a place."""
    with open_client(LIMITS) as client, open_file(client, OutsideCall("the server", "download"), url):
        pass


CALLS: dict[str, Callable[[Google, str], object]] = {
    "find a cluster": lambda google, url: at_google(google, url).find_endpoint(ADDRESS),
    "list services": lambda google, url: at_google(google, url).list_disabled_services("example-project", ["a"]),
    "query a metric": lambda _, url: ProbesGateway(LIMITS).query_metric(url, "errors"),
    "download": lambda _, url: download(url),
    "tell a webhook": lambda _, url: WebhookPosts("w", LIMITS, 60.0).post(url, {}, b"{}"),
}


@pytest.mark.parametrize("status", [300, 302, 304])
@pytest.mark.parametrize("call", CALLS)
def test_a_redirect_is_no_answer(google: Google, serve: Serve, call: str, status: int) -> None:
    """Also where its body is what the service itself would say."""
    server = serve(in_order(Reply(status, b"" if status == 304 else JSON)))
    with pytest.raises(StepError, match=f"answered {status}|page for people"):
        CALLS[call](google, server.url)
