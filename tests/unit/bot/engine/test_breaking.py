"""The journal breaks while a step acts."""

from __future__ import annotations

import pytest

from bot.journal.records import StoreBroken
from steps.contract.step import Context, Done, Outcome
from steps.mesh import PodGone
from tests.unit.bot.workbench import Build
from tests.unit.steps.paper_ports import PaperKubernetes


class Evicting(PaperKubernetes):
    """A cluster, and the gateways to it; its pods go at once."""

    gke = release_files = mesh_tools = backups = probes = None

    @property
    def kubernetes(self) -> PaperKubernetes:
        """The cluster."""
        return self

    def evict_pod(self, _namespace: str, _name: str, _uid: str) -> PodGone:
        """It is gone."""
        return PodGone()


def test_nothing_more_is_done_once_the_journal_is_broken(build: Build) -> None:
    """Also in the middle of a turn: it could not be written down."""
    done: list[str] = []

    def act(ctx: Context) -> Outcome:
        for name in ("a", "b"):
            ctx.kubernetes.evict_pod("shop", name, name)
            done.append(name)
            engine.store.broken = "the journal could not be written: database or disk is full"
        return Done("evicted")

    engine = build({"sidecars/restart": act}, ports=Evicting())
    engine.add_upgrade(["sidecars/restart"])
    with pytest.raises(StoreBroken):
        engine.runner.turn()
    assert done == ["a"]
