"""The rules of one run: what the guard may do, written beside it before istioctl starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict

Mode = Literal["recording", "guarding"]

PATIENCE_SECONDS = 120.0
LOCK_DESCRIPTOR = 9


@dataclass(frozen=True)
class BoundFile:
    """A file that must be the same at each use."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class RunLimits:
    """When the run is over (on the machine's monotonic clock), and how long a connection fault is waited out.

    A run that doesn't look answers istioctl's reads with an empty list: what is written down is the same.
    """

    deadline: float
    patience_seconds: float = PATIENCE_SECONDS
    looks: bool = True


@dataclass(frozen=True)
class Ground:
    """What kubectl is started with: the program, the run's own kubeconfig, and all of its environment."""

    kubectl: BoundFile
    kubeconfig: bytes
    cluster_uid: str
    environment: Mapping[str, str] = field(default_factory=dict)


class CheckedFile(TypedDict):
    """A file that must be the same at each use."""

    path: str
    sha256: str


class RunLock(TypedDict):
    """The file that the run's istioctl has locked, and under which number it hands it on."""

    path: str
    descriptor: int


class RenewedLeaf(TypedDict):
    """A text that istioctl makes anew at each rendering."""

    object: str
    path: list[str | int]
    line: str


class ApprovedCall(TypedDict):
    """A call of the approved record; `file` holds the objects."""

    component: str
    arguments: list[str]
    file: str
    sha256: str
    renewed: list[RenewedLeaf]


class Rules(TypedDict):
    """What this run may do."""

    mode: Mode
    looks: bool
    kubectl: CheckedFile
    kubeconfig: CheckedFile
    cluster_uid: str
    environment: dict[str, str]
    lock: RunLock
    deadline: float
    patience: float
    record: list[ApprovedCall]


class HandedMeta(TypedDict, total=False):
    """What names an object."""

    name: str
    namespace: str
    labels: dict[str, str] | None


class HandedObject(TypedDict):
    """An object that istioctl hands over."""

    apiVersion: str
    kind: str
    metadata: HandedMeta


def write_rules(
    mode: Mode, ground: Ground, kubeconfig: BoundFile, lock: Path, limits: RunLimits, record: list[ApprovedCall]
) -> bytes:
    """The rules as the guard reads them. `lock` is the file that the run's istioctl locks and writes its id into."""
    rules: Rules = {
        "mode": mode,
        "looks": limits.looks,
        "kubectl": _describe(ground.kubectl),
        "kubeconfig": _describe(kubeconfig),
        "cluster_uid": ground.cluster_uid,
        "environment": dict(ground.environment),
        "lock": {"path": str(lock), "descriptor": LOCK_DESCRIPTOR},
        "deadline": limits.deadline,
        "patience": limits.patience_seconds,
        "record": record,
    }
    return json.dumps(rules, indent=1).encode()


def _describe(bound: BoundFile) -> CheckedFile:
    return {"path": str(bound.path), "sha256": bound.sha256}
