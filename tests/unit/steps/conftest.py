"""A cluster on paper whose control plane is already on the target."""

import pytest

from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import load_release


@pytest.fixture
def cluster() -> PaperCluster:
    """Give an empty mesh: the control plane of the release, and no workload."""
    return PaperCluster(load_release())
