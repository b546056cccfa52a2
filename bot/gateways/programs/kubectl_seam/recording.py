"""A recording read back from the folder of its run: the record, and the bytes that istioctl handed over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from bot.gateways.calls.faults import judge_disk
from bot.gateways.programs.kubectl_seam.call_log import LoggedCall, read_calls
from bot.gateways.programs.kubectl_seam.guard import Invocation, read_objects
from bot.gateways.programs.kubectl_seam.latest import keep_latest
from steps.contract.record import Call, ObjectKey, Record, RecordedObject, write_canonically

# Bytes of what istioctl handed over whose objects stay in memory, as texts.
MOST_KEPT = 4_000_000


@dataclass(frozen=True)
class HandedOver:
    """A record and, call by call, the bytes of it: they may hold keys, and never leave the bot's folder."""

    record: Record
    contents: tuple[bytes, ...]


@dataclass(frozen=True)
class ReadBack:
    """What a recording run left: its recording, all its calls, and those that went wrong."""

    recording: HandedOver
    calls: tuple[LoggedCall, ...]
    failed: tuple[LoggedCall, ...]
    removed: tuple[LoggedCall, ...]


def read_recording(calls: Path) -> ReadBack:
    """Read a run's calls. Raises TryAgain or GiveUp where the disk fails, CallRefused where a call lists no objects.

    `removed` are the calls by which istioctl would have removed the objects of disabled components.
    """
    logged = read_calls(calls)
    pairs = [_read_write(call) for call in logged if call.verdict == "recorded"]
    return ReadBack(
        HandedOver(Record(tuple(call for call, _ in pairs)), tuple(content for _, content in pairs)),
        calls=logged,
        failed=tuple(call for call in logged if call.exit_code != 0),
        removed=tuple(call for call in logged if call.verdict == "answered" and call.is_write),
    )


def _read_write(logged: LoggedCall) -> tuple[Call, bytes]:
    try:
        content = (logged.folder / "stdin").read_bytes()
    except OSError as error:
        raise judge_disk(error, logged.folder) from error
    # without the kubeconfig, which is another one in each run
    arguments = tuple(Invocation(logged.arguments).list_arguments("--kubeconfig"))
    kept = _read_content(logged.component, arguments, content)
    # what a text says takes five times its memory, and is forgotten with the look that asked for it
    return replace(kept, objects=tuple(map(replace, kept.objects))), content


@keep_latest(MOST_KEPT)
def _read_content(component: str, arguments: tuple[str, ...], content: bytes) -> Call:
    """What one call hands over. The same bytes are read at each look of a step, and by each twin of a cluster."""
    objects = tuple(
        RecordedObject(ObjectKey(*_split_key(key)), write_canonically(made))
        for key, made in read_objects(content).items()
    )
    return Call(component, arguments, objects, hashlib.sha256(content).hexdigest())


def _split_key(key: str) -> tuple[str, str, str, str]:
    """The parts of a key, whose first one may hold a slash itself."""
    api_version, kind, namespace, name = key.rsplit("/", 3)
    return api_version, kind, namespace, name
