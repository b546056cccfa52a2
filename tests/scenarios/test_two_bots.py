"""Two bots of two journals, and of one Slack app, on one cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.desk import Desk
from tests.scenarios.film import Film

LEASE = ("coordination.k8s.io/v1", "Lease", "istio-system", "asm-upgrade-bot")


@pytest.fixture
def pair(film: Film, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """A bot whose control plane is validated, and another one that has a journal and a state folder of its own."""
    with film.sit("sidecars/approve") as first:
        settings = replace(first.world.settings, state=tmp_path / "another")
        second = Desk(replace(first.world, settings=settings))
        yield first, second
        second.rig.crash()


def read_holder(desk: Desk) -> str:
    """The journal that holds the cluster."""
    found = desk.connect().read_object(*LEASE)
    assert found is not None
    return str(found["metadata"].get("annotations", {}).get("asm-upgrade-bot/journal", ""))


def test_the_second_does_nothing_until_the_first_has_ended(pair: tuple[Desk, Desk]) -> None:
    """With every approval that it needs, and though the first's question stands for long; then retry goes on."""
    first, second = pair
    mine = first.rig.bot.journal.read_id()
    assert read_holder(first) == mine
    asked = first.world.clock.now()
    first.rig.run_until(lambda: first.world.clock.now() - asked > timedelta(minutes=30), 3600)
    second.start()
    row = second.run_to("access/bind")
    assert (row.state, read_holder(first)) == ("blocked", mine)
    assert f"held by the upgrade {first.read().id} of another bot (journal {mine})" in row.sentence
    question = second.rig.bot.journal.find_open_question(row.id)
    assert question is not None
    assert [choice.id for choice in question.choices if choice.id.startswith("take-over")] == ["take-over-early"]
    first.click("abort", reason="the other team does it")
    first.rig.run_until(first.has_ended)
    assert read_holder(first) == ""
    second.click("retry")
    second.run_to("validate/approve")
    assert read_holder(second) == second.rig.bot.journal.read_id()
