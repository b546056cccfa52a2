"""Write the NetworkPolicy of manifests/kubernetes from what settings need: `./dev docs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bot.app.wiring import read_known_releases
from bot.settings.environment import Settings, read_settings

MANIFESTS = Path(__file__).parents[3] / "manifests" / "kubernetes"
PORTS: Mapping[str, int] = {"https": 443, "http": 80}
# Where Workload Identity answers (cloud.google.com/kubernetes-engine/docs/how-to/network-policy).
METADATA = ("169.254.169.252/32", "169.254.169.254/32")
DNS = ((53, "UDP"), (53, "TCP"))
HEAD = """\
# Nobody reaches the bot but probes and Prometheus; the bot reaches DNS, HTTPS (Slack, Google, API servers) and the
# metadata server that Workload Identity answers on. A proxy, a webhook, a Prometheus or a probe on another port needs
# that port among those below (docs/operations.md). Written by ./dev docs from stateful-set.yaml and clusters.toml.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: asm-upgrade-bot
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
"""


def read_shipped() -> Settings:
    """The settings of the bot as the StatefulSet beside it and the example of clusters.toml have them."""
    workload = yaml.safe_load((MANIFESTS / "stateful-set.yaml").read_text())
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    return read_settings({**given, **tokens, "ASM_UPGRADE_CLUSTERS": str(MANIFESTS / "clusters.toml")})


def list_addresses(settings: Settings) -> Iterator[str]:
    """Every address that the settings send the bot to, besides Google's and the API servers', which are on 443."""
    yield settings.slack.api_url
    yield settings.mirror
    yield settings.way_out.proxy
    yield from (release.base_url for release in read_known_releases(settings).values())
    yield from (webhook.url for webhook in settings.webhooks)
    for cluster in (*settings.clusters.values(), settings.discovery.template):
        yield from (*cluster.options.probe_urls, cluster.options.prometheus_url)


def find_ports(settings: Settings) -> list[int]:
    """The ports of those addresses, each once."""
    parts = [urlsplit(address) for address in list_addresses(settings) if address]
    return sorted({443, *(part.port or PORTS[part.scheme] for part in parts)})


def render_network_policy(settings: Settings) -> str:
    """The manifest for a bot with these settings."""
    served = [(settings.health_port, "TCP"), (settings.live_port, "TCP")]
    asked = [*DNS, *((port, "TCP") for port in find_ports(settings))]
    blocks = "".join(f"        - ipBlock:\n            cidr: {address}\n" for address in METADATA)
    metadata = [(80, "TCP"), (988, "TCP")]
    return (
        f"{HEAD}  ingress:\n    - ports:\n{render_ports(served)}  egress:\n    - ports:\n{render_ports(asked)}"
        f"    - to:\n{blocks}      ports:\n{render_ports(metadata)}"
    )


def render_ports(ports: list[tuple[int, str]]) -> str:
    """The lines of a rule's ports."""
    return "".join(f"        - port: {port}\n          protocol: {protocol}\n" for port, protocol in ports)


if __name__ == "__main__":
    (MANIFESTS / "network-policy.yaml").write_text(render_network_policy(read_shipped()))
