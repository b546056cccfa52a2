"""Writing to the Kubernetes API: for asmctl's own workloads and for kubectl. istioctl has none of it."""

from __future__ import annotations

from sandbox.release.tools.kube_api import KubeApi, KubeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sandbox.release.tools.kube_api import Json


class WritingApi(KubeApi):
    """Requests to one API server that change something."""

    def create(self, made: Mapping[str, Any]) -> Json:
        """Create the object."""
        return self._request("POST", self.collection_of(made), made)

    def patch(self, made: Mapping[str, Any], patch: Json, kind: str) -> Json:
        """Patch the live object of this kind and name; `kind` is the patch's content type."""
        return self._request("PATCH", self.path_of(made), patch, kind)

    def delete(self, made: Mapping[str, Any]) -> bool:
        """Delete the object in the background; whether it was there."""
        try:
            self._request("DELETE", self.path_of(made), {"propagationPolicy": "Background"})
        except KubeError as error:
            if error.status != 404:
                raise
            return False
        return True
