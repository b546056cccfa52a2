"""Which versions the pods of a mesh carry, counted and in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from steps.contract.release import Release
from steps.mesh import Pod
from steps.versions import read_tag


def count_versions(pods: Iterable[Pod], release: Release) -> Counter[str]:
    """How many pods of the control plane carry each version; only images of the release's hub count."""
    tags = (
        {read_tag(image) for image in pod.images if image.startswith(f"{release.hub}/")}
        for pod in pods
        if not (pod.owner and "promsd" in pod.owner.name)
    )
    return Counter(tag for found in tags for tag in found)


def list_versions(versions: Mapping[str, int]) -> str:
    """`2 on 1.4.7-asm.0, 6 on 1.4.10-asm.18`."""
    counted = (f"{number} on {version or 'no tag'}" for version, number in sorted(versions.items()))
    return ", ".join(counted) or "none found"
