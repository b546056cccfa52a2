"""Years pass: what the bot keeps of upgrades that ended long ago, where the rest goes, and that nothing grows."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from bot.journal import store as store_module
from bot.journal.audit import Aborted
from bot.journal.bodies import AnswerBody, FileBody, GateBody, MilestoneBody, RootBody
from bot.journal.packs.forms import write_pack
from bot.journal.records import UpgradeState
from bot.journal.store import Store, StoredCopy
from bot.journal.verifying import Chains, verify_journal
from bot.retention.parcels import Parcels
from bot.retention.sweeping import Retention, Rule
from bot.telling.told import read_told
from steps.contract.ledger import LedgerEntry
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import ANA, Build, Engine

AGE = timedelta(days=400)
DAY = timedelta(days=1)
MARK = "0a1b2c3d"
MANIFEST = "apiVersion: v1\nkind: Service\n" * 400


def measure_room(_folder: Path) -> int:
    """A disk with room."""
    return 10**9


@dataclass
class Folders:
    """Folders of child programs; those in `running` still run."""

    place: Path
    running: list[str] = field(default_factory=list)

    def list_running(self, prefix: str) -> tuple[str, ...]:
        """The runs whose ids begin so and that still run."""
        return tuple(name for name in self.running if name.startswith(prefix))

    def list_folders(self, prefix: str) -> list[Path]:
        """The folders of the runs whose ids begin so."""
        return sorted(
            path for path in self.place.glob(f"{prefix}*") if not path.name.removeprefix(prefix)[:1].isdigit()
        )


@dataclass
class House:
    """A bot's state folder with what upgrades leave in it."""

    engine: Engine
    folder: Path
    limit: int = 10**9
    age: timedelta = AGE

    def __post_init__(self) -> None:
        self.runs = Folders(self.folder / "runs")
        self.rule = Rule(self.age, self.folder / "backups")
        self.sweeper = self.build()

    def build(self) -> Retention:
        """A bot that was started anew."""
        parcels = Parcels(self.folder / "parcels", self.limit, MARK, measure_room)
        return Retention(self.engine.store, self.runs, parcels, self.rule, self.engine.clock, measure_room)

    def end_upgrade(self, number: int, key: str = "cluster-x", state: UpgradeState = "upgraded") -> str:
        """An upgrade that has begun and ended now, and all that it left."""
        engine, now = self.engine, self.engine.clock.now()
        row = engine.add_upgrade(["a/b"], key, number)
        for body in (MilestoneBody("backup: 28 objects"), FileBody("manifest.yaml", MANIFEST)):
            engine.outbox.keep_message(row.id, "C1", body, now)
        engine.outbox.put_message(row.id, "root", "C1", RootBody(), now)
        engine.outbox.put_message(row.id, "card:a/b:1", "C1", GateBody("Go on?", step="a/b", generation=1), now)
        engine.journal.append(row.id, ANA, Aborted("a/b", "because"), now)
        pods = [
            LedgerEntry(f"{row.id}-{pod}", "shop", f"web-{pod}", "shop/Deployment/web", "upgraded") for pod in range(5)
        ]
        engine.journal.record_entries(row.id, pods)
        engine.journal.close_chain(row.id, now)
        engine.journal.change_upgrade(row.id, state=state, due=None, ended_at=now)
        for place in (self.runs.place / f"{row.id}-apply-3", self.rule.backups / row.id):
            place.mkdir(parents=True)
            (place / "output").write_text(f"{row.id}\n")
        return row.id

    def pass_days(self, days: float) -> None:
        """So much time goes by, and the bot looks."""
        self.engine.clock.advance(days * 86400)
        self.sweeper.turn()

    def count_messages(self, upgrade: str) -> int:
        """What the journal still holds of what was told."""
        return int(self.engine.store.read("select count(*) as n from outbox where upgrade = ?", [upgrade])[0]["n"])

    def list_left(self) -> list[str]:
        """The folders that are still there."""
        found = [*self.runs.place.glob("*"), *self.rule.backups.glob("*")]
        return sorted(f"{path.parent.name}/{path.name}" for path in found)

    def list_parcels(self) -> list[str]:
        """The names of the parcels."""
        return sorted(path.name for path in (self.folder / "parcels").glob("*"))


@pytest.fixture
def house(build: Build, tmp_path: Path) -> House:
    """An empty one."""
    return House(build({}), tmp_path)


