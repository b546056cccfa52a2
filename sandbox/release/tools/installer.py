"""One `istioctl manifest apply`: Base first, then all other components at once, as istio/operator 1.4.10 does it."""

from __future__ import annotations

import sys
import threading
import time

from sandbox.release.tools.kube_api import KubeError
from sandbox.release.tools.rendering import ALL_COMPONENTS, COMPONENT_LABEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sandbox.release.tools.kube_api import KubeApi
    from sandbox.release.tools.kubectl_calls import Kubectl, Ran

    Json = dict[str, Any]

ESTABLISHED_SECONDS = 60.0
# With such a warning in front istioctl takes kubectl's whole standard error for none.
IGNORED = (
    "Warning: kubectl apply should be used on resource created by either kubectl create --save-config or kubectl apply"
)
ORDER = {
    "CustomResourceDefinition": -1000, "ServiceAccount": 1, "ClusterRole": 1, "ClusterRoleBinding": 2, "ConfigMap": 100,
    "HorizontalPodAutoscaler": 1001, "Service": 10000,
}  # fmt: skip


class Failed(Exception):
    """The command ends with 255 and this text on standard error."""


class Paper:
    """Standard output; several components write at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def write(self, *lines: str) -> None:
        """Write whole lines and flush them, so that a reader of the file sees progress."""
        with self._lock:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()


class Outcome:
    """What kubectl said in the calls for one component; `touched` tells whether any object was handed over."""

    def __init__(self) -> None:
        self.touched = False
        self.out = ""
        self.errors = ""
        self.failure = ""

    def add(self, ran: Ran) -> bool:
        """Add what one call left; whether it went well."""
        self.out += f"\n{ran.out}"
        self.errors += f"\n{ran.errors}"
        self.failure = ran.failure
        self.touched = self.touched or not ran.failure
        return not ran.failure


class Installer:
    """One `manifest apply`."""

    def __init__(self, api: KubeApi, kubectl: Kubectl, paper: Paper, pace: float) -> None:
        self.api = api
        self.kubectl = kubectl
        self.paper = paper
        self.pace = pace

    def install(self, components: dict[str, list[Json]]) -> None:
        """Apply Base, then everything else at once; remove what is disabled. Raises Failed when anything went wrong."""
        outcomes = {"Base": self._apply("Base", components.get("Base", []))}
        rest = [name for name in ALL_COMPONENTS if name != "Base"]
        self._conclude(components, outcomes | self._apply_at_once(components, rest))

    def _apply_at_once(self, components: dict[str, list[Json]], names: Sequence[str]) -> dict[str, Outcome]:
        """Apply each in a thread of its own; outcomes come in the order of the names."""
        outcomes: dict[str, Outcome] = {}

        def apply(name: str) -> None:
            outcomes[name] = self._apply(name, components.get(name, []))

        threads = [threading.Thread(target=apply, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {name: outcomes[name] for name in names}

    def _apply(self, name: str, rendered: list[Json]) -> Outcome:
        return self._apply_component(name, rendered) if rendered else self._remove_component(name)

    def _apply_component(self, name: str, rendered: list[Json]) -> Outcome:
        """Hand over namespaces, then definitions, then the rest; stop at the first call that fails."""
        outcome = Outcome()
        self.paper.write(f"- Applying manifest for component {name}...")
        time.sleep(0 if self.kubectl.dry_run else self.pace)
        ordered = sorted(rendered, key=lambda made: ORDER.get(made["kind"], 1000))
        spaces = [made["metadata"]["namespace"] for made in ordered if "namespace" in made["metadata"]]
        space = spaces[-1] if spaces else ""
        extra = ["--force"] + ([] if name == "Base" else ["--prune", "--selector", f"{COMPONENT_LABEL}={name}"])
        early = ("Namespace", "CustomResourceDefinition")
        for kind in early:
            some = [made for made in ordered if made["kind"] == kind]
            if some and not (outcome.add(self.kubectl.apply(space, some, extra)) and self._wait(some, outcome)):
                return outcome
        last = self.kubectl.apply(space, [made for made in ordered if made["kind"] not in early], extra)
        mark = "✔" if outcome.add(last) else "✘"
        self.paper.write(f"{mark} Finished applying manifest for component {name}.")
        return outcome

    def _remove_component(self, name: str) -> Outcome:
        """Remove what carries the label of a component that the flags don't enable; a dry run names it too."""
        outcome = Outcome()
        selector = f"{COMPONENT_LABEL}={name}"
        found = self.kubectl.get_all(selector)
        if found.failure:
            outcome.add(found)
        elif _has_items(found.out):
            self.paper.write(f"- Pruning objects for disabled component {name}...")
            mark = "✔" if outcome.add(self.kubectl.delete(found.out, selector)) else "✘"
            self.paper.write(f"{mark} Finished pruning objects for disabled component {name}.")
        return outcome

    def _wait(self, made: list[Json], outcome: Outcome) -> bool:
        if self.kubectl.dry_run:
            if made[0]["kind"] == "Namespace":
                self.paper.write("Not waiting for resources ready in dry run mode.")
            return True
        try:
            if made[0]["kind"] == "Namespace":
                wait_active(self.api, made)
            else:
                wait_established(self.api, made)
        except KubeError as error:
            outcome.failure = error.message
        return not outcome.failure

    def _conclude(self, components: dict[str, list[Json]], outcomes: dict[str, Outcome]) -> None:
        wrong = False
        for name, outcome in outcomes.items():
            if outcome.failure:
                title = f"Component {name} - manifest apply returned the following errors:"
                self.paper.write("", title, f"Error: {outcome.failure}", "")
                wrong = True
            elif name not in components and not outcome.touched:
                continue
            if outcome.errors.strip() and not outcome.errors.strip().startswith(IGNORED):
                self.paper.write("Error detail:", outcome.errors, f"{outcome.out}\n")
                wrong = True
        if wrong:
            text = "✘ Errors were logged during apply operation. Please check component installation logs above."
            self.paper.write("", "", text, "")
            raise Failed("errors were logged during apply operation")
        self.paper.write("", "", "✔ Installation complete", "")


def wait_active(api: KubeApi, made: Sequence[Json]) -> None:
    """Wait until namespaces are there. Raises KubeError."""
    for one in made:
        try:
            api.read(api.path_of(one))
        except KubeError as error:
            path = f"{api.access.server}/api/v1/namespaces/{one['metadata']['name']}"
            cause = error.detail if error.status else f'Get "{path}": {error.detail}'
            raise KubeError(error.status, f"resources not ready after 5m0s: {cause}\n") from error


def wait_established(api: KubeApi, rendered: Iterable[Json]) -> None:
    """Wait until every CustomResourceDefinition is served. Raises KubeError after a minute."""
    waiting = list(rendered)
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while waiting:
        try:
            waiting = [made for made in waiting if not _established(api.get(made))]
        except KubeError as error:
            raise KubeError(error.status, f"failed to verify CRD creation: {error.detail}") from error
        if waiting and time.monotonic() > deadline:
            raise KubeError(0, "failed to verify CRD creation: timed out waiting for the condition")
        if waiting:
            time.sleep(0.2)


def _established(live: Json | None) -> bool:
    conditions = (live or {}).get("status", {}).get("conditions") or []
    return any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions)


def _has_items(listed: str) -> bool:
    """Tell whether the list that kubectl printed holds any object."""
    return bool(listed.strip()) and "\nitems: []\n" not in listed
