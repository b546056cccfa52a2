"""A note keeps its type from where it is written to where it is read."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from steps.contract.notes import Note, read_as
from steps.contract.step import Context
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig

FLAGS = Note("prepare/options", read_as(tuple[str, ...]))
BEGUN = Note("sidecars/clock", read_as(datetime))


@pytest.fixture
def rig(cluster: PaperCluster) -> Rig[PaperCluster]:
    """An upgrade whose memory tells turns apart."""
    return Rig(cluster)


def take_turn(rig: Rig[PaperCluster]) -> Context:
    return rig.context("sidecars/restart")


def test_nothing_is_kept_at_first(rig: Rig[PaperCluster]) -> None:
    """None, whatever the type."""
    assert take_turn(rig).recall(FLAGS) is None


def test_the_first_value_remembered_wins(rig: Rig[PaperCluster]) -> None:
    """A stamp that a call has used never changes, and survives a turn whose outcome is lost."""
    ctx = take_turn(rig)
    first = ctx.remember(BEGUN, ctx.now)
    rig.memory.revised.clear()
    rig.cluster.tick(60)
    assert take_turn(rig).remember(BEGUN, rig.cluster.now) == first == ctx.now


def test_a_revised_note_commits_with_the_outcome(rig: Rig[PaperCluster]) -> None:
    """The turn itself sees it at once; a turn that is lost leaves the old value."""
    ctx = take_turn(rig)
    ctx.revise(FLAGS, ("a=b",))
    assert ctx.recall(FLAGS) == ("a=b",)
    rig.memory.revised.clear()
    assert take_turn(rig).recall(FLAGS) is None
    take_turn(rig).revise(FLAGS, ("a=c",))
    rig.commit()
    assert take_turn(rig).recall(FLAGS) == ("a=c",)


def test_a_forgotten_note_is_none_again(rig: Rig[PaperCluster]) -> None:
    """With the turn's outcome."""
    take_turn(rig).revise(FLAGS, ("a=b",))
    rig.commit()
    take_turn(rig).forget(FLAGS)
    rig.commit()
    assert take_turn(rig).recall(FLAGS) is None


def test_a_note_about_one_of_many_has_a_key_of_its_own() -> None:
    """The parts come after the key."""
    assert BEGUN.of(3, "shop/Deployment/web").key == "sidecars/clock/3/shop/Deployment/web"


def test_what_is_not_of_the_type_is_refused(rig: Rig[PaperCluster]) -> None:
    """A row that nobody can have written is no value."""
    rig.memory.values[FLAGS.key] = {"not": "flags"}
    with pytest.raises(msgspec.ValidationError):
        take_turn(rig).recall(FLAGS)
