"""metadata.managedFields: who set which field and when, the ground of server-side apply (seen on 1.20.2).

Lists are fields as a whole here, where the real server knows the entries of those with keys. Controllers and the
status subresource leave no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import Json, copy_json

Path = tuple[str, ...]
_KEPT_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


@dataclass(frozen=True)
class FieldOwner:
    """Who writes. With `applies` by server-side apply, where `force` takes fields from others."""

    name: str
    applies: bool = False
    force: bool = False


@dataclass(frozen=True)
class _Entry:
    manager: str
    operation: str
    version: str
    time: str
    fields: frozenset[Path]

    def describe(self) -> str:
        return f'"{self.manager}"' + (f" using {self.version}" if self.operation == "Update" else "")

    def write(self) -> Json:
        tree: Json = {}
        for path in sorted(self.fields):
            branch = tree
            for key in path:
                branch = branch.setdefault(f"f:{key}", {})
        return {
            "manager": self.manager, "operation": self.operation, "apiVersion": self.version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": tree,
        }  # fmt: skip


def track_fields(
    before: Json, after: Json, manager: FieldOwner, version: str, at: str, body: Json | None = None
) -> Json:
    """Return `after` with its managedFields: `body` is what was applied, `version` the apiVersion written in.

    As on the real server an update's time moves only when the manager gains a field, not with a new value of its own.
    """
    live, old = dict(_leaves(after)), dict(_leaves(before))
    changed = frozenset(path for path, value in live.items() if path not in old or old[path] != value)
    operation = "Apply" if manager.applies else "Update"
    gained = frozenset(path for path, _ in _leaves(body or {})) if manager.applies else changed
    entries = []
    own = _Entry(manager.name, operation, version, at, frozenset())
    for entry in _read_entries(before):
        if (entry.manager, entry.operation) == (manager.name, operation):
            own = entry
        else:
            entries.append(replace(entry, fields=(entry.fields - changed) & live.keys()))
    kept = frozenset() if manager.applies else own.fields
    moved = manager.applies or not gained <= own.fields
    own = replace(own, version=version, time=at if moved else own.time, fields=(kept | gained) & live.keys())
    written = [entry.write() for entry in [*entries, own] if entry.fields]
    return {**after, "metadata": {**after["metadata"], "managedFields": written}}


def drop_unapplied(live: Json, body: Json, manager: FieldOwner) -> Json:
    """Return the live object without what this manager applied before and no longer names. ApiError 409 on conflict."""
    wanted, now = dict(_leaves(body)), dict(_leaves(live))
    applied: frozenset[Path] = frozenset()
    held: set[Path] = set()
    conflicts: list[tuple[str, str]] = []
    for entry in _read_entries(live):
        if (entry.manager, entry.operation) == (manager.name, "Apply"):
            applied = entry.fields
            continue
        held |= entry.fields
        touched = (path for path in sorted(entry.fields & wanted.keys()) if now.get(path) != wanted[path])
        conflicts += [(entry.describe(), "." + ".".join(path)) for path in touched]
    if conflicts and not manager.force:
        raise _conflict(conflicts)
    left: Json = copy_json(live)
    for path in applied - wanted.keys() - held:
        _remove(left, path)
    return left


def _conflict(conflicts: list[tuple[str, str]]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {holder}", "field": field}
        for holder, field in conflicts
    ]
    if len(conflicts) == 1:
        why = f"Apply failed with 1 conflict: conflict with {conflicts[0][0]}: {conflicts[0][1]}"
    else:
        holders = dict.fromkeys(holder for holder, _ in conflicts)
        listed = (f"conflicts with {one}:" + "".join(f"\n- {f}" for h, f in conflicts if h == one) for one in holders)
        why = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(listed)
    return ApiError(409, "Conflict", why, {"causes": causes})


def _leaves(obj: Json) -> Iterator[tuple[Path, Any]]:
    for key, value in obj.items():
        if key == "metadata":
            kept = {name: value[name] for name in _KEPT_METADATA if name in value}
            yield from _leaves_under(("metadata",), kept)
        elif key not in ("apiVersion", "kind", "status"):
            yield from _leaves_under((key,), value)


def _leaves_under(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves_under((*path, str(key)), inner)
    elif value is not None and path != ("metadata",):
        yield path, value


def _read_entries(obj: Json) -> Iterator[_Entry]:
    for row in (obj.get("metadata") or {}).get("managedFields") or ():
        fields = frozenset(_read_fields((), row["fieldsV1"]))
        yield _Entry(row["manager"], row["operation"], row["apiVersion"], row["time"], fields)


def _read_fields(path: Path, tree: Json) -> Iterator[Path]:
    for key, inner in tree.items():
        here = (*path, key.removeprefix("f:"))
        if inner:
            yield from _read_fields(here, inner)
        else:
            yield here


def _remove(obj: Json, path: Path) -> None:
    *outer, last = path
    branch: Any = obj
    for key in outer:
        branch = branch.get(key) if isinstance(branch, dict) else None
    if isinstance(branch, dict):
        branch.pop(last, None)
