"""The state folder: whoever may write the journal's file, and has no key."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import time
from pathlib import Path

from bot.clicks.clicks import encode_click
from bot.journal.audit import Started
from bot.journal.packs.forms import Rows, write_pack
from bot.journal.store import StoredCopy
from bot.journal.verifying import Chains, verify_journal
from bot.retention.packing import QUIET, Packing
from bot.windows.downtime import Downtime, Window
from steps.contract.cards import Card
from steps.contract.notes import Note, read_as
from steps.contract.step import Ask, Context, Done, Outcome
from steps.gates import pass_gate
from tests.attacks.table import Attack, Kind
from tests.unit.bot.workbench import ANA, BEN, CAI, START, Engine, build_engine, write_click

STEP, ACT = "access/approve", "access/bind"
WHAT = Note("access/what", read_as(str))
# The journals are made at 02:00.
DAYS = Downtime((Window(tuple(range(7)), time(8), time(16), "UTC"),))
JOURNAL = "asm-upgrade.db"


def ask(ctx: Context) -> Outcome:
    """A gate that nothing but a decision opens."""
    return pass_gate(ctx, Ask("May it?", Card("Card"), {"what": "shown"}))


def build_steps(acted: list[str]) -> Mapping[str, Callable[[Context], Outcome]]:
    """The gate, and a step that acts as far as its note says."""

    def bind(ctx: Context) -> Outcome:
        acted.append(ctx.remember(WHAT, ctx.cluster.key))
        return Done("bound")

    return {STEP: ask, ACT: bind}


@dataclass
class Journals:
    """Journals of an upgrade that asks, of one that was let pass, and of one that has ended; attacks get copies."""

    folder: Path

    def verify(self, statement: str, name: str = "ended") -> str:
        """Whether `verify` finds what was written into the ended one, or into the one that is packed."""
        with self._copy(name) as path:
            write(path, statement)
            copy = StoredCopy(path)
            found = verify_journal(Chains(copy)).faults
            copy.close()
        return "" if found else "nobody finds it"

    def go_on(self, *statements: str) -> str:
        """Whether the bot that goes on from the one that asks acts."""
        return f"it acted on {acted}" if (acted := self.list_acts("asking", statements)) else ""

    def confuse(self, *statements: str) -> str:
        """Whether the bot that goes on from the one that was let pass acts on what was written."""
        return f"it acted on {acted}" if (acted := self.list_acts("passed", statements)) else ""

    def hurry(self, *statements: str) -> str:
        """Whether the bot that goes on from the one that is held acts before its window opens."""
        return f"it acted on {acted}" if (acted := self.list_acts("held", statements)) else ""

    def list_acts(self, name: str, statements: Sequence[str]) -> list[str]:
        """What the bot does that goes on from a journal into which this was written."""
        acted: list[str] = []
        with self._copy(name) as path:
            for statement in statements:
                write(path, statement)
            engine = build_engine(path.parent, build_steps(acted), downtime=DAYS if name == "held" else Downtime())
            try:
                for _ in range(3):
                    engine.upgrades.settle_clicks()
                    engine.runner.turn()
                    engine.clock.advance(20)
            finally:
                engine.store.close()
        return acted

    def decide_alone(self, statement: str) -> str:
        """Whether a click of the requester is believed, or whether `verify` finds what was written."""
        with self._copy("asking") as path:
            write(path, statement)
            copy = StoredCopy(path)
            found = verify_journal(Chains(copy)).faults
            copy.close()
        return "" if found else "nobody finds it"

    @contextmanager
    def _copy(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            shutil.copy(self.folder / name / JOURNAL, place)
            yield Path(place) / JOURNAL


@contextmanager
def open_journals(folder: Path) -> Iterator[Journals]:
    """Made once: an upgrade that asks, two that Ben let pass, one held, and two that have ended, one packed."""
    for name in ("asking", "passed", "held", "ended", "packed"):
        (folder / name).mkdir()
        engine = build_engine(folder / name, build_steps([]), downtime=DAYS if name == "held" else Downtime())
        begin(engine)
        if name != "asking":
            engine.click("pause", ANA)
            engine.click("resume", ANA)
            engine.click("approve", BEN)
            engine.journal.remember("cluster-x-1", WHAT, "cluster-x")
            engine.runner.turn()
            assert engine.row().step == ACT
        if name == "held":  # the gate is decided ahead of the window; what acts behind it waits
            engine.runner.turn()
            assert engine.schedules.find_hold("cluster-x-1") is not None
        if name in ("ended", "packed"):
            engine.runner.turn()
            assert engine.row().state == "upgraded"
        if name == "packed":
            pack(engine)
        with engine.store.transact() as db:
            db.conn.execute("select 1")
        engine.store.read("pragma wal_checkpoint(truncate)")
        engine.store.close()
    yield Journals(folder)


def begin(engine: Engine) -> None:
    """An upgrade of Ana's that asks."""
    engine.add_upgrade([STEP, ACT])
    engine.journal.append("cluster-x-1", ANA, Started("1.4.10-asm.18"), engine.clock.now())
    engine.runner.turn()
    engine.post_cards()


