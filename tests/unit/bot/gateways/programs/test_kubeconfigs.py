from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.gke import GkeGateway
from bot.gateways.programs.kubeconfigs import Kubeconfigs
from steps.contract.errors import GiveUp
from steps.mesh import ClusterAddress
from tests.unit.bot.gateways.project import ADDRESS, Google, NoGke


def test_gke_clusters_get_a_token_file(google: Google, gke: GkeGateway, tmp_path: Path) -> None:
    """The kubeconfig names a file that the bot refreshes, and holds no token itself."""
    kubeconfigs = Kubeconfigs(tmp_path / "kubeconfigs", gke, google.credentials)
    path = kubeconfigs.write_kubeconfig(ADDRESS)
    content = json.loads(path.read_text())
    assert content["current-context"] == "gke_example-project_us-central1-a_cluster-x"
    token_file = Path(content["users"][0]["user"]["tokenFile"])
    assert token_file.read_text() == google.credentials.read_token()
    assert (path.stat().st_mode & 0o777, token_file.stat().st_mode & 0o777) == (0o600, 0o600)


def test_the_token_file_is_refreshed(google: Google, gke: GkeGateway, tmp_path: Path) -> None:
    """A program that runs for long reads a token that is still good."""
    google.switches.token_lifetime = 200
    kubeconfigs = Kubeconfigs(tmp_path / "kubeconfigs", gke, google.credentials)
    content = json.loads(kubeconfigs.write_kubeconfig(ADDRESS).read_text())
    token_file = Path(content["users"][0]["user"]["tokenFile"])
    before = token_file.read_text()
    kubeconfigs.refresh_token()
    assert token_file.read_text() != before


def test_a_given_kubeconfig_is_reduced_to_its_context(tmp_path: Path) -> None:
    """Other clusters' credentials are not handed on, and relative paths stay valid."""
    source = tmp_path / "source.yaml"
    source.write_text(
        "current-context: other\n"
        "contexts:\n- {name: prod, context: {cluster: a, user: b}}\n- {name: other, context: {cluster: c, user: d}}\n"
        "clusters:\n- {name: a, cluster: {server: 'https://a', certificate-authority: ca.crt}}\n"
        "- {name: c, cluster: {server: 'https://c'}}\n"
        "users:\n- {name: b, user: {tokenFile: /abs/token}}\n- {name: d, user: {token: secret}}\n"
    )
    kubeconfigs = Kubeconfigs(tmp_path / "kubeconfigs", NoGke(), GoogleCredentials())
    address = ClusterAddress("prod", kubeconfig=str(source), context="prod")
    text = kubeconfigs.write_kubeconfig(address).read_text()
    content = json.loads(text)
    assert content["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "ca.crt")
    assert content["users"][0]["user"]["tokenFile"] == "/abs/token"
    assert "secret" not in text


@pytest.mark.parametrize(
    ("command", "found"), [("sh", shutil.which("sh")), ("./plugin", "plugin"), ("/opt/plugin", "/opt/plugin")]
)
def test_a_plugin_for_credentials_is_named_by_its_own_path(tmp_path: Path, command: str, found: str) -> None:
    """Not by the PATH of whoever reads the file."""
    source = tmp_path / "source.yaml"
    source.write_text(
        "current-context: it\ncontexts:\n- {name: it, context: {cluster: c, user: u}}\n"
        "clusters:\n- {name: c, cluster: {server: 'https://c'}}\n"
        f"users:\n- {{name: u, user: {{exec: {{command: {command}, args: [a]}}}}}}\n"
    )
    kubeconfigs = Kubeconfigs(tmp_path / "kubeconfigs", NoGke(), GoogleCredentials())
    content = json.loads(kubeconfigs.write_kubeconfig(ClusterAddress("it", kubeconfig=str(source))).read_text())
    assert content["users"][0]["user"]["exec"] == {"command": str(tmp_path / found), "args": ["a"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "contexts: 7",
        "{unclosed",
        "current-context: none\ncontexts: []",
        "a: &a [1]\nb: *a",
        "[" * 60 + "]" * 60,
        "a: 2001-99-99",
        "x" * 1_100_000,
    ],
)
def test_a_broken_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    """Whatever is in the file, the sentence names it."""
    source = tmp_path / "source.yaml"
    source.write_text(text)
    kubeconfigs = Kubeconfigs(tmp_path / "kubeconfigs", NoGke(), GoogleCredentials())
    with pytest.raises(GiveUp, match=r"source\.yaml of prod can't be used"):
        kubeconfigs.write_kubeconfig(ClusterAddress("prod", kubeconfig=str(source)))
