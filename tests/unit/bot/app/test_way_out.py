"""Each client and each child program goes by the proxy, and trusts the CA that is not public."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.app.way_out import NEARBY, take_way_out
from bot.gateways.programs import guarded_runs, mesh_tools
from bot.gateways.releases.web_files import open_client
from bot.settings.way_out import WayOut
from bot.slack.api.clients import build_reading_client
from sandbox.cluster.http.tls import ensure_certificate
from tests.unit.bot.gateways.loopback import Loopback, Reply

# Resolves nowhere: whoever reaches it went by the proxy.
HOST = "service.asm-upgrade.invalid"
LIMIT = 20


class Proxy(ThreadingHTTPServer):
    """An HTTP proxy that connects every tunnel to one server; `asked` is where to."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        self.target = target
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Tunnel(BaseHTTPRequestHandler):
    """One CONNECT."""

    timeout = LIMIT
    server: Proxy

    def do_CONNECT(self) -> None:
        """Pass bytes on until one side ends."""
        self.server.asked.append(self.path)
        host, port = self.server.target.split(":")
        with socket.create_connection((host, int(port)), LIMIT) as far:
            self.send_response(200)
            self.end_headers()
            while pass_on(self.connection, far):
                pass

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        """Say nothing."""


def pass_on(near: socket.socket, far: socket.socket) -> bool:
    """Hand over what has come; whether more may come."""
    ready, _, _ = select.select([near, far], [], [], LIMIT)
    for side in ready:
        try:
            content = os.read(side.fileno(), 65_536)
            (far if side is near else near).sendall(content)
        except ConnectionError:  # whoever has read enough may close before all has come
            return False
        if not content:
            return False
    return bool(ready)


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before a server whose certificate is of a CA of its own, and the settings in force."""
    served = ensure_certificate(tmp_path / "tls", [HOST])
    with (
        Loopback(lambda _request: Reply.of({"ok": True}), served.server_context()) as server,
        Proxy(server.address) as made,
    ):
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        for name, value in find_changes(WayOut(made.url, served.ca_file), tmp_path).items():
            monkeypatch.setenv(name, value)
        yield made
        made.shutdown()
        thread.join(LIMIT)


def find_changes(way: WayOut, state: Path, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that are set."""
    environment = dict(before or {})
    take_way_out(way, state, environment)
    return environment


def ask_by_httpx() -> None:
    """Downloads, probes, webhooks."""
    with open_client((LIMIT, LIMIT)) as client:
        assert client.get(f"https://{HOST}/").status_code == 200


def ask_by_requests() -> None:
    """Google's clients."""
    import requests

    assert requests.get(f"https://{HOST}/", timeout=LIMIT).status_code == 200


def ask_by_slack() -> None:
    """Slack's Web API."""
    assert build_reading_client("xoxb-1", f"https://{HOST}/api/").auth_test()["ok"]


def ask_by_kubernetes() -> None:
    """An API server with a certificate that is taken for a public one."""
    from kubernetes.client import ApiClient, Configuration

    with ApiClient(Configuration(host=f"https://{HOST}")) as client:
        assert client.rest_client.request("GET", f"https://{HOST}/version", _request_timeout=LIMIT).status == 200


def ask_by_websocket() -> None:
    """Socket Mode; the server speaks no WebSocket, and says so over the trusted connection."""
    import websocket

    with pytest.raises(websocket.WebSocketBadStatusException):
        websocket.create_connection(f"wss://{HOST}/", timeout=LIMIT)


def ask_by_program(passed_on: tuple[str, ...]) -> None:
    """A child program, with what it gets of the bot's environment."""
    script = f"import urllib.request as r; print(r.urlopen('https://{HOST}/', timeout={LIMIT}).status)"
    environment = {name: os.environ[name] for name in passed_on if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "200", done.stderr


CLIENTS: Mapping[str, Callable[[], None]] = {
    "httpx": ask_by_httpx,
    "requests": ask_by_requests,
    "slack": ask_by_slack,
    "kubernetes": ask_by_kubernetes,
    "websocket": ask_by_websocket,
    "istioctl and asmctl": lambda: ask_by_program(mesh_tools.PASSED_ON),
    "kubectl": lambda: ask_by_program(guarded_runs.PASSED_ON),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_goes_by_the_proxy_and_trusts_the_ca(proxy: Proxy, client: str) -> None:
    """Nothing else is set."""
    CLIENTS[client]()
    assert proxy.asked == [f"{HOST}:443"]


def test_hosts_named_already_stay_beside_the_proxy(tmp_path: Path) -> None:
    """With the machine itself and the metadata server."""
    changed = find_changes(WayOut("http://proxy:1"), tmp_path, {"no_proxy": "10.0.0.2, .internal"})
    assert changed["NO_PROXY"].split(",") == ["10.0.0.2", ".internal", *NEARBY]


def test_the_straight_way_changes_nothing(tmp_path: Path) -> None:
    """What the machine's administrator set counts."""
    assert find_changes(WayOut(), tmp_path, {"HTTPS_PROXY": "http://a:1"}) == {"HTTPS_PROXY": "http://a:1"}
    assert list(tmp_path.iterdir()) == []


def test_public_cas_are_trusted_as_before(tmp_path: Path) -> None:
    """The bundle holds them and the one given."""
    ca = ensure_certificate(tmp_path / "tls").ca_file
    bundle = Path(find_changes(WayOut("", ca), tmp_path)["SSL_CERT_FILE"]).read_text()
    assert ca.read_text() in bundle
    assert bundle.count("BEGIN CERTIFICATE") > 50