def test_an_upgrade_stays_whole_for_as_long_as_is_set(house: House) -> None:
    """And goes when that is over: files into a parcel, messages out of the journal."""
    upgrade = house.end_upgrade(1)
    house.pass_days(399.9)
    assert (house.count_messages(upgrade), house.list_parcels()) == (4, [])
    house.pass_days(0.2)
    assert (house.count_messages(upgrade), len(house.list_parcels())) == (2, 1)
    assert house.list_left() == ["backups/cluster-x-1"]


@pytest.mark.parametrize("part", ["kept", "told"])
def test_no_parcel_lacks_what_was_packed_and_can_not_be_read(part: str, house: House) -> None:
    """It is told once, and put away once it can be read again."""
    upgrade = house.end_upgrade(1)
    with house.engine.store.transact() as db:
        db.execute("insert into packs values (?, 1, ?, ?)", [upgrade, write_pack({}), write_pack({})])
        db.execute(f"update packs set {part} = x'ff'")
    with structlog.testing.capture_logs() as logs:
        house.pass_days(401)
        house.pass_days(1)
    told = [one["why"] for one in logs if one["event"] == "not_put_away"]
    assert told == [f"what was packed of {upgrade} can't be read, or can't stand in its tables again"]
    assert (house.list_parcels(), f"runs/{upgrade}-apply-3" in house.list_left()) == ([], True)
    with house.engine.store.transact() as db:
        db.execute(f"update packs set {part} = ?", [write_pack({})])
    house.pass_days(1)
    assert len(house.list_parcels()) == 1


def test_audit_decisions_cards_and_ledger_stay(house: House) -> None:
    """The journal verifies as before."""
    upgrade = house.end_upgrade(1)
    house.pass_days(2000)
    assert verify_journal(Chains(house.engine.store)).faults == ()
    assert len(house.engine.journal.read_ledger(upgrade)) == 5
    assert [entry.actor for entry in house.engine.journal.list_audit(upgrade)] == [ANA]
    assert house.engine.outbox.find_body(upgrade, "card:a/b:1") is not None


def test_the_parcel_has_what_went(house: House) -> None:
    """Messages, files as they were, and what programs printed."""
    house.end_upgrade(1)
    house.pass_days(401)
    with tarfile.open(next((house.folder / "parcels").glob("*"))) as parcel:
        read = {name: file.read().decode() for name in parcel.getnames() if (file := parcel.extractfile(name))}
    assert read["files/001-manifest.yaml"] == MANIFEST
    assert read["programs/cluster-x-1-apply-3/output"] == "cluster-x-1\n"
    assert ["backup: 28 objects" in line for line in read["messages.jsonl"].splitlines()] == [True]


def test_the_log_says_where_it_went(house: House) -> None:
    """With the parcel's hash; a file that is asked for by name as well."""
    upgrade = house.end_upgrade(1)
    house.pass_days(401)
    with closing(StoredCopy(house.folder / "asm-upgrade.db")) as copy:
        assert str(house.folder / "parcels" / house.list_parcels()[0]) in read_told(copy, upgrade, "")
        with pytest.raises(LookupError, match="was put away into"):
            read_told(copy, upgrade, "manifest.yaml")


def test_a_way_back_keeps_its_backup_until_the_cluster_is_upgraded_again(house: House) -> None:
    """However long ago that was; one that only proposed or was given up changes nothing."""
    house.end_upgrade(1)
    house.pass_days(500)
    house.end_upgrade(2, state="aborted")
    house.pass_days(1)
    assert "backups/cluster-x-1" in house.list_left()
    house.end_upgrade(3)
    house.pass_days(1)
    assert "backups/cluster-x-1" not in house.list_left()
    assert [name for name in house.list_parcels() if "backup" in name]


def test_the_files_of_another_upgrade_are_nobody_elses(house: House) -> None:
    """Also where its id begins as the one that is put away."""
    house.end_upgrade(1)
    house.pass_days(398)
    house.end_upgrade(3, "cluster-x-1-apply")
    house.end_upgrade(2, "cluster-x-1")
    house.pass_days(3)
    runs = [name for name in house.list_left() if name.startswith("runs/")]
    assert runs == ["runs/cluster-x-1-2-apply-3", "runs/cluster-x-1-apply-3-apply-3"]


