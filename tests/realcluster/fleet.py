"""What a control plane needs around it, in one process: kubelets, the sidecar injector and a load balancer.

`python -m tests.realcluster.fleet SETTINGS ADDRESS`: settings are JSON, the address of the switches is written to the
second file when the nodes are there. POST /switches takes `never_ready`, `crashing` (lists of image patterns), `ready`,
`grace` (seconds), `lost` (names of nodes), `injector_down` and `policies` (what other people's webhooks answer, by
name).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.attached.access import read_access
from sandbox.attached.api import Api
from sandbox.attached.balancer import balance_load
from sandbox.attached.kubelet import Kubelets, KubeletSwitches, Nodes
from sandbox.cluster.http.tls import ServingCertificate
from sandbox.web.sites import open_site
from tests.realcluster.policy_webhooks import PolicyWebhooks
from tests.realcluster.service_webhook import ServiceWebhook


async def run_fleet(settings: dict[str, Any], announce: Callable[[str], object]) -> None:
    """Run until cancelled; `announce` is told the address of the switches when the nodes are there."""
    certificate = ServingCertificate(Path(settings["tls"]))
    switches = KubeletSwitches(settings["ready"], settings["grace"])
    async with Api(read_access(Path(settings["kubeconfig"])), "node-fleet") as api:
        kubelets = Kubelets(api, switches, Nodes(settings["nodes"], settings["pods_per_node"]))
        await kubelets.add_nodes()
        webhook = ServiceWebhook(api, certificate.ca_pem, context=certificate.server_context())
        policies = PolicyWebhooks()
        await policies.open(certificate.server_context())
        site = await open_site(make_switchboard(switches, webhook, policies))
        announce(site.url)
        await asyncio.gather(kubelets.run(), kubelets.beat(), webhook.run(), balance_load(api))


def make_switchboard(switches: KubeletSwitches, webhook: ServiceWebhook, policies: PolicyWebhooks) -> web.Application:
    """The site that takes the switches."""

    async def change(asked: web.Request) -> web.Response:
        wanted = await asked.json()
        if "injector_down" in wanted:
            await webhook.switch(bool(wanted.pop("injector_down")))
        policies.policies |= wanted.pop("policies", {})
        for name, value in wanted.items():
            getattr(switches, name)  # an unknown name is an error
            setattr(switches, name, value)
        return web.json_response({"injected": webhook.injected, "policies": policies.url})

    app = web.Application()
    app.router.add_post("/switches", change)
    return app


def main() -> None:
    """Run the fleet of the settings named on the command line."""
    logging.basicConfig(level=logging.INFO)
    settings = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(run_fleet(settings, Path(sys.argv[2]).write_text))


if __name__ == "__main__":
    main()
