"""What the bot is told: its environment and clusters.toml, the same contract as anywhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.slack.workspace.cast import MAIN_CHANNEL
from sandbox.state_folder import StateFolder, write_private

# What the bot must not inherit: settings of a real one, and proxies, through which a Socket Mode
# client would send even its loopback connection.
OWN_PREFIXES = ("SLACK_", "ASM_UPGRADE_", "GOOGLE_", "CLOUDSDK_", "GCE_")
OWN_NAMES = ("KUBECONFIG",)
RETRY_CAP = "0.5"

DEFAULTS = f"""\
[defaults]
channel = "{MAIN_CHANNEL}"
approvers = ["U0BEN00002", "U0CAI00003"]
requesters = ["U0ANA00001", "U0BEN00002", "U0CAI00003"]
canary_soak_minutes = 0
"""
SIMULATED_CLUSTER = """\
[clusters.cluster-x]
project = "example-project"
location = "us-central1-a"
name = "cluster-x"
production = true
"""
CLUSTERS = f"{DEFAULTS}\n{SIMULATED_CLUSTER}"


@dataclass(frozen=True)
class Addresses:
    """Where the sandbox's sites answer."""

    slack: str
    google: str
    releases: str
    kubernetes: str
    control: str = ""

    def with_control(self, url: str) -> Addresses:
        """Return the addresses with that of the sandbox's own switchboard."""
        return replace(self, control=url)


@dataclass(frozen=True)
class SlackSecrets:
    """The tokens and the secret that the Slack stand-in expects."""

    bot_token: str
    app_token: str
    signing_secret: str


def write_clusters_file(folder: StateFolder, part: str = SIMULATED_CLUSTER) -> None:
    """Write the bot's clusters.toml with this part for cluster-x, unless a person has put one there."""
    if not folder.clusters_file.exists():
        write_private(folder.clusters_file, f"{DEFAULTS}\n{part}")


def describe_kubeconfig_cluster(kubeconfig: Path) -> str:
    """Return the part for a cluster given by kubeconfig."""
    lines = [f"kubeconfig = {json.dumps(str(kubeconfig))}", "production = true"]
    return "\n".join(["[clusters.cluster-x]", *lines, ""])


def bot_settings(
    folder: StateFolder, addresses: Addresses, secrets: SlackSecrets, *, http_port: int, health_port: int
) -> dict[str, str]:
    """Return the variables that make a bot of this sandbox; `http_port` 0 means Socket Mode."""
    mode = {"ASM_UPGRADE_SLACK_MODE": "socket"}
    if http_port:
        mode = {"ASM_UPGRADE_SLACK_MODE": "http", "ASM_UPGRADE_HTTP_PORT": str(http_port)}
    return {
        "SLACK_BOT_TOKEN": secrets.bot_token,
        "SLACK_APP_TOKEN": secrets.app_token,
        "SLACK_SIGNING_SECRET": secrets.signing_secret,
        "SLACK_API_URL": f"{addresses.slack}/api/",
        **mode,
        "ASM_UPGRADE_HEALTH_PORT": str(health_port),
        "ASM_UPGRADE_CLUSTERS": str(folder.clusters_file),
        "ASM_UPGRADE_STATE": str(folder.bot),
        "ASM_UPGRADE_KEY_FILE": str(folder.clusters_file.with_name("bot-key")),
        "ASM_UPGRADE_RELEASES": str(folder.releases),
        "ASM_UPGRADE_RETRY_CAP": RETRY_CAP,
        "ASM_UPGRADE_GKE_ENDPOINT": addresses.google,
        "ASM_UPGRADE_RESOURCE_MANAGER_ENDPOINT": addresses.google,
        "ASM_UPGRADE_SERVICE_USAGE_ENDPOINT": addresses.google,
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder.service_account),
    }


def use_metadata(settings: Mapping[str, str], host: str, folder: StateFolder) -> dict[str, str]:
    """Return the variables of a bot that gets its account from the metadata server at `host`, and from no file."""
    kept = {name: value for name, value in settings.items() if name != "GOOGLE_APPLICATION_CREDENTIALS"}
    return {
        **kept,
        "GCE_METADATA_HOST": host,
        "GCE_METADATA_IP": host,
        # where Google's libraries would find a person's own login
        "CLOUDSDK_CONFIG": str(folder.no_login),
        # every pod has it; nothing answers there
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    }


def bot_environment(settings: Mapping[str, str], folder: StateFolder) -> dict[str, str]:
    """Return the whole environment of the bot: this one's, cleaned, with the settings and a kubectl in front."""
    inherited = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    path = os.pathsep.join([str(folder.tools), inherited.get("PATH", os.defpath)])
    return {**inherited, **settings, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _is_foreign(name: str) -> bool:
    proxy = name.lower().endswith("_proxy")
    return proxy or name in OWN_NAMES or name.startswith(OWN_PREFIXES)
