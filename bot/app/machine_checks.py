"""What the doctor looks at on the bot's own machine: journal, disk, programs."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.gateways.programs.kubectl import find_kubectl
from bot.journal.deliveries import list_troubles
from bot.journal.store import StoreBroken, StoredCopy, is_open_to_others
from bot.journal.upkeep import find_loss
from bot.settings.environment import JOURNAL
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.release import Release
from steps.phases.download import choose_platform
from steps.preflight.machine import check_disk, check_kubectl

TOOL_SECONDS = 10


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
        stored = StoredCopy(path)
        told = stored.read("pragma quick_check")
        stored.close()
    except (StoreBroken, OSError, sqlite3.OperationalError) as error:
        return failed("journal", f"{path} can't be read: {error}", "Check the file's owner and the volume.")
    except sqlite3.DatabaseError as error:
        told = [{"quick_check": error}]
    answer = str(next(iter(told[0].values())))
    if answer != "ok":
        return failed("journal", f"{path} is damaged: {answer}", "Stop the bot and restore the file from a backup.")
    return passed("journal", f"{path} is whole")


def check_messages(state: Path) -> Iterator[Check]:
    """What Slack and webhooks don't get; nothing is said where all is well, or where the journal can't be read."""
    try:
        stored = StoredCopy(state / JOURNAL)
        troubles = list_troubles(stored.read)
        stored.close()
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


def check_room(state: Path) -> Check:
    """Whether there is room for what upgrades keep."""
    return check_disk(measure_room(state))


def measure_room(state: Path) -> int:
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