@pytest.mark.parametrize("dies", ["pack", "remove_folders", "put_away"])
def test_a_kill_in_the_middle_loses_nothing(dies: str, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next bot does it to the end, from the same parcel."""
    upgrade = house.end_upgrade(1)
    owner = {"pack": "bot.retention.parcels.Parcels.pack", "put_away": "bot.retention.past.Past.put_away"}
    with monkeypatch.context() as broken:
        broken.setattr(owner.get(dies, "bot.retention.sweeping.remove_folders"), die)
        house.pass_days(401)
    assert house.count_messages(upgrade) == 4
    house.sweeper = house.build()
    house.pass_days(0)
    assert (house.count_messages(upgrade), house.list_left()) == (2, ["backups/cluster-x-1"])
    with tarfile.open(house.folder / "parcels" / house.list_parcels()[0]) as parcel:
        assert {"files/001-manifest.yaml", "programs/cluster-x-1-apply-3/output"} <= set(parcel.getnames())


def die(*_arguments: object) -> None:
    """The disk is full, or the bot was killed."""
    raise OSError(28, "No space left on device")


def test_a_program_that_still_runs_keeps_its_upgrade(house: House) -> None:
    """And the journal's file is left alone."""
    upgrade = house.end_upgrade(1)
    house.runs.running = [f"{upgrade}-apply-3"]
    house.pass_days(401)
    assert (house.count_messages(upgrade), house.list_parcels()) == (4, [])


def test_no_age_keeps_all(build: Build, tmp_path: Path) -> None:
    """For whoever must keep everything."""
    house = House(build({}), tmp_path, age=timedelta())
    upgrade = house.end_upgrade(1)
    house.pass_days(4000)
    assert (house.count_messages(upgrade), house.list_parcels()) == (4, [])


def test_answers_and_orders_go_a_day_at_a_time(house: House) -> None:
    """Into the day's parcel; what nobody has settled yet stays."""
    house.engine.click("pause", target="nothing")
    house.engine.outbox.add_message("", "", AnswerBody(ANA, text="Paused."), house.engine.clock.now())
    house.pass_days(1)
    house.engine.click("pause", target="nothing")
    house.pass_days(400)
    left = house.engine.store.read("select count(*) as n from clicks")[0]["n"]
    assert (left, house.list_parcels()) == (1, [f"{MARK}-orders-2026-12-01.tar.gz"])
    with tarfile.open(house.folder / "parcels" / f"{MARK}-orders-2026-12-01.tar.gz") as parcel:
        file = parcel.extractfile("clicks.jsonl")
        assert file is not None
        assert json.loads(file.read())["answer"]


def test_it_looks_once_an_hour(house: House) -> None:
    """However often it is woken."""
    house.sweeper.turn()
    upgrade = house.end_upgrade(1)
    house.engine.clock.time += AGE + timedelta(minutes=1)
    house.sweeper._interval._last = house.engine.clock.now()
    house.sweeper.turn()
    assert house.count_messages(upgrade) == 4


def test_a_disk_that_refuses_is_told_and_ends_nothing(house: House) -> None:
    """It is tried again an hour later."""
    house.end_upgrade(1)
    (house.folder / "parcels").write_text("in the way")
    with structlog.testing.capture_logs() as lines:
        house.pass_days(401)
    assert [line["event"] for line in lines] == ["not_put_away"]


def stand_in_the_way(house: House, upgrade: str, ending: str) -> None:
    """A folder has the name of the upgrade's parcel."""
    ended = house.engine.clock.now()
    (house.folder / "parcels" / f"{MARK}-{upgrade}-{ended:%Y-%m-%d-%H%M%S}{ending}.tar.gz").mkdir(parents=True)


@pytest.mark.parametrize(("ending", "named"), [("", "cluster-x-1"), ("-backup", "the backup of cluster-x-1")])
def test_what_can_not_be_put_away_keeps_nothing_else_back(
    ending: str, named: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named; what comes after it goes, old parcels go, and the journal gives its room back."""
    monkeypatch.setattr("bot.retention.sweeping.MOST_UPGRADES", 1)
    reclaimed = []
    monkeypatch.setattr(Store, "reclaim", lambda *_arguments: reclaimed.append("reclaimed"))
    first, second = house.end_upgrade(1), house.end_upgrade(2)
    stand_in_the_way(house, first, ending)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            house.pass_days(401)
    told = {line["what"] for line in lines if line["event"] == "not_put_away"}
    assert told == {named}
    assert (house.count_messages(second), len(reclaimed)) == (2, 3)
    house.limit = 0
    house.sweeper = house.build()
    house.pass_days(1)
    assert [name for name in house.list_parcels() if second in name] == []


def test_a_day_that_can_not_be_put_away_keeps_no_other_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, tried again at each look, and goes once it can."""
    monkeypatch.setattr("bot.retention.sweeping.MOST_DAYS", 1)
    for _ in range(3):
        house.engine.click("pause", target="nothing")
        house.engine.outbox.add_message("", "", AnswerBody(ANA, text="Paused."), house.engine.clock.now())
        house.engine.clock.advance(86400)
    in_the_way = house.folder / "parcels" / f"{MARK}-orders-2026-12-01.tar.gz"
    in_the_way.mkdir(parents=True)
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            house.pass_days(401)
    assert [line["what"] for line in lines if line["event"] == "not_put_away"] == ["the day 2026-12-01"]
    assert len(house.list_parcels()) == 3
    in_the_way.rmdir()
    house.pass_days(1)
    assert house.engine.store.read("select count(*) as n from outbox where kind = 'answer'")[0]["n"] == 0


def test_a_link_to_a_folder_elsewhere_is_left_alone(house: House, tmp_path: Path) -> None:
    """What it leads to is nobody's upgrade: neither packed nor removed, and it holds nothing up."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "output").write_text("somebody's\n")
    first = house.end_upgrade(1)
    house.end_upgrade(2)
    links = (house.runs.place / f"{first}-validate-4", house.rule.backups / first)
    shutil.rmtree(links[1])
    for link in links:
        link.symlink_to(elsewhere)
    with structlog.testing.capture_logs() as lines:
        house.pass_days(401)
    assert [line["event"] for line in lines] == ["upgrade_put_away"] * 2
    assert (all(link.is_symlink() for link in links), (elsewhere / "output").exists()) == (True, True)
    with tarfile.open(house.folder / "parcels" / house.list_parcels()[0]) as parcel:
        assert not [name for name in parcel.getnames() if "validate" in name]


def test_nothing_grows_in_ten_years(build: Build, tmp_path: Path) -> None:
    """An upgrade a month: the tenth year takes no more room than the third."""
    house = House(build({}), tmp_path, limit=20_000)
    sizes = []
    for month in range(120):
        house.end_upgrade(month + 1)
        for _ in range(3):
            house.pass_days(10)
        sizes.append(measure(house))
    third, last = max(sizes[24:36]), max(sizes[108:])
    assert len(house.list_left()) <= 2 * 15
    assert (sizes[-1][1] <= 20_000, last[0] <= third[0] * 1.25) == (True, True)


def measure(house: House) -> tuple[int, int]:
    """Bytes of the journal besides audit, decisions and ledger, and of the parcels."""
    (told,) = house.engine.store.read("select coalesce(sum(length(body)), 0) as n from outbox where kind = 'file'")
    return int(told["n"]), sum(path.stat().st_size for path in (house.folder / "parcels").glob("*"))


def test_what_is_free_in_the_journal_is_given_back(house: House) -> None:
    """A page in which nothing stands any more is not in the file for long."""
    read = house.engine.store.read
    for number in range(1, 20):
        upgrade, now = house.end_upgrade(number, f"cluster-{number}"), house.engine.clock.now()
        house.engine.outbox.keep_message(upgrade, "C1", FileBody("keys", secrets.token_hex(20_000)), now)
    before = read("pragma page_count")[0]["page_count"]
    house.pass_days(401)
    after = read("pragma page_count")[0]["page_count"]
    assert (after < before - 80, read("pragma freelist_count")[0]["freelist_count"] < 3) == (True, True)


def test_a_journal_of_an_earlier_version_is_written_anew_where_that_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its free pages can't be given back a few at a time; a second time there is nothing to do."""
    path = tmp_path / "asm-upgrade.db"
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("create table earlier (text)")
        earlier.executemany("insert into earlier values (?)", [("x" * 3000,)] * 500)
        earlier.execute("delete from earlier")
        earlier.commit()
    store = Store(path, KEY)
    before = store.read("pragma page_count")
    store.reclaim(0, lambda _folder: 10_000)
    assert store.read("pragma page_count") == before  # a disk without room for a second one
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "LARGEST_REWRITTEN", 10_000)
        store.reclaim(0, measure_room)
    assert store.read("pragma page_count") == before  # everybody would wait for what is left of a large one
    found = (store.reclaim(0, measure_room), store.reclaim(100, measure_room))
    pages = [store.read("pragma page_count")[0]["page_count"] for _ in found]
    assert (pages[0] == pages[1], pages[0] < 200) == (True, True)
    assert store.read("pragma auto_vacuum") == [{"auto_vacuum": 2}]
    store.close()
