"""What the doctor looks at on the bot's own machine: journal, disk, programs."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.files import write_atomically
from bot.gateways.calls.faults import OutsideCall
from bot.gateways.programs.kubectl import find_kubectl
from bot.gateways.releases.release_files import LARGEST_SIGNATURE
from bot.gateways.releases.slices import Slices
from bot.journal.deliveries import list_troubles
from bot.journal.store import JournalDamaged, StoreBroken, StoredCopy, is_open_to_others
from bot.journal.upkeep import find_loss
from bot.settings.environment import JOURNAL
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.release import Release
from steps.phases.download import choose_platform
from steps.preflight.machine import check_disk, check_kubectl

TOOL_SECONDS = 10
RESTORE = "Stop the bot and restore the file from a backup."
WRITABLE = "Let it belong to the bot's user, on a volume that is not mounted read-only."
LOCKING = (
    "Take a volume of its own, on a disk and not on a share: locks keep a second bot from the journal, and a program"
    " that runs from being started again."
)
EXECUTABLE = "Mount its volume without noexec: istioctl and asmctl are started from there."


def check_database(state: Path) -> Check:
    """Whether the journal can be read and is whole."""
    path = state / JOURNAL
    if not path.exists():
        lost = find_loss(path)
        return (
            failed("journal", lost, "Do that before the bot is started.")
            if lost
            else passed("journal", f"none yet; it will be made at {path}")
        )
    try:
        with closing(StoredCopy(path)) as stored:
            told = stored.read("pragma quick_check")
    except JournalDamaged as error:
        return failed("journal", str(error), RESTORE)
    except (StoreBroken, OSError, sqlite3.Error) as error:
        return failed("journal", f"{path} can't be read: {error}", "Check the file's owner and the volume.")
    answer = str(next(iter(told[0].values())))
    if answer != "ok":
        return failed("journal", f"{path} is damaged: {answer}", RESTORE)
    return passed("journal", f"{path} is whole")


def check_messages(state: Path) -> Iterator[Check]:
    """What Slack and webhooks aren't getting; says nothing if all is well or the journal can't be read."""
    try:
        with closing(StoredCopy(state / JOURNAL)) as stored:
            troubles = list_troubles(stored.read)
    except (StoreBroken, OSError, sqlite3.Error):
        return
    for trouble in troubles:
        yield warned("messages", trouble, "The bot's log says more, under the number of each incident.")


def check_folder(state: Path) -> Check:
    """Whether nobody else may read or change what the bot keeps."""
    if state.exists() and is_open_to_others(state):
        mode = oct(state.stat().st_mode & 0o777).removeprefix("0o")
        remedy = f"Let it belong to the bot's user alone: `chmod 700 {state}`; whoever may write there acts as the bot."
        return warned("state folder", f"others may look into {state} (mode {mode})", remedy)
    return passed("state folder", f"{state} is closed to others")


def check_disk_room(state: Path) -> Check:
    """Whether there is room for what upgrades keep."""
    return check_disk(measure_disk_room(state))


def measure_disk_room(state: Path) -> int:
    """The bytes that are free where the state is kept, or will be."""
    place = next(folder for folder in (state, *state.absolute().parents) if folder.exists())
    return shutil.disk_usage(place).free


def check_tools(release: Release, path: str) -> Check:
    """The platform's archive, and the kubectl that istioctl will call."""
    try:
        choose_platform(sys.platform)
    except GiveUp as error:
        return failed("platform", error.why, error.remedy)
    try:
        found = find_kubectl(path, "", TOOL_SECONDS)
    except GiveUp as error:
        return failed("kubectl", error.why, error.remedy)
    except TryAgain as error:
        return failed("kubectl", error.why, "Run it by hand to see why it doesn't answer.")
    return check_kubectl(found.version if found else "", release)


def check_writing(state: Path) -> Check:
    """Whether the state folder can be written to, files be locked and programs be started there, by doing all three."""
    place = state if state.is_dir() else next(folder for folder in state.absolute().parents if folder.exists())
    try:
        with TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
            program = Path(folder, "program")
            write_atomically(program, b"#!/bin/sh\nexit 0\n", 0o700)
            fault, loose = _start(program), _find_looseness(program)
    except OSError as error:
        return failed("writing", f"{place} can't be written to: {error.strerror or error}", WRITABLE)
    if fault:
        return failed("writing", f"no program can be started from {place}: {fault}", EXECUTABLE)
    if loose:
        return failed("writing", f"no file can be locked in {place}: {loose}", LOCKING)
    made = "" if place == state else f"; {state} will be made"
    return passed("writing", f"{place} can be written to, files be locked and programs be started there{made}")


def _start(program: Path) -> str:
    """Why a program can't be started, "" where it can."""
    try:
        subprocess.run([str(program)], check=True, timeout=TOOL_SECONDS, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        return str(getattr(error, "strerror", "") or error)
    return ""


def _find_looseness(path: Path) -> str:
    """Why a file can't be locked, "" where it can: a second lock is refused as long as the first is held."""
    with path.open("rb") as first, path.open("rb") as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ""
        except OSError as error:
            return error.strerror or str(error)
    return "two programs get the lock of one file at once"


def check_release(release: Release, archive: str) -> Check:
    """Whether the release's archive can be had: its signature is fetched, or the local file is looked at.

    `archive` is the option of a cluster: a file, a mirror's address, or "".
    """
    name = f"release {release.version}"
    mirror = archive if archive.startswith(("http://", "https://")) else ""
    if archive and not mirror:
        there = Path(archive).is_file()
        remedy = "Correct `archive` in clusters.toml."
        return passed(name, f"{archive} is there") if there else failed(name, f"there is no file {archive}", remedy)
    described = release.describe_archive(choose_platform(sys.platform), mirror)
    host = described.signature_url.partition("//")[2].partition("/")[0]
    call = OutsideCall(f"the release server {host}", f"fetch the signature of {described.file_name}")
    try:
        Slices(limits=(TOOL_SECONDS / 2, TOOL_SECONDS)).fetch_small(call, described.signature_url, LARGEST_SIGNATURE)
    except (GiveUp, TryAgain) as error:
        remedy = error.remedy if isinstance(error, GiveUp) else "Check the network, ASM_UPGRADE_MIRROR and `archive`."
        return failed(name, error.why, remedy)
    return passed(name, f"{host} has the signature of {described.file_name}")


def check_way_back(releases: Mapping[str, Release], source: str, release: Release) -> Iterator[Check]:
    """Whether the release that a cluster comes from can be had too: without it the bot can't go back to it."""
    if source in ("", release.version):
        return
    if source not in releases:
        why = f"there is no release file for ASM {source}, so the bot has no way back to it"
        yield warned("way back", why, "Put one into the folder that ASM_UPGRADE_RELEASES names.")
        return
    found = check_release(releases[source], "")
    yield replace(found, name="way back", severity="warning" if found.severity == "error" else found.severity)
