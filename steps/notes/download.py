"""What the download left: the verified archive, the unpacked tools, and what the apply will be given and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from steps.contract.errors import GiveUp
from steps.contract.notes import Json, Note, read_as
from steps.contract.ports import Kubectl, Tools
from steps.contract.step import Context
from steps.contract.wording import Command
from steps.notes.way_back import TAKEN_BACK


@dataclass(frozen=True)
class NoWayBack:
    """Why the previous release's tools could not be had."""

    why: str


@dataclass(frozen=True)
class FailingSince:
    """Since when nothing could be downloaded, in this generation."""

    generation: int
    at: datetime


@dataclass(frozen=True)
class KeptRecord:
    """Where a record is: its request's digest, the run that wrote it down, its own digest, and how often it ran."""

    request: str
    run_id: str
    digest: str
    times: int


@dataclass(frozen=True)
class KeptRecorder:
    """As whom a step's recordings read, when that was asked, and for which account of the bot; see
    steps/install/record/recorder.py.
    """

    step: str
    generation: int
    at: datetime
    acting_for: str
    doubt: str
    account: str = ""


_read_tools, _read_no_way_back = read_as(Tools), read_as(NoWayBack)


def read_previous(kept: Json) -> Tools | NoWayBack:
    """The previous release's tools, or why they are not there."""
    return _read_no_way_back(kept) if isinstance(kept, Mapping) and "why" in kept else _read_tools(kept)


@dataclass(frozen=True)
class BoundRelease:
    """The release that was approved with the download: the digest of its values, its key, and what it is known by."""

    values: str
    key: str
    address: str
    hub: str


# Earlier versions of the bot kept none; then what is first looked at counts.
BOUND_RELEASE = Note("download/release", read_as(BoundRelease))
FAILING = Note("download/failing", read_as(FailingSince))
SHA256 = Note("download/sha256", read_as(str))
SIGNATURE = Note("download/signature", read_as(str))
SIGNING_KEY = Note("download/key", read_as(str))
TOOLS = Note("download/tools", _read_tools)
KUBECTL = Note("download/kubectl", read_as(Kubectl))
# By the name of what was recorded.
RECORDED = Note("download/recorded", read_as(KeptRecord))
# Why the account that recorded it may write, "" where it may not.
RECORDER_DOUBT = Note("download/recorder-doubt", read_as(str))
# The recording that was begun last.
LAST_RECORDING = Note("download/last-recording", read_as(str))
# Recordings follow each other within seconds; as whom they read is asked anew after half a minute, and by each step.
RECORDER = Note("download/recorder", read_as(KeptRecorder))
PREVIOUS = Note("download/previous", read_previous)
ARGUMENTS = Note("download/arguments", read_as(tuple[str, ...]))
# What an approval of the apply binds: see steps/contract/record.py.
RECORD_DIGEST = Note("download/rendered", read_as(str))
REMOVALS = Note("download/removals", read_as(tuple[str, ...]))
# The rendered images by workload and container.
IMAGES = Note("download/images", read_as(dict[str, dict[str, str]]))


def recall_tools(ctx: Context) -> Tools:
    """The target release's tools; GiveUp where download has not finished."""
    tools = ctx.recall(TOOLS)
    if tools is None:
        raise GiveUp("the release's tools are not unpacked", "Start the upgrade again: download has to run first.")
    return tools


def recall_arguments(ctx: Context) -> tuple[str, ...]:
    """istioctl's arguments as they were shown."""
    return ctx.recall(ARGUMENTS) or ()


def describe_way_back(ctx: Context) -> str:
    """The line about rollback on a card."""
    previous = ctx.recall(PREVIOUS) or NoWayBack("the previous release was not looked for")
    taken = ctx.recall(TAKEN_BACK)
    if taken is not None:
        return f"this is the way back of {taken.upgrade}"
    if isinstance(previous, NoWayBack):
        return f"no way back by the bot: {previous.why}"
    command = Command(f"rollback {ctx.cluster.key} REASON")
    return f"{previous.version} is downloaded and verified; {command} goes back to it"
