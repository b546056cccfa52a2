"""doctor's lines about the bot's own machine."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.checks.machine import (
    check_database,
    check_folder,
    check_messages,
    check_release,
    check_way_back,
    check_writing,
    measure_disk_room,
)
from bot.app.serving import require_place
from bot.settings.environment import ConfigError
from steps.contract.checks import Severity
from steps.contract.step import Done
from steps.preflight.machine import check_disk
from tests.namespaces import NOEXEC, find_way_apart
from tests.unit.bot.workbench import Build
from tests.unit.steps.builders import read_shipped_release

JOURNAL = "asm-upgrade.db"
TARGET = read_shipped_release()


def test_no_journal_yet_is_fine(tmp_path: Path) -> None:
    """Before the first start."""
    assert check_database(tmp_path).severity == "ok"


def test_a_whole_journal_is_fine(build: Build, tmp_path: Path) -> None:
    """Read beside a bot that runs."""
    build({})
    assert check_database(tmp_path).sentence == f"{tmp_path / JOURNAL} is whole"


def test_a_file_that_is_no_journal_is_an_error(tmp_path: Path) -> None:
    """Said in a line, not in a traceback."""
    (tmp_path / JOURNAL).write_text("this is no database, whatever its name says" * 100)
    found = check_database(tmp_path)
    assert (found.severity, "file is not a database" in found.sentence) == ("error", True)


def test_a_damaged_journal_is_an_error(tmp_path: Path) -> None:
    """With what to do."""
    path = tmp_path / JOURNAL
    with sqlite3.connect(path) as db:
        db.execute("create table rows (text)")
        db.executemany("insert into rows values (?)", [["x" * 500]] * 200)
    db.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)
    found = check_database(tmp_path)
    assert (found.severity, found.remedy) == ("error", "Stop the bot and restore the file from a backup.")


@pytest.mark.parametrize(("free", "severity"), [(2**40, "ok"), (2**30, "warning"), (2**28, "error")])
def test_a_full_disk_is_an_error(free: int, severity: Severity) -> None:
    """A download needs room."""
    assert check_disk(free).severity == severity


def test_room_is_measured_where_the_state_will_be(tmp_path: Path) -> None:
    """Also before the folder is made."""
    assert measure_disk_room(tmp_path / "not" / "yet") > 0


def test_messages_that_were_given_up_are_told(build: Build, tmp_path: Path) -> None:
    """Nobody would miss them otherwise."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    assert list(check_messages(tmp_path)) == []
    engine.add_upgrade(["prepare/a"])
    engine.runner.turn()
    message = engine.outbox.list_unsent(engine.clock.now())[0]
    engine.outbox.drop_message(message.id, "a fault of the bot itself (incident 1)")
    (found,) = check_messages(tmp_path)
    assert (found.severity, found.sentence) == (
        "warning",
        "1 message to Slack given up, the last one as a fault of the bot itself (incident 1)",
    )


def test_a_journal_that_can_not_be_read_is_told_once(tmp_path: Path) -> None:
    """By the journal's own line."""
    (tmp_path / JOURNAL).write_text("this is no database" * 100)
    assert list(check_messages(tmp_path)) == []


def test_a_state_folder_that_others_may_read_is_told(tmp_path: Path) -> None:
    """With the command that closes it."""
    tmp_path.chmod(0o755)
    assert (check_folder(tmp_path).severity, "chmod 700" in check_folder(tmp_path).remedy) == ("warning", True)
    tmp_path.chmod(0o700)
    assert check_folder(tmp_path).severity == "ok"
    assert check_folder(tmp_path / "none").severity == "ok"


def test_a_folder_from_which_programs_start_is_fine(tmp_path: Path) -> None:
    """One that is not there yet will be made where it can."""
    require_place(tmp_path / "state")
    assert check_writing(tmp_path / "state").severity == "ok"
    assert list(tmp_path.iterdir()) == []


def refuse_locks(_file: object, _kind: int) -> None:
    """What a share without a lock server answers."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize(
    ("flock", "told"),
    [
        (refuse_locks, "no file can be locked in {}: No locks available"),
        (lambda _file, _kind: None, "no file can be locked in {}: two programs get the lock of one file at once"),
    ],
)
def test_a_volume_that_locks_nothing_is_refused(
    flock: Callable[[object, int], None], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it says so, as a share does, or gives everybody the lock."""
    monkeypatch.setattr(fcntl, "flock", flock)
    check = check_writing(tmp_path)
    assert (check.severity, told.format(tmp_path) in check.sentence) == ("error", True)
    with pytest.raises(ConfigError, match="no file can be locked"):
        require_place(tmp_path)


def test_a_volume_that_starts_no_program_is_refused(project_root: Path, tmp_path: Path) -> None:
    """At the bot's start and not in the middle of an upgrade, with what to do."""
    script = (
        "import sys; from pathlib import Path; from bot.app.serving import require_place; "
        "require_place(Path(sys.argv[1]))"
    )
    command = [*find_way_apart(), "--mount", *NOEXEC, str(tmp_path), sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"ASM_UPGRADE_STATE: no program can be started from {tmp_path}" in done.stderr
    assert "without noexec" in done.stderr


@pytest.mark.parametrize("source", ["", TARGET.version])
def test_what_is_on_the_target_has_nothing_to_go_back_to(source: str) -> None:
    """Nor where there is no mesh."""
    assert list(check_way_back({}, source, TARGET)) == []


def test_a_release_that_the_bot_has_no_file_for_is_no_way_back() -> None:
    """It is said before anybody upgrades, and stops nobody."""
    (found,) = check_way_back({}, "1.4.6-asm.2", TARGET)
    assert (found.severity, "no way back" in found.sentence) == ("warning", True)


def test_an_address_in_place_of_the_archive_is_asked_and_not_looked_for_on_the_disk() -> None:
    """As the download does, which takes a file or a mirror's address."""
    found = check_release(TARGET, "http://127.0.0.1:1")
    assert (found.severity, "the release server 127.0.0.1:1" in found.sentence) == ("error", True)
