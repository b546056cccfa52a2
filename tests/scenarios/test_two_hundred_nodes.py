"""A mesh on two hundred nodes through the whole plan: nobody is stopped over what only takes its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.rig import ANA, BEN, Rig, World

NODES = 200
NEW = "1.4.10-asm.18"
# A node takes some seconds, and two rollouts that are as slow as the nodes are many take an hour and a half.
PAUSE_SECONDS = 20.0


class UnhurriedRig(Rig):
    """A rig whose bot looks three times a minute; the cluster goes on at its own pace between two looks."""

    def turn(self) -> float:
        """As ever, and then a pause."""
        return max(super().turn(), PAUSE_SECONDS)


@pytest.fixture
def rig(world: World) -> Iterator[UnhurriedRig]:
    """The bot in its world, connected by Socket Mode."""
    built = UnhurriedRig(world)
    yield built
    built.crash()


@pytest.mark.timeout(900)
def test_a_mesh_on_two_hundred_nodes_is_upgraded_without_a_stop(rig: Rig) -> None:
    """The agents of the control plane and of a team move node by node, gateways and workloads beside them."""
    cluster = rig.world.cluster
    cluster.sky.begin("many-nodes", {"count": NODES})
    settled = rig.world.clock.now().timestamp() + 300
    rig.run_until(lambda: rig.world.clock.now().timestamp() > settled)
    begun = rig.world.clock.now()
    rig.command(ANA, "start cluster-x")
    # fails where the upgrade stops for anything but a question
    rig.upgrade_all(BEN)
    assert [row.state for row in rig.bot.journal.list_upgrades()] == ["upgraded"], rig.describe()
    minutes = (rig.world.clock.now() - begun).total_seconds() / 60
    images = [
        (pod["metadata"]["namespace"], row["image"].rpartition(":")[2])
        for pod in cluster.store.each("pods")
        for row in pod["spec"]["containers"]
        if row["name"] in ("istio-proxy", "nodeagent")
    ]
    assert sum(tag == NEW for space, tag in images if space == "istio-system") >= NODES
    assert sum(tag == NEW for space, tag in images if space == "data") >= NODES
    assert sum(entry.state == "upgraded" for entry in rig.bot.journal.read_ledger("cluster-x-1")) >= NODES
    # Longer than the patience with a workload, and than that with a control plane, before they grow with the cluster.
    assert minutes > 30
