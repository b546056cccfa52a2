"""After an outage of Slack the open questions are offered again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.engine.outages import Outages
from bot.telling.chronicle import Chronicle
from tests.unit.bot.workbench import Engine, build_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """One upgrade that waits for an approval."""
    built = build_engine(tmp_path, {})
    built.add_upgrade(["access/approve"])
    built.journal.change_upgrade("cluster-x-1", state="asking")
    yield built
    built.store.close()


@pytest.fixture
def outages(engine: Engine) -> Outages:
    """Reachable at first."""
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [])
    built = Outages(engine.store, engine.journal, chronicle, engine.clock)
    built.observe(reachable=True)
    return built


def lose_for(engine: Engine, outages: Outages, seconds: float) -> list[str]:
    """Be unreachable for so long; the milestones told afterwards."""
    outages.observe(reachable=False)
    engine.clock.advance(seconds)
    outages.observe(reachable=False)
    outages.observe(reachable=True)
    return [str(body["sentence"]) for body in engine.bodies("milestone")]


def test_a_long_outage_is_told_where_a_question_is_open(engine: Engine, outages: Outages) -> None:
    """Somebody may have clicked in vain."""
    assert lose_for(engine, outages, 90) == [
        "Slack could not reach the bot from 02:00:00 to 02:01:30 UTC. A click in that time was lost; "
        "the question above still stands."
    ]


def test_a_short_outage_is_not_told(engine: Engine, outages: Outages) -> None:
    """Slack refreshes the connection every few hours."""
    assert lose_for(engine, outages, 5) == []


def test_nothing_is_told_where_nothing_is_asked(engine: Engine, outages: Outages) -> None:
    """Nobody was to click there."""
    engine.journal.change_upgrade("cluster-x-1", state="running")
    assert lose_for(engine, outages, 90) == []


def test_an_outage_is_told_once(engine: Engine, outages: Outages) -> None:
    """However often it is looked at."""
    lose_for(engine, outages, 90)
    outages.observe(reachable=True)
    assert len(engine.bodies("milestone")) == 1


def restart_after(engine: Engine, seconds: float) -> list[str]:
    """Be killed, and start again so much later; the milestones told then."""
    engine.clock.advance(seconds)
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [])
    Outages(engine.store, engine.journal, chronicle, engine.clock).observe(reachable=True)
    return [str(body["sentence"]) for body in engine.bodies("milestone")]


def test_the_time_that_a_killed_bot_was_away_is_told(engine: Engine, outages: Outages) -> None:
    """A click in that time was lost as well."""
    [sentence] = restart_after(engine, 600)
    assert sentence.startswith("Slack could not reach the bot from 02:00:00 to 02:10:00 UTC.")


def test_a_quick_restart_is_not_told(engine: Engine, outages: Outages) -> None:
    """As at each deployment."""
    assert restart_after(engine, 20) == []
