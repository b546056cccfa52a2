"""What stands around a journal: the cluster's objects, Slack's messages and the bot's files, flat, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sandbox.cluster.objects.objects import name_of, namespace_of
from sandbox.slack.values.shapes import Json
from tests.journals.placeholders import Placeholders
from tests.journals.programs import list_running
from tests.journals.state_files import list_files, restore_files
from tests.scenarios.rig import World

Flat = dict[str, Any]
CLUSTERS_FILE = "clusters.toml"


def take_surroundings(world: World, placeholders: Placeholders) -> Flat:
    """Everything around the journal as it is now, without what differs from machine to machine."""
    with world.cluster.lock:
        objects = msgspec.json.encode(dict(_flatten_cluster(world.cluster.snapshot())))
    flat: Flat = {
        CLUSTERS_FILE: world.folder.clusters_file.read_text(encoding="utf-8"),
        **msgspec.json.decode(objects),
        **dict(_flatten_slack(world.slack.workspace.save())),
        **{f"file|{name}": recipe for name, recipe in list_files(world, placeholders)},
        **{f"running|{run}": start for run, start in list_running(world)},
    }
    hidden: Flat = msgspec.json.decode(placeholders.hide(msgspec.json.encode(flat).decode()))
    return hidden


def restore_surroundings(world: World, hidden: Flat, placeholders: Placeholders) -> Mapping[str, Any]:
    """Put cluster, Slack and files into this state, in place of what is there; answers the programs that ran."""
    flat: Flat = msgspec.json.decode(placeholders.fill(msgspec.json.encode(hidden).decode()))
    world.folder.clusters_file.write_text(flat[CLUSTERS_FILE], encoding="utf-8")
    world.cluster.restore(_gather_cluster(flat))
    _restore_slack(world, flat)
    restore_files(world, _pick(flat, "file"), placeholders)
    return _pick(flat, "running")


def _pick(flat: Flat, kind: str) -> dict[str, Any]:
    start = f"{kind}|"
    return {name[len(start) :]: value for name, value in flat.items() if name.startswith(start)}


def _flatten_cluster(snapshot: Json) -> Iterator[tuple[str, Any]]:
    yield "cluster", {name: value for name, value in snapshot.items() if name != "objects"}
    for key, objects in snapshot["objects"].items():
        for found in objects:
            yield f"object|{key}|{namespace_of(found)}|{name_of(found)}", found


def _gather_cluster(flat: Flat) -> Json:
    objects: dict[str, list[Any]] = {}
    for name, found in _pick(flat, "object").items():
        objects.setdefault(name.partition("|")[0], []).append(found)
    return {**flat["cluster"], "objects": objects}


def _flatten_slack(saved: Json) -> Iterator[tuple[str, Any]]:
    yield "slack", {"last_stamp": saved["last_stamp"], "id_count": saved["id_count"]}
    for room in saved["rooms"]:
        yield f"room|{room['id']}", {**room, "messages": {}}
        for ts, message in room["messages"].items():
            yield f"message|{room['id']}|{ts}", message
    yield from ((f"ephemeral|{place:04}", note) for place, note in enumerate(saved["ephemerals"]))
    yield from ((f"home|{user}", view) for user, view in saved["homes"].items())
    yield from ((f"upload|{stored['id']}", stored) for stored in saved["files"])


def _restore_slack(world: World, flat: Flat) -> None:
    rooms = {name: {**room, "messages": {}} for name, room in _pick(flat, "room").items()}
    for place, message in sorted(_pick(flat, "message").items()):
        room, _, ts = place.partition("|")
        rooms[room]["messages"][ts] = message
    workspace = world.slack.workspace
    workspace.messages.rooms.clear()
    workspace.surfaces.homes.clear()
    workspace.surfaces.stacks.clear()
    workspace.files.stored.clear()
    ephemerals = [note for _, note in sorted(_pick(flat, "ephemeral").items())]
    workspace.restore(
        {
            **flat["slack"],
            "rooms": list(rooms.values()),
            "ephemerals": ephemerals,
            "homes": _pick(flat, "home"),
            "files": list(_pick(flat, "upload").values()),
        }
    )
