"""The fleet in words: what `/asm-upgrade status` tells privately, and who is asked."""

from __future__ import annotations

from dataclasses import replace

from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Done, Outcome
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, BEN, CAI, POLICY, Build, Engine


def run_gate(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def asking(build: Build, needed: int = 1) -> Engine:
    """An upgrade of ana's that waits for so many approvals."""
    engine = build({"access/approve": run_gate}, policy=replace(POLICY, approvals_needed=needed))
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    return engine


def test_status_names_who_is_asked(build: Build) -> None:
    """Not the requester, whom four eyes forbid it."""
    assert f"Asked on cluster-x: <@{BEN}>, <@{CAI}>" in asking(build).click("status", target="")


def test_who_has_approved_is_asked_no_more(build: Build) -> None:
    """Of two approvals one is given."""
    engine = asking(build, needed=2)
    engine.click("approve", BEN)
    assert f"Asked on cluster-x: <@{CAI}>\n" in engine.click("status", target="") + "\n"


def test_nobody_is_asked_while_it_is_paused(build: Build) -> None:
    """It has to be resumed first."""
    engine = asking(build)
    engine.click("pause", ANA)
    assert "Asked on" not in engine.click("status", target="")


def test_status_names_clusters_without_an_upgrade(build: Build) -> None:
    """Whose version nobody has read yet."""
    answer = build({"access/approve": run_gate}).click("status", target="")
    assert answer == (
        "No upgrade is under way. `/asm-upgrade start CLUSTER` starts one.\n"
        "*cluster-x*: version not read yet, never upgraded by this bot"
    )


def test_status_names_the_last_upgrade(build: Build) -> None:
    """With its end, in UTC; Slack shows it in the reader's zone."""
    engine = build({"finish/report": lambda _ctx: Done("upgraded")})
    engine.add_upgrade(["finish/report"])
    engine.runner.turn()
    assert "*cluster-x*: 1.4.10-asm.18, cluster-x-1 upgraded 2026-12-01 02:00 UTC" in engine.click("status", target="")
