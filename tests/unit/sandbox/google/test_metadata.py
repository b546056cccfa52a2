"""The sandbox's metadata server, asked by Google's own library and by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import Request

from sandbox.google.account import EMAIL, PROJECT, AccessTokens, ServiceAccount
from sandbox.google.metadata import FLAVOR, ROOT, MetadataServer, MetadataSwitches, open_metadata
from sandbox.google.weathers import METADATA_WEATHERS, describe_metadata_weathers, find_metadata_weather
from sandbox.options import WORKLOAD_IDENTITY, SandboxOptions
from sandbox.supervisor import find_identity
from sandbox.web.sites import RunningSite, serve_in_thread
from sandbox.world import free_port

PATIENCE, PAUSE = 20.0, 0.02


@pytest.fixture(scope="module")
def server() -> MetadataServer:
    """One for all tests, for a key takes time to make."""
    return MetadataServer(ServiceAccount.make(), AccessTokens())


@pytest.fixture
def site(server: MetadataServer) -> Iterator[RunningSite]:
    """Serve it in order."""
    server.switches = MetadataSwitches()
    running = serve_in_thread(server.app())
    yield running
    running.stop()


def test_googles_library_finds_the_pods_account(
    site: RunningSite, server: MetadataServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on GKE: the ping, the project, the account and a token that the sandbox's Google takes."""
    host = site.url.removeprefix("http://")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)
    request: Any = Request()
    ask: Any = _metadata
    assert ask.ping(request)
    assert (ask.get_project_id(request), ask.get_universe_domain(request)) == (PROJECT, "googleapis.com")
    assert ask.get_service_account_info(request)["email"] == EMAIL
    token, _expiry = ask.get_service_account_token(request)
    assert server.tokens.accepts(token)


def test_only_who_names_the_flavor_is_answered(site: RunningSite) -> None:
    """A page in a browser could ask otherwise."""
    assert httpx.get(f"{site.url}{ROOT}/project/project-id", timeout=60).status_code == 403


@pytest.mark.parametrize("path", ["/instance/service-accounts/other@example.com/token", "/instance/attributes/"])
def test_nothing_but_the_pods_own_account_is_there(site: RunningSite, path: str) -> None:
    """GKE's hides the rest of the machine's too."""
    assert httpx.get(f"{site.url}{ROOT}{path}", headers=FLAVOR, timeout=60).status_code == 404


def test_a_trouble_of_so_many_answers_passes(site: RunningSite, server: MetadataServer) -> None:
    """Two, then the token."""
    server.switches.status, server.switches.status_times = 503, 2
    url = f"{site.url}{ROOT}/instance/service-accounts/default/token"
    assert [httpx.get(url, headers=FLAVOR, timeout=60).status_code for _ in range(3)] == [503, 503, 200]


def test_a_server_that_is_late_or_away_refuses_connections(server: MetadataServer) -> None:
    """In a new pod's first minute, and while the switch says so."""
    switches = server.switches = MetadataSwitches(late_seconds=60)
    now, port = [0.0], free_port()

    async def is_open() -> bool:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            return False
        writer.close()
        return True

    async def look() -> None:
        async with open_metadata(server, port, lambda: now[0]):
            assert not await is_open()
            now[0] = 61.0
            await wait_for(is_open, True)
            switches.away = True
            await wait_for(is_open, False)

    asyncio.run(look())


async def wait_for(ask: Callable[[], Awaitable[bool]], wanted: bool) -> None:
    """Ask until the answer comes; what listens is another coroutine."""
    for _ in range(int(PATIENCE / PAUSE)):
        if await ask() is wanted:
            return
        await asyncio.sleep(PAUSE)
    pytest.fail("the metadata server neither opened nor closed")


def test_each_weather_has_a_sentence_of_its_own() -> None:
    """A row is a line of a terminal."""
    assert len({one.name for one in METADATA_WEATHERS}) == len(METADATA_WEATHERS)
    for one in METADATA_WEATHERS:
        assert one.sentence.endswith(".")
        assert one.name in describe_metadata_weathers()


def test_weathers_of_the_metadata_server_need_workload_identity() -> None:
    """Another name is refused with those that there are."""
    weather = ("quota", "metadata-slow")
    found = find_identity(SandboxOptions(weather=weather, credentials=WORKLOAD_IDENTITY))
    assert found is not None
    assert [one.name for one in found.weathers] == ["metadata-slow"]
    with pytest.raises(ValueError, match="metadata-slow is met by --credentials workload-identity only"):
        find_identity(SandboxOptions(weather=weather))
    with pytest.raises(ValueError, match="--credentials is key-file or workload-identity, not 'none'"):
        find_identity(SandboxOptions(credentials="none"))
    with pytest.raises(ValueError, match="there is no weather 'metadata-hail'; there are metadata-away"):
        find_metadata_weather("metadata-hail")
