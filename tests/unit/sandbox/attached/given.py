"""A cluster as a person gives it: an API server over TLS and a kubeconfig, with nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.attached.visit import Visit
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.cluster_x import create_any
from sandbox.cluster.seeds.objects import rbac_defaults
from sandbox.options import AttachOptions
from sandbox.web.sites import serve_in_thread

START = 1_700_000_000.0
STRANGER = "stranger-token"


@dataclass
class Given:
    """The cluster, two kubeconfigs, and what was said about it."""

    cluster: SimulatedCluster
    url: str
    kubeconfig: Path
    strangers: Path
    said: list[str] = field(default_factory=list)

    def add(self, *objects: Json) -> None:
        """Put objects into it."""
        with self.cluster.lock:
            for made in objects:
                create_any(self.cluster, made)

    def visit(self, answer: str | None = None, **options: object) -> Visit:
        """Look at it; the person's answer to every question is given, None for no terminal."""
        asks = None if answer is None else lambda question: answer
        attach = AttachOptions(**{"kubeconfig": self.kubeconfig, **options})  # type: ignore[arg-type]
        return Visit(attach, self.said.append, asks)


@contextmanager
def open_given(folder: Path, version: str = "v1.20.2") -> Iterator[Given]:
    """Serve an empty cluster of this version."""
    cluster = SimulatedCluster(lambda: START, seed_fn=None, server_version=version)
    cluster.tokens.register(STRANGER, "stranger")
    certificate = ensure_certificate(folder / "tls")
    site = serve_in_thread(cluster.app(background=False), certificate.server_context())
    given = Given(cluster, site.url, folder / "admin.json", folder / "stranger.json")
    for path, token in ((given.kubeconfig, cluster.tokens.admin), (given.strangers, STRANGER)):
        write_kubeconfig(path, server=site.url, ca_base64=certificate.ca_base64, token=token)
    given.add(*rbac_defaults())
    try:
        yield given
    finally:
        site.stop()
