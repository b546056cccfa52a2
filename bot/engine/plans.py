"""What upgrades are run with: steps, releases, the gateways of a cluster, and the pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from steps.contract.ports import Backups, Gke, Kubernetes, MeshTools, Probes, ReleaseFiles
from steps.contract.release import Release
from steps.contract.step import Step
from steps.mesh import ClusterAddress


@dataclass(frozen=True)
class Ports:
    """The gateways that a step acts through, for one cluster."""

    kubernetes: Kubernetes
    gke: Gke
    release_files: ReleaseFiles
    mesh_tools: MeshTools
    backups: Backups
    probes: Probes


class PortsFor(Protocol):
    """Builds the gateways of a cluster; may raise TryAgain or GiveUp."""

    def __call__(self, address: ClusterAddress, /) -> Ports: ...


@dataclass(frozen=True)
class Pace:
    """Time settings of the runner; `retry_cap` bounds every pause, in seconds."""

    retry_cap: float = 15.0
    approval_life: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Plans:
    """What upgrades are made of: the steps and releases that this bot knows, how it reaches a cluster, and its pace."""

    steps: Mapping[str, Step]
    releases: Mapping[str, Release]
    ports_for: PortsFor
    pace: Pace

    def find_unknown(self, plan: Sequence[str], step: str) -> str:
        """The first step of the plan, from this one on, that this version lacks, "" where it knows all of them."""
        rest = plan[plan.index(step) :] if step in plan else (step,)
        return next((one for one in rest if one not in self.steps), "")
