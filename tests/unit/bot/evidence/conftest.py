"""An upgrade that was asked about, decided, carried out and ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.evidence.record import ChangeRecord, read_record
from bot.journal.audit import Acted, Deed
from steps.contract.cards import Card, Detail
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Ask, Context, Done, Outcome
from tests.unit.bot.workbench import BEN, Build, Engine

UPGRADE = "cluster-x-1"
WAITED = 300.0
Ended = Callable[..., Engine]


def write_entry(number: int, state: str = "upgraded", workload: str = "shop/Deployment/web") -> LedgerEntry:
    """A pod of a workload."""
    namespace = workload.partition("/")[0]
    fields = {"uid": f"uid-{workload}-{number}", "namespace": namespace, "pod": f"{workload.split('/')[-1]}-{number}"}
    return LedgerEntry(workload=workload, state=state, evidence="its replacement runs 1.4.10", **fields)  # type: ignore[arg-type]


def restart(workload: str, result: str = "accepted") -> Deed:
    """The call that sends a workload's pods."""
    return Deed("restart workload", f"{workload} 2026-12-01T02:00:00Z 41", result)


@pytest.fixture
def ended(build: Build) -> Ended:
    """Build an upgrade with a gate that says `words`, answered after five minutes, and these deeds and pods."""

    def end(words: str = "Replace it?", deeds: tuple[Deed, ...] = (), entries: tuple[LedgerEntry, ...] = ()) -> Engine:
        def ask(ctx: Context) -> Outcome:
            card = Card(words, (words,), ((words, words),), (words,), (Detail(words, (words,)),), words)
            return Done("let through") if ctx.decision else Ask(words, card, {"what": "this"})

        def act(ctx: Context) -> Outcome:
            ctx.ledger.record_entries(entries)
            return Done(words)

        engine = build({"control-plane/approve": ask, "sidecars/restart": act})
        engine.add_upgrade(["control-plane/approve", "sidecars/restart"])
        engine.runner.turn()
        engine.clock.advance(WAITED)
        engine.click("approve", BEN)
        engine.runner.turn()
        for deed in deeds:
            engine.clock.advance(60)
            engine.journal.append(UPGRADE, "bot", Acted("sidecars/restart", (deed,)), engine.clock.now())
        engine.runner.turn()
        return engine

    return end


def read(engine: Engine) -> ChangeRecord:
    """The record as it is an hour later."""
    return read_record(engine.store, UPGRADE, engine.clock.now() + timedelta(hours=1))
