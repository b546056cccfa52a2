"""An upgrade decided by clicks without Slack, from one question to the next."""

from __future__ import annotations

from typing import Any

from bot.journal.records import Action
from bot.journal.rows import UpgradeRow
from steps.contract.ports import Kubernetes
from steps.mesh import ClusterAddress
from tests.scenarios.rig import ANA, BEN, Rig, World
from tests.unit.bot.workbench import write_click

CLUSTER = "cluster-x"


class Desk:
    """Clicks without Slack, and a run from one question to the next."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rig = Rig(world, in_slack=False)
        self._clicks = 0

    def click(self, action: Action, user: str = BEN, **rest: Any) -> None:
        """Receive a click and settle it."""
        self._clicks += 1
        row = self.rig.bot.journal.find_open_upgrade(CLUSTER)
        if action in ("approve", "decide") and row is not None:  # the button of the card that is asked
            rest = {"step": row.step, "generation": row.generation, **rest}
        with self.rig.bot.store.transact() as db:  # without Slack every card counts as seen
            db.execute("update outbox set ts = '1.0' where ts = '' and slot like 'card:%'")
        click = write_click(f"click-{self._clicks}", action, user, self.world.clock.now(), target=CLUSTER, **rest)
        assert self.rig.bot.upgrades.receive(click)
        self.rig.bot.upgrades.settle_clicks()

    def start(self, **arguments: Any) -> None:
        """Ana starts the upgrade."""
        self.click("start", ANA, arguments=arguments)

    def run_to(self, step: str) -> UpgradeRow:
        """Approve what is asked until `step` asks or blocks; AssertionError where another step blocks."""
        while True:
            self.rig.run_until(self._stands_still, 20_000)
            row = self.read()
            if row.step == step:
                return row
            assert row.state == "asking", self.rig.describe()
            self.click("approve")

    def read(self) -> UpgradeRow:
        """The upgrade as it stands."""
        row = self.rig.bot.journal.find_open_upgrade(CLUSTER)
        assert row is not None, self.rig.describe()
        return row

    def connect(self) -> Kubernetes:
        """The cluster as its administrator sees it."""
        address = ClusterAddress("administrator", kubeconfig=str(self.world.folder.kubeconfig))
        return self.rig.bot.runner._plans.ports_for(address).kubernetes

    def has_ended(self) -> bool:
        """Whether no upgrade is open any more."""
        return self.rig.bot.journal.find_open_upgrade(CLUSTER) is None

    def _stands_still(self) -> bool:
        row = self.rig.bot.journal.find_open_upgrade(CLUSTER)
        return row is None or row.state != "running"
