"""Whether a card in the thread asks once more is what a click on it would be judged by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.clicks.orders import Approve
from bot.orders.judging import UNCOUNTED
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from bot.slack.sending.live_views import LiveViews
from steps.contract.cards import Card
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Done
from steps.gates import pass_gate
from steps.mesh import ClusterAddress
from tests.unit.bot.orders.test_cards import open_question, order, stand
from tests.unit.bot.workbench import POLICY, Build, Engine

KEY = "cluster-x"


def watch(engine: Engine, clusters: Mapping[str, Cluster]) -> LiveViews:
    """What the sender reads, with these clusters in force."""
    return LiveViews(engine.journal, engine.views, clusters, engine.chronicle)


def configure(production: bool) -> dict[str, Cluster]:
    """clusters.toml as it stands."""
    policy = replace(POLICY, production=production)
    return {KEY: Cluster(KEY, ClusterAddress(KEY), "C0MESHOPS1", "1.4.10-asm.18", policy, UpgradeOptions())}


def find_dialog(engine: Engine, live: LiveViews) -> str:
    """What the approval on the thread's card asks once more, "" where it asks nothing."""
    (card,) = (one for one in engine.outbox.list_told("cluster-x-1") if one.kind == "gate")
    drawn = draw_message(card, live.read_view("cluster-x-1"), "rich", Pen(lambda _user: True))
    blocks: list[dict[str, Any]] = json.loads(json.dumps(drawn.blocks))
    buttons = [one for block in blocks for one in block.get("elements", ()) if one.get("type") == "button"]
    (approve,) = (one for one in buttons if one["text"]["text"] == "Approve")
    return str(approve["confirm"]["text"]["text"]) if "confirm" in approve else ""


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("now", [True, False])
def test_the_dialog_follows_what_is_in_force(build: Build, started: bool, now: bool) -> None:
    """Not what was when the upgrade began; and a click from that card decides at once."""
    engine = stand(build, "control-plane/twice", policy=replace(POLICY, production=now))
    engine.journal.change_upgrade("cluster-x-1", options=UpgradeOptions(production=started))
    live = watch(engine, configure(now))
    engine.post_cards()
    dialog, asked = find_dialog(engine, live), open_question(engine)
    assert (dialog, live.read_view("cluster-x-1").production) == ("Replace 68 objects?" if now else "", now)
    order(engine, Approve("cluster-x-1", asked.step, asked.generation, confirmed=bool(dialog)))
    assert engine.row().state == "running"


@pytest.mark.parametrize("started", [True, False])
def test_a_cluster_that_is_lost_keeps_what_it_was_started_with(build: Build, started: bool) -> None:
    """Nobody can decide on it then either."""
    engine = stand(build, "control-plane/twice")
    engine.journal.change_upgrade("cluster-x-1", options=UpgradeOptions(production=started))
    assert bool(find_dialog(engine, watch(engine, {}))) == started


def test_a_question_of_an_earlier_version_asks_on_its_card_too(build: Build) -> None:
    """Its choices have no sentence for that."""
    ask = Ask("Change it?", Card("Change"), {})
    engine = build({"control-plane/approve": lambda ctx: pass_gate(ctx, ask), "end": lambda _ctx: Done("")})
    engine.add_upgrade(["control-plane/approve", "end"])
    engine.runner.turn()
    assert find_dialog(engine, watch(engine, configure(True))) == UNCOUNTED


def test_root_and_card_are_drawn_again_once_it_changes(build: Build) -> None:
    """Once each time; nothing is while it stays."""
    engine = stand(build, "control-plane/twice")
    clusters = configure(True)
    live, revisions = watch(engine, clusters), [list_revisions(engine)]
    for production in (True, False, False, True):
        clusters.update(configure(production))
        live.tick()
        revisions.append(list_revisions(engine))
    assert revisions == [[1, 1], [1, 1], [2, 2], [2, 2], [3, 3]]


def test_a_restart_after_a_change_draws_them_again(build: Build) -> None:
    """The bot that comes next does not know what was drawn last."""
    engine = stand(build, "control-plane/twice")
    watch(engine, configure(False)).tick()
    assert list_revisions(engine) == [2, 2]


def test_each_restart_goes_by_what_was_drawn_last(build: Build) -> None:
    """Not by the start: a change back is drawn too, and nothing where nothing has changed."""
    engine = stand(build, "control-plane/twice")
    revisions = []
    for production in (False, False, True, True):
        watch(engine, configure(production)).tick()
        revisions.append(list_revisions(engine)[0])
    assert revisions == [2, 2, 3, 3]


def list_revisions(engine: Engine) -> list[int]:
    """How often root and card were drawn."""
    rows = engine.store.read("select revision from outbox where kind in ('root', 'gate') order by seq")
    return [row["revision"] for row in rows]


def test_the_policy_of_the_tests_is_one_in_production() -> None:
    """The table above rests on it."""
    assert Policy(frozenset(), frozenset()).production
