from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.gateways.calls.bounded import BoundedCalls
from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes.api_server import ApiServer
from bot.gateways.kubernetes.connections import KubeconfigConnection
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import ClusterAddress
from tests.fifo import MakeFifo
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply, in_order

VERSION = Reply.of({"gitVersion": "v1.16.15-gke.6000"})
PLUGINS = "client.authentication.k8s.io/v1beta1"
TOKEN = f'{{"apiVersion": "{PLUGINS}", "kind": "ExecCredential", "status": {{"token": "from-plugin"}}}}'


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Give an event that is set in the end, so that nothing hangs on."""
    event = threading.Event()
    yield event
    event.set()


def test_an_answer_in_time_is_given() -> None:
    """The usual case."""
    assert BoundedCalls("the plugin", 10).run(lambda: 7) == 7


def test_the_calls_own_exception_is_raised() -> None:
    """Nothing is hidden by the thread."""
    with pytest.raises(ZeroDivisionError):
        BoundedCalls("the plugin", 10).run(lambda: 1 / 0)


def test_a_call_past_its_limit_is_left_behind(gate: threading.Event) -> None:
    """The caller goes on."""
    with pytest.raises(TryAgain, match="the plugin did not end"):
        BoundedCalls("the plugin", 0.01).run(gate.wait)


def test_no_second_call_is_begun_while_one_hangs(gate: threading.Event) -> None:
    """At most one thread is lost, however often it is tried."""
    calls, begun = BoundedCalls("the plugin", 0.01), []
    with pytest.raises(TryAgain):
        calls.run(gate.wait)
    with pytest.raises(TryAgain, match="still hangs"):
        calls.run(lambda: begun.append(1))
    assert begun == []


def write_exec_kubeconfig(folder: Path, url: str, script: str) -> ClusterAddress:
    """Write a kubeconfig whose credentials come from a program."""
    plugin = {
        "apiVersion": PLUGINS,
        "command": "/bin/sh",
        "args": ["-c", script],
        "interactiveMode": "Never",
    }
    content = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": {"exec": plugin}}],
    }
    path = folder / "exec.yaml"
    path.write_text(yaml.safe_dump(content))
    return ClusterAddress("cluster-x", kubeconfig=str(path))


def test_an_exec_plugins_token_is_used(serve: Serve, tmp_path: Path) -> None:
    """As gke-gcloud-auth-plugin gives it."""
    server = serve(in_order(VERSION))
    address = write_exec_kubeconfig(tmp_path, server.url, f"echo '{TOKEN}'")
    api = ApiServer(KubeconfigConnection(address))
    api.read("read the version", "/version")
    api.close()
    assert server.requests[0].headers["Authorization"] == "Bearer from-plugin"


def test_a_hanging_exec_plugin_is_left_behind(tmp_path: Path, make_fifo: MakeFifo) -> None:
    """The client would wait for it without end."""
    address = write_exec_kubeconfig(tmp_path, "http://127.0.0.1:9", f"read line < {make_fifo('never')}")
    api = ApiServer(KubeconfigConnection(address, limit=0.2), retries=ReadRetries(limit=0))
    with pytest.raises(TryAgain, match="exec plugin in the kubeconfig of cluster-x"):
        api.read("read the version", "/version")


def test_a_failing_exec_plugin_ends_in_a_clear_sentence(serve: Serve, tmp_path: Path) -> None:
    """Without credentials the API server says who is missing."""
    refused = Reply.of({"message": 'User "system:anonymous" cannot get path "/version"'}, 403)
    address = write_exec_kubeconfig(tmp_path, serve(in_order(refused)).url, "echo no login >&2; exit 1")
    api = ApiServer(KubeconfigConnection(address))
    with pytest.raises(GiveUp, match="system:anonymous"):
        api.read("read the version", "/version")
    api.close()
