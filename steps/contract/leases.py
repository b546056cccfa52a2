"""A Lease, and the port through which an upgrade holds its cluster by one against other bots."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from steps.mesh import BindingMark


@dataclass(frozen=True)
class Lease:
    """A Lease of coordination.k8s.io: who holds it, "" for nobody, and the annotations by which bots know their own.

    `head` is that of the upgrade's audit. With the version that was read it is changed only where nobody did since.
    """

    namespace: str
    name: str
    holder: str = ""
    mark: BindingMark | None = None
    head: str = ""
    acquired: datetime | None = None
    renewed: datetime | None = None
    resource_version: str = field(default="", compare=False)


class Leases(Protocol):
    """The Leases of one cluster; each write answers the version that stands then, None where others were faster."""

    def read_lease(self, namespace: str, name: str) -> Lease | None: ...

    def write_lease(self, lease: Lease) -> str | None:
        """Take a Lease or give it back; one without a version is created."""
        ...

    def renew_lease(self, lease: Lease) -> str | None:
        """The same for a Lease that is held; nothing of the mesh changes by it, so no turn records it."""
        ...