def pack(engine: Engine) -> None:
    """Slack has all of it, and days have passed."""
    with engine.store.transact() as db:
        db.execute("update outbox set sent_revision = revision")
    assert Packing(engine.store, lambda: 10**9).pack("cluster-x-1", engine.clock.now() + 2 * QUIET)


def write_packs(**tables: Rows) -> str:
    """A pack of one's own for the upgrade, as a statement."""
    kept, told = write_pack(tables), write_pack({})
    return f"insert into packs (upgrade, at, kept, told) values ('cluster-x-1', 1, x'{kept.hex()}', x'{told.hex()}')"


def write(path: Path, statement: str) -> None:
    """Write into the file as somebody who has it."""
    db = sqlite3.connect(path)
    changed = db.execute(statement).rowcount
    db.commit()
    db.close()
    assert changed >= 1, statement


def rewrite(kind: Kind, name: str, statement: str) -> Attack:
    """An attack on the record of an upgrade that has ended."""
    return Attack("state folder", kind, name, lambda journals: journals.verify(statement))


def forge(kind: Kind, name: str, *statements: str) -> Attack:
    """An attack on what the bot does next."""
    return Attack("state folder", kind, name, lambda journals: journals.go_on(*statements))


def hurry(name: str, *statements: str) -> Attack:
    """An attack on the time at which an upgrade may act; its next look is due."""
    return Attack("state folder", "forge", name, lambda journals: journals.hurry(*statements))


def confuse(kind: Kind, name: str, *statements: str) -> Attack:
    """An attack on what an act rests on that was approved."""
    return Attack("state folder", kind, name, lambda journals: journals.confuse(*statements))


