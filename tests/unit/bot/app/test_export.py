"""`asm-upgrade export`: the calendar and the ledger, printed or into a file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from icalendar import Calendar

from bot.app.cli import main
from bot.app.exports import defuse
from bot.gateways.backups import BackupsGateway
from steps.notes.prepare import SOURCE, Source
from steps.phases.control_plane.archive import SUMS, write_sums
from tests.unit.bot.workbench import ANA, Build, Engine

CLUSTERS = """
[clusters.cluster-x]
project = "example-project"
location = "us-central1-a"
name = "cluster-x"
channel = "C0MESHOPS1"
windows = [{days = "daily", hours = "22:00-04:00", zone = "Europe/Berlin"}]
"""


@pytest.fixture
def engine(build: Build) -> Engine:
    """A bot at rest."""
    return build({})


@pytest.fixture
def folder(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal with one upgrade, and the settings that lead to it."""
    engine.add_upgrade(["access/approve"])
    (tmp_path / "clusters.toml").write_text(CLUSTERS)
    monkeypatch.setenv("ASM_UPGRADE_STATE", str(tmp_path))
    monkeypatch.setenv("ASM_UPGRADE_CLUSTERS", str(tmp_path / "clusters.toml"))
    arguments = {"date": "2027-01-03", "time": "02:00", "zone": "UTC", "for": "3h"}
    engine.click("schedule", ANA, arguments=arguments)
    return tmp_path


def export(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["export", *arguments])


def list_kinds(text: str) -> set[str]:
    """What kinds of entries a calendar has."""
    events: list[Any] = list(Calendar.from_ical(text).walk("VEVENT"))
    return {str(event["CATEGORIES"].cats[0]) for event in events}


def test_an_upgrades_calendar_is_printed(folder: Path) -> None:
    """As the bytes that calendars read."""
    result = export("cluster-x-1", "--ics")
    assert list_kinds(result.stdout) == {"upgrade"}
    assert result.stdout_bytes.endswith(b"END:VCALENDAR\r\n")


def test_the_fleets_calendar_has_the_windows_of_clusters_toml(folder: Path) -> None:
    """No upgrade named means all."""
    assert "window" in list_kinds(export("--ics").stdout)


def test_a_calendar_is_written_into_a_file(folder: Path) -> None:
    """With nothing on standard output."""
    result = export("cluster-x-1", "--ics", "--output", str(folder / "out.ics"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert (folder / "out.ics").read_bytes().count(b"\r\n") == (folder / "out.ics").read_bytes().count(b"\n")


def test_a_ledger_is_written_into_a_file(folder: Path) -> None:
    """The same option serves both."""
    export("cluster-x-1", "--ledger", "csv", "--output", str(folder / "ledger.csv"))
    assert (folder / "ledger.csv").read_text().startswith("uid,")


def test_a_file_that_cannot_be_written_is_named(folder: Path) -> None:
    """With the reason."""
    result = export("--ics", "--output", str(folder / "missing" / "out.ics"))
    assert result.exit_code == 1
    assert "out.ics can't be written: No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (
            (),
            "say what to export, one of `--ledger csv|json`, `--audit jsonl|md`, `--report html|md|jsonl`, `--backup` "
            "and `--ics`",
        ),
        (("cluster-x-1", "--ics", "--ledger", "csv"), "one of `--ledger"),
        (("--report", "html"), "name the upgrade whose report to export"),
        (("--ledger", "csv"), "name the upgrade whose ledger to export"),
        (("--backup",), "name the upgrade whose backup to export"),
        (("cluster-x-1", "--backup"), "cluster-x-1 has no backup in "),
        (("cluster-x-9", "--ics"), "there is no upgrade cluster-x-9"),
    ],
)
def test_an_unclear_export_is_answered(folder: Path, arguments: tuple[str, ...], answer: str) -> None:
    """With what is missing."""
    result = export(*arguments)
    assert result.exit_code == 1
    assert answer in result.stderr


def keep(folder: Path) -> Path:
    """A backup of the upgrade; where it lies."""
    backups = BackupsGateway(folder / "backups")
    backups.write_backup("cluster-x-1", "v1-ConfigMap.yaml", "kind: ConfigMap\n")
    backups.write_backup("cluster-x-1", SUMS, write_sums({"v1-ConfigMap.yaml": "kind: ConfigMap\n"}))
    return backups.find_folder("cluster-x-1")


