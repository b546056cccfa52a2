"""The sidecars phase over a cluster on paper."""

from __future__ import annotations

from steps.contract.step import Done
from steps.mesh import WorkloadRef
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

WEB = WorkloadRef("shop", "Deployment", "web")


def approved(cluster: PaperCluster, **options: object) -> Rig[PaperCluster]:
    """A planned and approved phase."""
    cluster.move_control_plane()
    rig = start(cluster, **options)
    assert isinstance(rig.approve("approve"), Done)
    return rig
