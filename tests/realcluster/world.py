"""The sandbox's sites around a real control plane that holds cluster-x, in real time, for the real bot."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.app.known_releases import shipped_releases
from bot.settings.environment import read_settings
from sandbox.attached.account import let_view
from sandbox.bot.settings import Addresses, SlackSecrets, bot_settings
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.seeds.cluster_x import list_workloads
from sandbox.google.account import ServiceAccount
from sandbox.google.project import Project
from sandbox.google.server import TOKEN_PATH, GoogleApis
from sandbox.release.programs import stand_in_kubectl
from sandbox.release.release_file import write_release_files
from sandbox.release.server import FOLDER, ReleaseServer
from sandbox.release.signing import SigningKey
from sandbox.slack.server import SlackStandIn
from sandbox.state_folder import StateFolder, write_private
from sandbox.web.sites import RunningSite, serve_in_thread
from tests.contracts.ground import Ground, RealGround, install_mesh
from tests.page import open_page
from tests.realcluster.control_plane import BOT_USER, ControlPlane
from tests.scenarios.rig import HandClock, World, leave_sockets

LONGEST_PAUSE = 0.3
CLUSTERS = """\
[defaults]
channel = "C0MESHOPS1"
approvers = ["U0BEN00002", "U0CAI00003"]
requesters = ["U0ANA00001", "U0BEN00002", "U0CAI00003"]

[clusters.cluster-x]
kubeconfig = {kubeconfig}
production = true
"""


class WallClock(HandClock):
    """Real time behind the face of the hand-moved clock: to move on is to wait, a moment at most."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """The time in Unix seconds."""
        return time.time()

    def advance(self, seconds: float) -> None:
        """Wait."""
        time.sleep(min(seconds, LONGEST_PAUSE))


def seed_real_cluster(plane: ControlPlane) -> None:
    """Fill a control plane with what the sandbox's cluster-x holds, and give the bot a viewer's rights."""
    with ExitStack() as stack:
        ground = RealGround(plane, stack)
        install_mesh(ground)
        ground.create(*list_workloads())
        ground.create(*let_view(BOT_USER))
        ground.until(lambda: is_calm(ground), 120)


def is_calm(ground: Ground) -> bool:
    """Whether everything runs: no workload rolls, and each pod is ready."""
    pods = list(ground.gateway.list_pods())
    return len(pods) > 60 and all(pod.ready == pod.total and not pod.terminating for pod in pods)


@contextmanager
def open_real_world(root: Path, plane: ControlPlane, more: str = "") -> Iterator[World]:
    """Open Slack, Google and the releases around a seeded control plane; the bot comes by kubeconfig.

    `more` are lines of clusters.toml about the cluster.
    """
    clock = WallClock()
    folder = StateFolder(root)
    with leave_sockets(), ExitStack() as stack:

        def serve(app: Any) -> RunningSite:
            site = serve_in_thread(app)
            stack.callback(site.stop)
            return site

        slack = SlackStandIn(clock.seconds, rate_limits=False)
        slack_site = serve(slack.app())
        google = GoogleApis(Project(clusters=()), ServiceAccount.kept_in(folder.service_account))
        google_url = serve(google.app()).url
        google.account.write_key(folder.service_account, f"{google_url}{TOKEN_PATH}")
        releases = ReleaseServer(SigningKey.kept_in(folder.signing_key))
        releases_url = serve(releases.app()).url
        write_release_files(shipped_releases(), folder.releases, f"{releases_url}{FOLDER}", releases.key.public_pem())
        write_private(folder.clusters_file, CLUSTERS.format(kubeconfig=repr(str(plane.bot_kubeconfig))) + more)
        write_private(folder.tools / "kubectl", stand_in_kubectl())
        (folder.tools / "kubectl").chmod(0o755)
        app = slack.cast.app
        secrets = SlackSecrets(app.bot_token, app.app_token, app.signing_secret)
        addresses = Addresses(slack_site.url, google_url, releases_url, plane.url)
        variables = bot_settings(folder, addresses, secrets, http_port=0, health_port=0)
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = variables["GOOGLE_APPLICATION_CREDENTIALS"]
        settings = replace(read_settings(variables), retry_cap=0.5)
        path = os.pathsep.join([str(folder.tools), os.environ["PATH"]])
        page = stack.enter_context(open_page(slack_site.url))
        # The simulated cluster stays empty: this world's cluster is the control plane.
        empty = SimulatedCluster(clock.seconds, seed_fn=None)
        yield World(
            clock=clock, folder=folder, slack_site=slack_site, cluster=empty, google=google, releases=releases,
            settings=settings, path=path, variables=variables, page=page, slack=slack,
            addresses=addresses,
        )  # fmt: skip