DECIDED = f"update approvals set state = 'decided', choice = 'approve', decided_by = '{BEN}', decided_at = 1"
OWN_DECISION = (
    "insert into approvals (upgrade, step, generation, kind, question, choices, binding, digest, state, choice, "
    f"decided_by, decided_at, asked_at) values ('cluster-x-1', '{STEP}', 9, 'gate', '', '[]', '{{}}', '', 'decided', "
    f"'approve', '{BEN}', 1, 1)"
)
RUNNING = "update upgrades set state = 'running', due = 0"
LATER = (
    'insert into extensions (upgrade, until, "by", reason, at, proof) '
    f"values ('cluster-x-1', {{}}, '{BEN}', 'hurry', 1, {{}})"
).replace("{}", "1830000000", 1)
AT_HAND = (
    'insert into schedules (upgrade, starts, zone, "by", at) '
    f"values ('cluster-x-1', {START.timestamp() - 60}, 'UTC', '{BEN}', 1)"
)
UNCOUNTED = "update upgrades set notes = notes - 1"
SWAPPED = (
    "update memory set value = (select value from memory other where other.key <> memory.key), "
    "proof = (select proof from memory other where other.key <> memory.key)"
)
CHANGED = {
    "another cluster": "cluster = 'cluster-y'",
    "another address": """address = '{"key": "cluster-y"}'""",
    "another release": "release = '1.4.7-asm.0'",
    "other options": "options = '{}'",
    "another requester's": f"requester = '{BEN}'",
    "another channel": "channel = 'C0OTHER'",
    "another question": "generation = 0",
    "a way back of another": "takes_back = 'cluster-y-1'",
    "another age": "created_at = created_at + 1",
    "another proof": "proof = ''",
}
CLICK = encode_click(write_click("forged", "approve", BEN, START, "cluster-x", STEP, 1, channel="C0")).replace(
    "'", "''"
)
# Of the question that is open, and of one that was never asked.
OWN_ROWS: Rows = [
    {
        "step": STEP, "generation": generation, "kind": "gate", "question": "", "choices": "[]",
        "binding": '{"what": "shown"}', "digest": "", "state": "decided", "choice": "approve", "decided_by": BEN,
        "decided_at": 1.0, "reason": "", "asked_at": 1.0, "expires_at": None, "proof": "ab", "term_proof": "ab",
    }
    for generation in (1, 9)
]  # fmt: skip
OWN_NOTES: Rows = [{"key": "access/what", "value": '"cluster-y"', "proof": "ab"}]
INSERTED = f"insert into clicks (id, body, received_at) values ('forged', '{CLICK}', 1796090400)"
ATTACKS: list[Attack] = [
    forge("forge", "approvals: a decision", DECIDED, RUNNING),
    forge("forge", "approvals: a decision with a proof", DECIDED.replace("set ", "set proof = 'ab', "), RUNNING),
    forge(
        "forge",
        "approvals: a row of one's own",
        RUNNING,
        OWN_DECISION,
        "update upgrades set generation = 9",
    ),
    forge("forge", "approvals: removed", "delete from approvals", RUNNING),
    forge("forge", "clicks: an approval", INSERTED),
    forge(
        "forge",
        "clicks: an approval with a proof",
        INSERTED.replace("received_at)", "received_at, proof)").replace("1796090400)", "1796090400, 'ab')"),
    ),
    forge("forge", "clicks: one that can't be read", "insert into clicks (id, body, received_at) values ('x', '[', 1)"),
    forge("break", "clicks: no text at all", "insert into clicks (id, body, received_at) values ('x', x'ff00', 1)"),
    forge(
        "forge",
        "consents: two approvals",
        *(
            'insert into consents (upgrade, step, generation, choice, "by", at) '
            f"values ('cluster-x-1', '{STEP}', 1, 'approve', '{one}', 1)"
            for one in (BEN, CAI)
        ),
        RUNNING,
    ),
    forge(
        "forge",
        "memory: what was shown",
        "insert into memory values ('cluster-x-1', 'shown', '\"other\"', '')",
        RUNNING,
    ),
    hurry("extensions: until next year", LATER.format("''")),
    hurry("extensions: until next year, with a proof", LATER.format("'ab'")),
    hurry("schedules: an appointment at hand", AT_HAND),
    hurry("holds: removed", "delete from holds"),
    hurry("holds: until a moment ago", "update holds set until = 1"),
    forge("forge", "upgrades: past its gate", f"{RUNNING}, step = '{ACT}'"),
    forge("forge", "upgrades: past its gate, with a proof", f"{RUNNING}, step = '{ACT}', proof = 'ab'"),
    forge("forge", "upgrades: a plan without its gate", f"""{RUNNING}, step = '{ACT}', plan = '["{ACT}"]'"""),
    forge(
        "forge",
        "upgrades: as one that is aborted",
        f"""{RUNNING}, step = '{ACT}', plan = '["{ACT}"]', aborted_by = '{BEN}'""",
    ),
    *(confuse("forge", f"upgrades: {name}", f"update upgrades set {change}") for name, change in CHANGED.items()),
    confuse("forge", "memory: another thing", "update memory set value = '\"cluster-y\"' where key = 'access/what'"),
    confuse("forge", "memory: a thing with a proof", "update memory set value = '\"cluster-y\"', proof = 'ab'"),
    confuse("forge", "memory: of another form", "update memory set value = x'ff' where key = 'access/what'"),
    confuse("forge", "memory: one row", "delete from memory where key = 'access/what'"),
    confuse("forge", "memory: all rows", "delete from memory"),
    confuse("forge", "memory: one row, uncounted", "delete from memory where key = 'access/what'", UNCOUNTED),
    confuse("forge", "memory: two rows changed places", SWAPPED),
    confuse("forge", "memory: a row of one's own", "insert into memory values ('cluster-x-1', 'own', '1', '')"),
    confuse("forge", "memory: what was passed", "delete from memory where key = 'engine/passed'"),
    confuse("forge", "approvals: removed behind the gate", "delete from approvals"),
    confuse("forge", "approvals: changed behind the gate", f"update approvals set decided_by = '{CAI}'"),
    confuse("forge", "approvals: undone behind the gate", "update approvals set state = 'expired', proof = ''"),
    forge("break", "upgrades: options that can't be read", "update upgrades set options = '['", RUNNING),
    forge("break", "upgrades: a time beyond all", "update upgrades set due = 1e300"),
    forge("break", "approvals: choices that can't be read", "update approvals set choices = '{'", RUNNING),
    forge("break", "outbox: a body that can't be read", "update outbox set body = '['"),
    forge(
        "lead astray",
        "outbox: another card",
        "update outbox set body = json_set(body, '$.question', 'x') where kind = 'gate'",
        RUNNING,
    ),
    forge("forge", "packs: a decision", write_packs(approvals=OWN_ROWS), RUNNING),
    forge(
        "forge",
        "packs: a decision in place of the question",
        write_packs(approvals=OWN_ROWS),
        "delete from approvals",
        f"{RUNNING}, generation = 9",
    ),
    confuse("forge", "packs: a note", write_packs(memory=OWN_NOTES)),
    confuse("forge", "packs: a note in place of the bot's", write_packs(memory=OWN_NOTES), "delete from memory"),
    forge(
        "break", "packs: nothing that can be read", "insert into packs values ('cluster-x-1', 1, x'ff', '')", RUNNING
    ),
    Attack("state folder", "forge", "packs: removed", lambda journals: journals.verify("delete from packs", "packed")),
    Attack(
        "state folder",
        "forge",
        "packs: emptied",
        lambda journals: journals.verify(f"update packs set kept = x'{write_pack({}).hex()}'", "packed"),
    ),
    Attack(
        "state folder",
        "break",
        "packs: damaged",
        lambda journals: journals.verify("update packs set told = x'ff'", "packed"),
    ),
    Attack(
        "state folder",
        "take rights",
        "upgrades: another requester",
        lambda journals: journals.decide_alone(f"update upgrades set requester = '{BEN}'"),
    ),
    rewrite("forge", "audit: another person", f"update audit set actor = '{CAI}' where action = 'approve'"),
    rewrite("forge", "audit: another choice", "update audit set action = 'deny' where action = 'approve'"),
    rewrite(
        "forge",
        "audit: another card",
        "update audit set detail = json_set(detail, '$.shown', 'x') where action = 'approve'",
    ),
    rewrite("forge", "audit: another time", "update audit set at = at - 3600 where action = 'approve'"),
    rewrite("forge", "audit: removed", "delete from audit where action = 'approve'"),
    rewrite("forge", "audit: the end removed", "delete from audit where action = 'end'"),
    rewrite("forge", "audit: everything removed", "delete from audit"),
    rewrite("forge", "audit: moved", "update audit set seq = 1000 - seq"),
    rewrite(
        "forge",
        "audit: inserted",
        f"insert into audit (at, upgrade, actor, action, detail) values (1, 'cluster-x-1', '{BEN}', 'approve', '{{}}')",
    ),
    rewrite("forge", "audit: of another upgrade", "update audit set upgrade = 'cluster-y-1' where action = 'approve'"),
    rewrite("forge", "ends: another head", "update ends set head = ''"),
    rewrite("forge", "ends: removed", "delete from ends"),
    rewrite("forge", "approvals: changed afterwards", "update approvals set choice = 'deny'"),
    rewrite("forge", "approvals: by somebody else", f"update approvals set decided_by = '{CAI}'"),
    rewrite("forge", "approvals: removed afterwards", "delete from approvals"),
    rewrite("forge", "upgrades: the requester afterwards", f"update upgrades set requester = '{BEN}'"),
    rewrite(
        "forge",
        "outbox: the card afterwards",
        "update outbox set body = json_set(body, '$.question', 'Harmless?') where kind = 'gate'",
    ),
]