def test_a_backup_is_one_file(folder: Path) -> None:
    """With its hashes at the head."""
    keep(folder)
    result = export("cluster-x-1", "--backup", "--output", str(folder / "kept.yaml"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert (folder / "kept.yaml").read_text().endswith("---\n# v1-ConfigMap.yaml\nkind: ConfigMap\n")


def test_a_backup_that_was_changed_is_not_handed_out(folder: Path) -> None:
    """It names what is not as it was kept."""
    (keep(folder) / "v1-ConfigMap.yaml").write_text("kind: Secret\n")
    result = export("cluster-x-1", "--backup")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is not as it was kept: v1-ConfigMap.yaml was changed" in result.stderr


def test_an_upgrade_without_a_time_is_answered(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that sets one."""
    build({}).add_upgrade(["access/approve"])
    monkeypatch.setenv("ASM_UPGRADE_STATE", str(tmp_path))
    assert "`/asm-upgrade schedule cluster-x-1` sets one" in export("cluster-x-1", "--ics").stderr


def test_a_wrong_clusters_file_is_answered(folder: Path) -> None:
    """Each fault a sentence; an upgrade of its own needs none."""
    (folder / "clusters.toml").write_text("[clusters.cluster-x]\nwindows = 5\n")
    assert "windows" in export("--ics").stderr
    assert export("cluster-x-1", "--ics").exit_code == 0


def verify(*arguments: str) -> Result:
    """Run the command that looks for what was changed."""
    return CliRunner().invoke(main, ["verify", *arguments])


def test_an_audit_is_exported_and_found_whole(folder: Path, tmp_path: Path) -> None:
    """And a changed line is named."""
    file = tmp_path / "audit.jsonl"
    assert export("cluster-x-1", "--audit", "jsonl", "--output", str(file)).exit_code == 0
    assert "unbroken: 1 rows, head" in verify(str(file)).stdout
    file.write_text(file.read_text().replace(ANA, "U0EVE00001"))
    changed = verify(str(file))
    assert (changed.exit_code, "row 1 (schedule by U0EVE00001) was changed" in changed.stderr) == (1, True)


def test_the_journal_is_found_whole(folder: Path) -> None:
    """Unless somebody asks for a head that it doesn't have."""
    assert "unbroken: 1 rows of 1 upgrades" in verify("--journal").stdout
    assert verify("--journal", "--head", "f" * 20).exit_code == 1


def test_an_audit_is_a_table_too(folder: Path) -> None:
    """With its head above."""
    text = export("cluster-x-1", "--audit", "md").stdout
    assert text.startswith("# Audit of cluster-x-1\n\nHead: `")
    assert f"| {ANA} | schedule |" in text


@pytest.mark.usefixtures("folder")
def test_the_audits_of_an_upgrade_and_its_way_back_name_each_other(engine: Engine) -> None:
    """Whoever reads one finds the other."""
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    engine.journal.change_upgrade("cluster-x-1", state="upgraded", ended_at=engine.clock.now())
    engine.transitions.begin_return(engine.row(), ANA, "slow")
    there, back = (export(f"cluster-x-{number}", "--audit", "md").stdout for number in (1, 2))
    assert there.startswith("# Audit of cluster-x-1\n\nTaken back by cluster-x-2 (running).\n\nHead: `")
    assert back.startswith("# Audit of cluster-x-2\n\nTakes back cluster-x-1.\n\nHead: `")


@pytest.mark.parametrize("arguments", [(), ("clusters.toml", "--journal")])
def test_an_unclear_verification_is_answered(folder: Path, arguments: tuple[str, ...]) -> None:
    """With what may be looked through."""
    given = [str(folder / word) if word.endswith(".toml") else word for word in arguments]
    assert "say what to look through" in verify(*given).stderr


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_cell_is_no_formula(text: str) -> None:
    """Whoever names a pod or gives a reason could have a spreadsheet run it."""
    assert defuse(text) == f"'{text}"
    assert defuse("shop/Deployment/web") == "shop/Deployment/web"


def test_a_terminal_is_told_nothing_but_words(folder: Path) -> None:
    """Escapes would move its cursor, or its title."""
    result = CliRunner().invoke(main, ["status", "\x1b]0;owned\x07\x9b2Jcluster-x"])
    assert (result.exit_code, {"\x1b", "\x07", "\x9b"} & set(result.stderr + result.stdout)) == (1, set())


def test_a_backup_holds_what_the_journal_holds(folder: Path, tmp_path: Path) -> None:
    """Beside a bot that may run."""
    told = CliRunner().invoke(main, ["backup", str(tmp_path / "copy.db")])
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert (told.exit_code, copy.execute("select count(*) from upgrades").fetchone()) == (0, (1,))


def test_a_backup_that_can_not_be_written_is_told(folder: Path, tmp_path: Path) -> None:
    """In one sentence."""
    told = CliRunner().invoke(main, ["backup", str(tmp_path / "nowhere" / "copy.db")])
    assert (told.exit_code, "can't be written" in told.stderr) == (1, True)
