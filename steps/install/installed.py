"""Which mesh is installed, told from the image tags of the control plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from steps.contract.release import Release
from steps.mesh import Workload
from steps.versions import AsmVersion, parse_asm_version, parse_image, parse_numbers

# Open-source Istio has these where ASM 1.4 has Mesh CA; ASM 1.5 and later have istiod.
OTHER_CONTROL_PLANES = ("istiod", "istio-citadel")


@dataclass(frozen=True)
class NoMesh:
    """The namespace holds no control plane."""


@dataclass(frozen=True)
class OpenSource:
    """Open-source Istio; `images` are those that say so."""

    images: tuple[str, ...]


@dataclass(frozen=True)
class Unreadable:
    """Images whose tags name no version (a digest, latest)."""

    images: tuple[str, ...]


@dataclass(frozen=True)
class MixedVersions:
    """Workloads on different versions of ASM, by workload name."""

    versions: Mapping[str, AsmVersion]


@dataclass(frozen=True)
class OneVersion:
    """The whole control plane is on one version of ASM."""

    version: AsmVersion


Installed: TypeAlias = NoMesh | OpenSource | Unreadable | MixedVersions | OneVersion


def read_installed(release: Release, workloads: Iterable[Workload]) -> Installed:
    """Judge the workloads of the control plane's namespace by their own image tags."""
    tagged = {workload.name for workload in release.workloads if workload.tagged}
    names = {*tagged, *OTHER_CONTROL_PLANES}
    found = [w for w in workloads if w.ref.kind in ("Deployment", "DaemonSet") and w.ref.name in names]
    if not found:
        return NoMesh()
    images = [(w.ref.name, image) for w in found for image in w.images.values()]
    versions = {(name, image): parse_asm_version(parse_image(image).tag) for name, image in images}
    return _judge(
        {key: version for key, version in versions.items() if version}, [k for k, v in versions.items() if not v]
    )


def _judge(known: Mapping[tuple[str, str], AsmVersion], unknown: list[tuple[str, str]]) -> Installed:
    foreign = tuple(sorted({image for _, image in unknown}))
    istio = tuple(image for image in foreign if parse_numbers(parse_image(image).tag))
    if istio:
        return OpenSource(istio)
    if foreign:
        return Unreadable(foreign)
    distinct = set(known.values())
    if len(distinct) == 1:
        return OneVersion(distinct.pop())
    lowest: dict[str, AsmVersion] = {}
    for (name, _), version in sorted(known.items()):
        lowest[name] = min(version, lowest.get(name, version))
    return MixedVersions(lowest)
