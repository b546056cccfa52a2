"""One run of the sandbox on a cluster that a person gave: what is asked before, and what is said after."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp

from sandbox.attached.access import Access, read_access
from sandbox.attached.api import Api
from sandbox.attached.cluster import AttachedCluster, Attachment, open_attached, remove_demo
from sandbox.attached.demo import NODE_COUNT, list_namespaces
from sandbox.attached.examination import Examined, examine
from sandbox.clock import SimulatedClock
from sandbox.options import AttachOptions
from sandbox.state_folder import StateFolder

Asks = Callable[[str], str]


class Visit:
    """The cluster of a kubeconfig, looked at before anything is changed. `asks` is None without a terminal.

    Raises ValueError with the sentence of a refusal.
    """

    def __init__(self, options: AttachOptions, say: Callable[[str], None], asks: Asks | None) -> None:
        self._options = options
        self._say = say
        self._asks = asks
        self._begun = False
        self._access: Access = read_access(options.kubeconfig, options.context)
        self._found: Examined = asyncio.run(_look_at(self._access))

    def agree(self) -> bool:
        """Say what will be changed and ask whether it may. Raises ValueError where nobody can be asked."""
        plan = describe_removal(self._found) if self._options.remove else describe_plan(self._found)
        self._say(plan)
        if self._options.yes:
            return True
        if self._asks is None:
            raise ValueError("there is no terminal to ask on; give --yes to agree to the above beforehand")
        if self._asks("Go on? [y/N] ").strip().lower() in ("y", "yes"):
            return True
        self._say("Nothing was changed.")
        return False

    @contextlib.asynccontextmanager
    async def opens(self, folder: StateFolder, clock: SimulatedClock) -> AsyncIterator[AttachedCluster]:
        """Seed the cluster and keep the demo alive; its time is real, whatever the clock says."""
        given = Attachment(self._options.kubeconfig.resolve(), self._access, self._options.webhook_address)
        try:
            async with open_attached(folder, given, self._found, self._begin) as cluster:
                yield cluster
        except aiohttp.ClientError as error:
            raise RuntimeError(f"{self._access.server} stopped answering: {error}") from error
        finally:
            if self._begun:
                self._say(self.describe_rest())

    def _begin(self, text: str) -> None:
        self._begun = True
        self._say(text)

    def remove(self) -> int:
        """Take the demo out, and return the exit code."""
        if not self._found.seeded:
            self._say(f"There is no demo of the sandbox on {self._access.server}; nothing was changed.")
            return 0
        if not self.agree():
            return 1
        asyncio.run(remove_demo(self._access, self._found.version))
        self._say(f"The demo is gone from {self._access.server}.")
        return 0

    def describe_rest(self) -> str:
        """Say what stays, and how to take it out."""
        command = ["./dev", "sandbox", "--kubeconfig", str(self._options.kubeconfig)]
        command += ["--context", self._options.context] if self._options.context else []
        return (
            f"The demo mesh stays on {self._access.server}, without its webhooks from now on. "
            f"To take it out: {shlex.join([*command, '--remove'])}"
        )


def open_visit(options: AttachOptions, say: Callable[[str], None]) -> Visit:
    """Look at the cluster, asking on the terminal where there is one. Raises ValueError."""
    if not Path(options.kubeconfig).is_file():
        raise ValueError(f"there is no kubeconfig {options.kubeconfig}")
    return Visit(options, say, input if sys.stdin is not None and sys.stdin.isatty() else None)


def describe_plan(found: Examined) -> str:
    """Say what seeding does."""
    spaces = ", ".join(list_namespaces())
    if found.seeded:
        return (
            f"The demo mesh is on {found.server} (Kubernetes {found.version}) already. The sandbox completes it, "
            "points its webhooks to this machine and lets the bot upgrade it."
        )
    return (
        f"The sandbox creates a demo mesh on {found.server} (Kubernetes {found.version}) and lets the bot upgrade it:\n"
        f"  namespaces {spaces} with about 75 pods;\n"
        f"  {NODE_COUNT} nodes without machines, on which these pods run without containers: no image is pulled;\n"
        "  Istio's CustomResourceDefinitions, roles and bindings, and two mutating webhooks on this machine.\n"
        "Nothing else on the cluster is changed; --remove takes all of it out again."
    )


def describe_removal(found: Examined) -> str:
    """Say what removal does."""
    return (
        f"The sandbox deletes its demo from {found.server} (Kubernetes {found.version}): "
        f"the namespaces {', '.join(list_namespaces())} with all that is in them, its nodes, Istio's "
        "CustomResourceDefinitions, roles, bindings and webhooks."
    )


async def _look_at(access: Access) -> Examined:
    async with Api(access) as api:
        return await examine(api)
