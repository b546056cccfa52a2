"""Pods that go wrong on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from sandbox.cluster.objects.objects import Json, name_of, namespace_of

PodFaultKind = Literal["never-ready", "crashing", "unpullable", "stuck-terminating"]


@dataclass(frozen=True)
class PodFault:
    """Containers whose image, namespace and pod name match these patterns (*, ?) go wrong in one way."""

    kind: PodFaultKind
    image: str = "*"
    namespace: str = "*"
    pod: str = "*"

    def covers(self, pod: Json, image: str) -> bool:
        """Tell whether the fault strikes this image in this pod."""
        return (
            fnmatchcase(image, self.image)
            and fnmatchcase(namespace_of(pod), self.namespace)
            and fnmatchcase(name_of(pod), self.pod)
        )


@dataclass
class PodFaults:
    """The faults in force."""

    active: list[PodFault] = field(default_factory=list)

    def strikes(self, kind: PodFaultKind, pod: Json, images: Iterable[str]) -> bool:
        """Tell whether any of these images of the pod goes wrong in this way."""
        faults = [fault for fault in self.active if fault.kind == kind]
        return bool(faults) and any(fault.covers(pod, image) for fault in faults for image in images)
