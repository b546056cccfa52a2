"""Who may take which upgrade back, and what is answered otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.clicks.clicks import Click, Clicks, Door
from bot.clicks.orders import Rollback
from bot.journal.audit import name_event
from bot.journal.records import OPERATOR
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.workbench import ANA, BEN, Build, Engine

EVE = "U0EVE00005"


def order(engine: Engine, target: str = "cluster-x", by: str = ANA, reason: str = "slow", lay: float = 0.0) -> str:
    """Somebody orders it, and a bot looks at it so many minutes later; what they are told."""
    number = len(engine.store.read("select id from clicks"))
    door: Door = "command line" if by == OPERATOR else "command"
    click = Click(f"{number}", by, engine.clock.now(), Rollback(target, reason), channel="C0MESHOPS1", door=door)
    engine.upgrades.receive(click)
    engine.clock.advance(60 * lay)
    engine.upgrades.settle_clicks()
    return Clicks(engine.store).find_answer(f"{number}") or ""


def upgrade(engine: Engine, state: str = "upgraded", number: int = 1, source: str = "1.4.7-asm.0") -> None:
    """An upgrade that wrote to the control plane."""
    row = engine.add_upgrade(["a/b"], number=number)
    engine.journal.remember(row.id, FIRST_WRITE, "run")
    engine.journal.remember(row.id, SOURCE, Source(source))
    ended = None if state in ("running", "asking", "blocked") else engine.clock.now()
    engine.journal.change_upgrade(row.id, state=state, ended_at=ended)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", [ANA, BEN, OPERATOR])
@pytest.mark.parametrize("state", ["upgraded", "aborted"])
def test_whoever_may_act_takes_an_ended_upgrade_back(build: Build, by: str, state: str) -> None:
    """Alone, and from the command line too."""
    engine = build({})
    upgrade(engine, state)
    assert order(engine, by=by).startswith("cluster-x-2 takes cluster-x back to 1.4.7-asm.0. ")
    back = engine.row("cluster-x-2")
    assert (back.takes_back, back.requester, back.release) == ("cluster-x-1", by, "1.4.7-asm.0")


@pytest.mark.parametrize("state", ["running", "asking", "blocked"])
def test_an_open_upgrade_lands_first(build: Build, state: str) -> None:
    """Then its way back begins by itself."""
    engine = build({})
    upgrade(engine, state)
    assert order(engine).startswith("Taking back cluster-x-1: what runs is let end")
    assert engine.row().step == "landing/land"


def leave_alone(_engine: Engine) -> None:
    """Nothing more happens."""


def begin_another(engine: Engine) -> None:
    """A second upgrade is under way."""
    engine.add_upgrade(["a/b"], number=2)


def upgrade_again(engine: Engine) -> None:
    """A second upgrade has ended."""
    upgrade(engine, number=2)


def go_back(engine: Engine) -> None:
    """It was taken back already."""
    engine.transitions.begin_return(engine.row(), ANA, "slow")
    engine.journal.change_upgrade("cluster-x-2", state="returned")


@pytest.mark.parametrize(
    ("target", "by", "reason", "before", "told"),
    [
        ("cluster-x", EVE, "slow", leave_alone, "You are none of those who may act on this cluster"),
        ("cluster-x", ANA, " ", leave_alone, "Say why: `/asm-upgrade rollback cluster-x REASON`."),
        ("cluster-x", ANA, "slow", begin_another, "cluster-x has the upgrade cluster-x-2 under way"),
        ("cluster-x-1", ANA, "slow", upgrade_again, "cluster-x-1 is not the last that changed cluster-x: cluster-x-2"),
        ("cluster-x-1", ANA, "slow", go_back, "cluster-x-1 is not the last that changed cluster-x: cluster-x-2"),
        ("cluster-x-2", ANA, "slow", go_back, "cluster-x-2 is a way back itself"),
        ("cluster-y", ANA, "slow", leave_alone, "There is no cluster `cluster-y`"),
    ],
)
def test_what_can_not_be_taken_back_is_told(
    build: Build, target: str, by: str, reason: str, before: Callable[[Engine], None], told: str
) -> None:
    """A sentence each, and nothing begins."""
    engine = build({})
    upgrade(engine)
    before(engine)
    rows = len(engine.journal.list_upgrades())
    assert order(engine, target, by, reason).startswith(told)
    assert len(engine.journal.list_upgrades()) == rows


def test_a_release_without_a_file_is_no_way_back(build: Build) -> None:
    """It says what to do."""
    engine = build({})
    upgrade(engine, source="1.4.8-asm.3")
    assert order(engine) == (
        "The bot has no file for the release 1.4.8-asm.3, so it knows no way back to it: add one to the folder that "
        "ASM_UPGRADE_RELEASES names."
    )


def test_a_way_back_that_was_aborted_is_ordered_again(build: Build) -> None:
    """The cluster stands half way."""
    engine = build({})
    upgrade(engine)
    order(engine)
    engine.journal.change_upgrade("cluster-x-2", state="aborted", ended_at=engine.clock.now() + timedelta(minutes=1))
    assert order(engine).startswith("cluster-x-3 takes cluster-x back to 1.4.7-asm.0.")


def test_a_second_order_is_told_of_the_first(build: Build) -> None:
    """Two people at once, or a double click: one way back."""
    engine = build({})
    upgrade(engine, "running")
    order(engine, by=BEN)
    assert order(engine) == f"cluster-x-1 is being taken back by <@{BEN}> already: what runs is let end first."
    assert [name_event(entry.event) for entry in engine.journal.list_audit("cluster-x-1")].count("rollback") == 1


@pytest.mark.parametrize("by", [ANA, OPERATOR])
@pytest.mark.parametrize("state", ["upgraded", "running"])
def test_an_order_that_lay_while_no_bot_ran_takes_nothing_back(build: Build, by: str, state: str) -> None:
    """Whoever gave it saw another cluster; nobody else would be asked."""
    engine = build({})
    upgrade(engine, state)
    assert order(engine, by=by, lay=11).endswith(
        "11 min later, so nothing is taken back. See where it stands (`/asm-upgrade status cluster-x`), then order it "
        "again."
    )
    assert (engine.row().aborted_by, len(engine.journal.list_upgrades())) == ("", 1)
    assert not order(engine, by=by, lay=9).startswith("Your order")


def test_the_last_upgrade_is_found_behind_any_number_of_proposals(build: Build) -> None:
    """They changed nothing."""
    engine = build({})
    upgrade(engine)
    upgrade(engine, number=2)
    for number in range(3, 25):
        engine.add_upgrade(["prepare/identify"], number=number)
        engine.journal.change_upgrade(f"cluster-x-{number}", state="proposed", ended_at=engine.clock.now())
    assert order(engine, "cluster-x-1").startswith("cluster-x-1 is not the last that changed cluster-x: cluster-x-2")
    assert order(engine).startswith("cluster-x-25 takes cluster-x back")


@pytest.mark.parametrize("by", [ANA, OPERATOR])
@pytest.mark.parametrize("target", ["cluster-z", "cluster-z-1"])
def test_a_cluster_that_was_taken_out_of_the_configuration_is_not_taken_back(
    build: Build, by: str, target: str
) -> None:
    """Nobody is left there who may approve, though it was proposed since."""
    engine = build({})
    engine.add_upgrade(["a/b"], key="cluster-z")
    engine.journal.remember("cluster-z-1", FIRST_WRITE, "run")
    engine.journal.remember("cluster-z-1", SOURCE, Source("1.4.7-asm.0"))
    engine.journal.change_upgrade("cluster-z-1", state="upgraded", ended_at=engine.clock.now())
    engine.add_upgrade(["prepare/identify"], key="cluster-z", number=2)
    engine.journal.change_upgrade("cluster-z-2", state="proposed", ended_at=engine.clock.now())
    assert order(engine, target, by).startswith("There is no cluster `cluster-z` in clusters.toml any more.")
    assert len(engine.journal.list_upgrades()) == 2
