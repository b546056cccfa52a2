"""Whatever somebody types as a command is settled and answered, and ends nothing."""

from __future__ import annotations

import random
import re
from contextlib import closing
from pathlib import Path

from bot.clicks.clicks import Click, Clicks
from bot.retention.packing import QUIET, Packing
from handlers.grammar import Misread, read_order
from handlers.usage import USAGE
from steps.contract.step import Done, Waiting
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.workbench import ANA, BEN, Build, Engine, HandClock, build_engine
from tests.unit.house.test_any_text import PIECES

COMMANDS = 400
LATE = [
    f"{name} {target}{rest}" for name in USAGE for target in ("cluster-x", "cluster-x-1") for rest in ("", " it failed")
]
ANY_ID = re.compile(r"[0-9a-f]{32}")
TARGETS = ("cluster-x", "cluster-x-1", "cluster-y", "")


def write_command(chosen: random.Random) -> str:
    """A command that exists, about a cluster that mostly does, with anything behind it."""
    rest = (chosen.choice(PIECES) + chosen.choice(("", " ", " ")) for _ in range(chosen.randint(0, 9)))
    return f"{chosen.choice(list(USAGE))} {chosen.choice(TARGETS)} {''.join(rest)}"


def test_any_command_is_settled_and_answered(build: Build) -> None:
    """None is a fault of the bot."""
    engine, chosen = build({}), random.Random("any order")
    engine.add_upgrade(["access/approve"])
    answers: list[str] = []
    for number in range(COMMANDS):
        order = read_order(write_command(chosen))
        if isinstance(order, Misread):
            continue
        click = Click(f"any-{number}", chosen.choice((ANA, BEN)), engine.clock.now(), order, channel="C0")
        engine.upgrades.receive(click)
        engine.upgrades.settle_clicks()
        answer = Clicks(engine.store).find_answer(click.id)
        answers.append(f"unsettled: {order}" if answer is None else answer)
    assert [answer for answer in answers if "unsettled" in answer or "incident" in answer] == []
    assert len(answers) > COMMANDS / 4


def test_an_order_about_what_is_packed_does_what_it_did_before(tmp_path: Path) -> None:
    """Whatever is said or shown of it, and whatever is written to it: a way back, a late click, a plain question."""
    assert obey_late(tmp_path / "standing", packed=False) == obey_late(tmp_path / "packed", packed=True)


def obey_late(folder: Path, *, packed: bool) -> tuple[list[str], list[str]]:
    """The answers to orders about an upgrade that ended long ago, and what the journal holds after them."""
    folder.mkdir()
    engine = build_engine(folder, {"access/approve": lambda _ctx: Waiting("for nobody", 5)}, HandClock())
    end_upgrade(engine)
    with closing(engine.store):
        answers = []
        for number, said in enumerate(("rollback cluster-x it failed", *LATE)):
            order = read_order(said)
            if isinstance(order, Misread):
                continue
            pack_ended(engine, packed=packed)
            click = Click(f"late-{number}", (ANA, BEN)[number % 3 == 0], engine.clock.now(), order, channel="C0")
            engine.upgrades.receive(click)
            engine.upgrades.settle_clicks()
            answers.append(str(Clicks(engine.store).find_answer(click.id)))
        rows = [
            str({**row, "body": ANY_ID.sub("", str(row.get("body"))), "id": "", "proof": ""})
            for table in ("upgrades", "whole_outbox", "whole_memory", "whole_approvals", "whole_ledger", "audit")
            for row in engine.store.read(f"select * from {table}")
        ]
    return answers, sorted(rows)


def end_upgrade(engine: Engine) -> None:
    """An upgrade that wrote to its cluster and ended longer ago than a pack needs."""
    engine.add_upgrade(["access/approve"])
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.10-asm.18"))
    engine.journal.record_step("cluster-x-1", "access/approve", "Done", "said", engine.clock.now(), ended=True)
    engine.transitions.end(engine.row(), Done("upgraded"))
    engine.clock.advance(QUIET.total_seconds() + 1)


def pack_ended(engine: Engine, *, packed: bool) -> None:
    """Slack has all that was told; pack what may be."""
    with engine.store.transact() as db:
        db.execute("update outbox set sent_revision = revision, ts = '1.1' where upgrade = 'cluster-x-1'")
        db.execute("update outbox set created_at = 1 where upgrade = 'cluster-x-1'")
    if packed:
        Packing(engine.store, lambda: 10**9).pack("cluster-x-1", engine.clock.now())
        assert engine.store.read("select upgrade from packs") == [{"upgrade": "cluster-x-1"}]
