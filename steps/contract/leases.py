"""The port through which an upgrade holds its cluster against other bots."""

from __future__ import annotations

from typing import Protocol

from steps.mesh import Lease


class Leases(Protocol):
    """The Leases of one cluster; each write answers the version that stands then, None where others were faster."""

    def read_lease(self, namespace: str, name: str) -> Lease | None: ...

    def write_lease(self, lease: Lease) -> str | None:
        """Take a Lease or give it back; one without a version is created."""
        ...

    def renew_lease(self, lease: Lease) -> str | None:
        """The same for one that is held: it changes nothing that others see of the mesh, so no turn records it."""
        ...
