"""One `istioctl manifest apply`: Base first, then all other components at once, as istio/operator 1.4.10 does it."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TextIO

from sandbox.release.tools.apply import apply_object
from sandbox.release.tools.kube_api import KubeApi, KubeError
from sandbox.release.tools.prune import disabled_objects, left_over
from sandbox.release.tools.rendering import ALL_COMPONENTS

Json = dict[str, Any]

ESTABLISHED_SECONDS = 60.0


class Failed(Exception):
    """The command ends with 255 and this text on standard error."""


@dataclass
class Paper:
    """Where lines go; several components write at once."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, *lines: str) -> None:
        """Write whole lines and flush them, so that a reader of the file sees progress."""
        with self.lock:
            self.out.write("".join(f"{line}\n" for line in lines))
            self.out.flush()


@dataclass
class Installer:
    """One `manifest apply`."""

    api: KubeApi
    paper: Paper
    dry_run: bool
    pace: float
    failures: dict[str, list[str]] = field(default_factory=dict)

    def install(self, components: dict[str, list[Json]]) -> None:
        """Apply Base, then everything else at once; remove what is disabled. Raises Failed naming what went wrong."""
        self.apply_component("Base", components.get("Base", []))
        rest = {name: made for name, made in components.items() if name != "Base"}
        disabled = [name for name in ALL_COMPONENTS if name not in components]
        with ThreadPoolExecutor(max_workers=len(ALL_COMPONENTS)) as pool:
            list(pool.map(lambda name: self.apply_component(name, rest[name]), rest))
            list(pool.map(self.remove_component, disabled))
        self._conclude()

    def apply_component(self, name: str, rendered: list[Json]) -> None:
        """Apply one component's objects and remove those no longer rendered (Base keeps everything)."""
        self.paper.write(f"- Applying manifest for component {name}...")
        if not self.dry_run:
            time.sleep(self.pace)
            self._apply_all(name, rendered)
        mark = "✘" if name in self.failures else "✔"
        self.paper.write(f"{mark} Finished applying manifest for component {name}.")

    def remove_component(self, name: str) -> None:
        """Remove the objects of a component that the flags no longer enable; a dry run names them too."""
        found = self._attempt(name, partial(disabled_objects, self.api, name)) or []
        if not found:
            return
        self.paper.write(f"- Pruning objects for disabled component {name}...")
        if not self.dry_run:
            for live in found:
                self._attempt(name, partial(self.api.delete, live))
        self.paper.write(f"✔ Finished pruning objects for disabled component {name}.")

    def _apply_all(self, name: str, rendered: list[Json]) -> None:
        if shutil.which("kubectl") is None:
            self.failures.setdefault(name, []).append('exec: "kubectl": executable file not found in $PATH')
            return
        for made in rendered:
            self._attempt(name, partial(apply_object, self.api, made))
        if name == "Base":
            self._attempt(name, partial(wait_established, self.api, rendered))
            return
        for live in self._attempt(name, partial(left_over, self.api, name, rendered)) or []:
            self._attempt(name, partial(self.api.delete, live))

    def _attempt(self, name: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except KubeError as error:
            self.failures.setdefault(name, []).append(error.message)
            return None

    def _conclude(self) -> None:
        for name, errors in sorted(self.failures.items()):
            self.paper.write(
                "",
                f"Component {name} - manifest apply returned the following errors:",
                "Error: error running kubectl: exit status 1",
                "Error detail:",
                *errors,
            )
        if self.failures:
            text = "✘ Errors were logged during apply operation. Please check component installation logs above."
            self.paper.write("", "", text, "")
            raise Failed("Failed to generate and apply manifests, error: errors were logged during apply operation")
        self.paper.write("", "", "✔ Installation complete", "")


def wait_established(api: KubeApi, rendered: Iterable[Json]) -> None:
    """Wait until every CustomResourceDefinition is served. Raises KubeError after a minute."""
    waiting = [made for made in rendered if made["kind"] == "CustomResourceDefinition"]
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while waiting:
        waiting = [made for made in waiting if not _established(api.get(made))]
        if waiting and time.monotonic() > deadline:
            names = ", ".join(made["metadata"]["name"] for made in waiting)
            raise KubeError(0, f"failed to verify CRD creation; the following CRDs: {names}")
        if waiting:
            time.sleep(0.2)


def _established(live: Json | None) -> bool:
    conditions = (live or {}).get("status", {}).get("conditions") or []
    return any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions)
