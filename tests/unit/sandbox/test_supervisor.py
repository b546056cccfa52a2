from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.children import read_first_line

RELEASES = Path(__file__).parents[3] / "steps" / "releases"
LIMIT = 150
KEYS = {"page", "control", "kubernetes", "gke", "releases", "kubeconfig", "state", "environment"}

Started = tuple[subprocess.Popen[str], dict[str, Any]]


def command(*options: str) -> list[str]:
    """Return the command that starts a sandbox without the bot."""
    return [sys.executable, "-m", "sandbox", "--releases", str(RELEASES), "--no-bot", *options]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Start a sandbox and read its one line."""
    sandbox = subprocess.Popen(command("--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield sandbox, json.loads(read_first_line(sandbox))
    finally:
        sandbox.send_signal(signal.SIGINT)
        sandbox.communicate(timeout=LIMIT)


def test_one_line_names_everything(started: Started) -> None:
    """Addresses, paths and a bot's environment."""
    assert set(started[1]) == KEYS


def test_every_site_answers(started: Started) -> None:
    """Slack's page, the switches, the release; the cluster only those who trust it."""
    told = started[1]
    urls = [
        f"{told['page']}/",
        told["control"],
        f"{told['gke']}/control/google",
        f"{told['releases']}/control/releases",
    ]
    assert [httpx.get(url, timeout=60).status_code for url in urls] == [200, 200, 200, 200]


def test_the_kubeconfig_opens_the_cluster(started: Started) -> None:
    """With its certificate authority and its token."""
    config = json.loads(Path(started[1]["kubeconfig"]).read_text())
    assert config["clusters"][0]["cluster"]["server"] == started[1]["kubernetes"]


def test_the_release_files_point_to_the_sandbox(started: Started) -> None:
    """The target's address is the release server's, and those that it can come from inherit it."""
    folder = Path(started[1]["environment"]["ASM_UPGRADE_RELEASES"])
    texts = {file.name: file.read_text() for file in folder.glob("*.toml")}
    assert f'base_url = "{started[1]["releases"]}/gke-release/asm"' in texts.pop("asm-1.4.10-asm.18.toml")
    assert [name for name, text in texts.items() if 'inherits = "1.4.10-asm.18"' not in text] == []


def test_the_bots_kubectl_is_in_istioctls_window(started: Started) -> None:
    """The first on its PATH."""
    environment = started[1]["environment"]
    answer = subprocess.run(
        ["kubectl", "version", "--client", "-o", "json"],
        env={"PATH": environment["PATH"]}, capture_output=True, text=True, timeout=LIMIT, check=True,
    )  # fmt: skip
    assert json.loads(answer.stdout)["clientVersion"]["gitVersion"] == "v1.18.20"


def test_an_end_by_signal_leaves_nothing() -> None:
    """Exit code 0, and the folder is gone."""
    sandbox = subprocess.Popen(command("--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    state = Path(json.loads(read_first_line(sandbox))["state"])
    sandbox.send_signal(signal.SIGTERM)
    sandbox.communicate(timeout=LIMIT)
    assert (sandbox.returncode, state.exists()) == (0, False)


def test_a_taken_port_is_named() -> None:
    """And what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = subprocess.run(command("--port", port), capture_output=True, text=True, timeout=LIMIT, check=False)
    assert answer.returncode == 1
    assert f"port {port} is taken; choose another with --port" in answer.stdout


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    """The file and what to do about it."""
    (tmp_path / "clock.json").write_text("{")
    options = ["--state", str(tmp_path)]
    answer = subprocess.run(command(*options), capture_output=True, text=True, timeout=LIMIT, check=False)
    assert answer.returncode == 1
    assert f"{tmp_path / 'clock.json'} is damaged" in answer.stdout


def test_the_cluster_is_kept_in_the_folder(tmp_path: Path) -> None:
    """A second start goes on from the objects, the clock and the keys of the first."""
    first = last_state(tmp_path)
    again = last_state(tmp_path)
    assert again["clock"] >= first["clock"]
    assert again["keys"] == first["keys"]
    assert again["pods"] == first["pods"]


def last_state(folder: Path) -> dict[str, Any]:
    """Start a sandbox with this folder, end it at once, and return what it left there."""
    sandbox = subprocess.Popen(
        command("--json", "--state", str(folder)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert read_first_line(sandbox)
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=LIMIT)
    objects = json.loads((folder / "cluster" / "objects.json").read_text())["objects"]
    keys = [(folder / path).read_text() for path in ("release/signing-key.pem", "cluster/tls/ca.crt")]
    clock = json.loads((folder / "clock.json").read_text())["now"]
    return {"pods": sorted(pod["metadata"]["uid"] for pod in objects["pods"]), "keys": keys, "clock": clock}
