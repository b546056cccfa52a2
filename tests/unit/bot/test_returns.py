"""How far the approval of an upgrade's control plane covers its way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from bot.returns import Returns, has_written
from bot.settings.clusters import Cluster
from bot.settings.live import find_present_channel
from steps.contract.cards import Card
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.mesh import ClusterAddress
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from steps.notes.way_back import WayBack
from steps.plan import FIRST_WRITE as APPLY
from tests.unit.bot.workbench import BEN, POLICY, Build, Engine

STEP, WAY = "control-plane/approve", {"record": "ab", "istioctl": "cd"}


def build_upgrade(build: Build, binding: dict[str, object]) -> Engine:
    """An upgrade whose control plane Ben approved on a card with this binding, and which wrote to it since."""

    def ask(ctx: Context) -> Outcome:
        return pass_gate(ctx, Ask("Replace it?", Card("Control plane"), binding))  # type: ignore[arg-type]

    engine = build({STEP: ask, "a/b": lambda _ctx: Done("through")})
    engine.add_upgrade([STEP, "a/b"])
    engine.runner.turn()
    engine.post_cards()
    engine.click("approve", BEN)
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    return engine


def find_cover(engine: Engine, hours: float = 0.0) -> str:
    """Who covers the way back so long after the end, "" for nobody."""
    cover = Returns(engine.store, engine.journal, {}, lambda _key: "").find_cover(
        engine.row(), engine.clock.now() + timedelta(hours=hours)
    )
    assert cover is None or cover.way == WayBack("ab", "cd")
    return cover.by if cover else ""


def test_an_upgrade_under_way_is_covered(build: Build) -> None:
    """By whoever approved its control plane."""
    assert find_cover(build_upgrade(build, {"way back": WAY})) == BEN


@pytest.mark.parametrize(("hours", "by"), [(23.9, BEN), (24.1, "")])
def test_an_upgrade_is_covered_for_a_day_after_its_end(build: Build, hours: float, by: str) -> None:
    """Later it takes a fresh look of two."""
    engine = build_upgrade(build, {"way back": WAY})
    while engine.row().state != "upgraded":
        engine.runner.turn()
    assert find_cover(engine, hours) == by


def test_an_approval_that_bound_no_way_back_covers_none(build: Build) -> None:
    """As those of earlier versions of the bot."""
    assert find_cover(build_upgrade(build, {})) == ""


def test_an_apply_that_an_earlier_version_made_counts_as_a_write(build: Build) -> None:
    """It noted no more than that the step was done."""
    engine = build({APPLY: lambda _ctx: Done("applied"), "a/b": lambda _ctx: Waiting("for pods", 5)})
    engine.add_upgrade([APPLY, "a/b"])
    assert not has_written(engine.journal, engine.row())
    engine.runner.turn()
    assert has_written(engine.journal, engine.row())


def forge_note(engine: Engine) -> None:
    """Somebody changes a note."""
    with engine.store.transact() as db:
        db.execute("update memory set value = '[]' where key = ?", [FIRST_WRITE.key])


def forge_decision(engine: Engine) -> None:
    """Somebody names another person."""
    with engine.store.transact() as db:
        db.execute("update approvals set decided_by = 'U0EVE00005'")


@pytest.mark.parametrize("forge", [forge_note, forge_decision])
def test_what_the_bot_did_not_write_covers_nothing(build: Build, forge: Callable[[Engine], None]) -> None:
    """Then each gate of the way back asks."""
    engine = build_upgrade(build, {"way back": WAY})
    forge(engine)
    assert find_cover(engine) == ""


def forge_row(engine: Engine) -> None:
    """Somebody leads the upgrade to another cluster."""
    with engine.store.transact() as db:
        db.execute("update upgrades set address = replace(address, 'cluster-x', 'cluster-y')")


@pytest.mark.parametrize("forge", [forge_note, forge_row])
def test_a_way_back_is_in_doubt_where_its_upgrade_is(build: Build, forge: Callable[[Engine], None]) -> None:
    """What somebody else wrote does not become proven by being taken over: each step asks first."""
    engine = build_upgrade(build, {"way back": WAY})
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    while engine.row().state != "upgraded":
        engine.runner.turn()
    forge(engine)
    back = engine.transitions.begin_return(engine.row(), BEN, "slow")
    assert engine.journal.standing.read(back.id).faults[0].startswith("the notes ")


def test_a_way_back_of_what_the_bot_wrote_is_not_in_doubt(build: Build) -> None:
    """The usual case."""
    engine = build_upgrade(build, {"way back": WAY})
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    while engine.row().state != "upgraded":
        engine.runner.turn()
    back = engine.transitions.begin_return(engine.row(), BEN, "slow")
    assert not engine.journal.standing.read(back.id).faults


@pytest.mark.parametrize(("key", "told"), [("cluster-x", "C0NEW"), ("cluster-y", "C0MESHOPS1")])
def test_a_way_back_is_told_in_the_clusters_present_channel(build: Build, key: str, told: str) -> None:
    """That of the upgrade may be gone for good; where clusters.toml has the cluster no longer it is all there is."""
    engine = build_upgrade(build, {"way back": WAY})
    cluster = Cluster(key, ClusterAddress(key), "C0NEW", "1.4.10-asm.18", POLICY, UpgradeOptions())
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    returns = Returns(engine.store, engine.journal, {}, partial(find_present_channel, {key: cluster}))
    back = returns.build_return(engine.row(), BEN, engine.clock.now())
    assert (back.takes_back, back.channel) == ("cluster-x-1", told)
