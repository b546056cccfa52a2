from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sandbox.bot.settings import (
    Addresses,
    SlackSecrets,
    bot_environment,
    bot_settings,
    use_metadata,
    write_clusters_file,
)
from sandbox.state_folder import StateFolder

ADDRESSES = Addresses("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "https://127.0.0.1:4")
SECRETS = SlackSecrets("xoxb-1", "xapp-1", "secret")


def environment(tmp_path: Path) -> dict[str, str]:
    """Make the environment of a bot in Socket Mode."""
    folder = StateFolder(tmp_path)
    return bot_environment(bot_settings(folder, ADDRESSES, SECRETS, http_port=0, health_port=0), folder)


def test_proxies_do_not_reach_the_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Socket Mode client would send even loopback through one."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("all_proxy", "socks5://proxy.example")
    assert not [name for name in environment(tmp_path) if name.lower().endswith("_proxy")]


def test_a_real_bots_settings_do_not_reach_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its token nor its kubeconfig."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-real")
    monkeypatch.setenv("KUBECONFIG", "/home/me/.kube/config")
    made = environment(tmp_path)
    assert (made["SLACK_BOT_TOKEN"], "KUBECONFIG" in made) == ("xoxb-1", False)


def test_the_stand_in_kubectl_comes_first(tmp_path: Path) -> None:
    """Whatever kubectl the machine has."""
    assert environment(tmp_path)["PATH"].startswith(str(StateFolder(tmp_path).tools))


def test_the_clusters_file_names_two_approvers(tmp_path: Path) -> None:
    """It is TOML with the sandbox's cluster in it."""
    folder = StateFolder(tmp_path)
    write_clusters_file(folder)
    written = tomllib.loads(folder.clusters_file.read_text())
    assert written["defaults"]["approvers"] == ["U0BEN00002", "U0CAI00003"]
    assert written["clusters"]["cluster-x"]["location"] == "us-central1-a"


def test_a_persons_own_clusters_file_is_kept(tmp_path: Path) -> None:
    """A second start with the same folder changes nothing."""
    folder = StateFolder(tmp_path)
    folder.clusters_file.parent.mkdir(parents=True)
    folder.clusters_file.write_text("# mine\n")
    write_clusters_file(folder)
    assert folder.clusters_file.read_text() == "# mine\n"


def test_a_bot_with_workload_identity_finds_no_key_and_no_login(tmp_path: Path) -> None:
    """Google's libraries would take either before they ask a metadata server."""
    folder = StateFolder(tmp_path)
    settings = bot_settings(folder, ADDRESSES, SECRETS, http_port=0, health_port=0)
    made = use_metadata(settings, "127.0.0.1:5", folder)
    assert (made["GCE_METADATA_HOST"], "GOOGLE_APPLICATION_CREDENTIALS" in made) == ("127.0.0.1:5", False)
    assert not Path(made["CLOUDSDK_CONFIG"]).exists()
