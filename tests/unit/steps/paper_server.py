"""The part of the Kubernetes port that the sidecars phase has no use for, with answers that change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from steps.contract.leases import Lease
from steps.contract.ports import Manifest
from steps.mesh import (
    Binding,
    ReachedServer,
    Right,
)


class PaperServer:
    """A server that has nothing to tell and takes everything."""

    def read_server_version(self) -> str:
        return "v1.16.15-gke.6000"

    def read_server(self, *, anew: bool = False) -> ReachedServer:
        return ReachedServer("ca" * 32, "gke-id-of-cluster-x")

    def read_account(self) -> str:
        return "bot"

    def find_missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        return ()

    def find_missing_rights_of(self, user: str, rights: Sequence[Right]) -> tuple[Right, ...] | None:
        return None

    def read_ingress_address(self, namespace: str, service: str) -> str:
        return ""

    def read_object(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        return {"metadata": {"name": name, "uid": "u-1"}} if name == "kube-system" else None

    def list_objects(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> tuple[Manifest, ...]:
        return ()

    def apply_object(self, manifest: Manifest) -> None:
        return None

    def delete_object(self, api_version: str, kind: str, namespace: str, name: str, uid: str) -> None:
        return None

    def read_lease(self, namespace: str, name: str) -> Lease | None:
        return None

    def write_lease(self, lease: Lease) -> str | None:
        return "v1"

    def renew_lease(self, lease: Lease) -> str | None:
        return "v1"

    def read_binding(self, name: str) -> Binding | None:
        return None

    def create_binding(self, binding: Binding) -> None:
        return None

    def revise_binding(self, binding: Binding) -> None:
        return None

    def delete_binding(self, name: str) -> None:
        return None

    def delete_namespace(self, name: str) -> None:
        return None
