"""The rules of one run: what the guard may do, written beside it before istioctl starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

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


def write_rules(
    mode: Mode, ground: Ground, kubeconfig: BoundFile, lock: Path, limits: RunLimits, record: list[dict[str, object]]
) -> bytes:
    """The rules as the guard reads them. `lock` is the file that the run's istioctl locks and writes its id into."""
    rules = {
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


def _describe(bound: BoundFile) -> dict[str, str]:
    return {"path": str(bound.path), "sha256": bound.sha256}
