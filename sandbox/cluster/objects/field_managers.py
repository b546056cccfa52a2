"""metadata.managedFields: who set which field and when, the ground of server-side apply (seen on 1.20.2).

Entries of lists that have keys are fields of their own, as containers are; other lists are one field. Who made the
labels or the annotations holds the map too ("."), and where nothing else in it is left to its maker, holds again all
that is in it at the next write, whoever writes. Left out are these marks of other maps and of entries, and writes by
/scale, which leave no trace there either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import Json, copy_json

# Of parts as they are written: `f:NAME` for a field, `k:{...}` for a list's entry by its keys.
Path = tuple[str, ...]
_KEPT_METADATA = ("generateName", "labels", "annotations", "finalizers", "ownerReferences")
_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("containers", "initContainers", "env", "volumes", "imagePullSecrets"), (("name",),)),
    "volumeMounts": (("mountPath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
}
# Not fields of anybody's.
_NAMES = frozenset({"apiVersion", "kind"})
_DEFAULT_KEYS = {"protocol": "TCP"}
_PLAIN = frozenset({str, int})
# The maps whose makers are kept.
_MADE = frozenset({"f:labels", "f:annotations"})
# A label selector is one field.
_WHOLE = frozenset({"selector", "labelSelector"})


@dataclass(frozen=True)
class FieldOwner:
    """Who writes. With `applies` by server-side apply, where `force` takes fields from others."""

    name: str
    applies: bool = False
    force: bool = False


CONTROLLERS = FieldOwner("kube-controller-manager")


# Parts of objects whose leaves are kept; all are forgotten at once.
_MOST_KEPT = 4_000


@dataclass(frozen=True)
class _Entry:
    manager: str
    operation: str
    version: str
    time: str
    fields: frozenset[Path]
    tree: Json | None = None

    def keep(self, fields: frozenset[Path]) -> _Entry:
        return self if fields == self.fields else replace(self, fields=fields, tree=None)

    def without(self, lost: Set[Path]) -> _Entry:
        return self if lost.isdisjoint(self.fields) else self.keep(self.fields - lost)

    def describe(self) -> str:
        return f'"{self.manager}"' + (f" using {self.version}" if self.operation == "Update" else "")

    def write(self) -> Json:
        return {
            "manager": self.manager, "operation": self.operation, "apiVersion": self.version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": _write_tree(self.fields) if self.tree is None else self.tree,
        }  # fmt: skip


class FieldTracker:
    """Writes managedFields. What it found under a part of an object it finds once: no stored part is ever changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[Any, dict[Path, Any]]] = {}
        self._read: dict[int, tuple[Json, frozenset[Path]]] = {}

    def track(
        self, before: Json, after: Json, manager: FieldOwner, version: str, at: str, body: Json | None = None
    ) -> Json:
        """Return `after` with its managedFields: `body` is what was applied, `version` the apiVersion written in.

        As on the real server an update's time moves only when the manager gains a field, not with a new value of its
        own.
        """
        old, new = self._list_touched(before, after), self._list_touched(after, before)
        changed = frozenset(path for path, leaf in new.items() if path not in old or old[path] != leaf)
        removed, made = old.keys() - new.keys(), _list_maps(changed, beside=old)
        changed |= made
        gone = (removed | (_list_maps(removed, beside=new) - new.keys())) - made
        operation = "Apply" if manager.applies else "Update"
        gained = self._list_applied(body or {}, after) if manager.applies else changed
        entries = []
        own = _Entry(manager.name, operation, version, at, frozenset())
        for found in self._read_entries(before):
            entry = _widen(found, before)
            if (entry.manager, entry.operation) == (manager.name, operation):
                own = entry
            else:
                entries.append(entry.without(changed | gone))
        moved = manager.applies or not gained <= own.fields
        own = replace(own, version=version, time=at if moved else own.time)
        own = own.keep(gained) if manager.applies else own.keep(own.fields | gained).without(gone)
        written = [entry.write() for entry in [*entries, own] if entry.fields]
        return {**after, "metadata": {**after["metadata"], "managedFields": written}}

    def _list_touched(self, obj: Json, other: Json) -> Mapping[Path, Any]:
        """The leaves of those parts of an object, and of parts of these, that the other one does not share."""
        found: dict[Path, Any] = {}
        for key, part in obj.items():
            against = other.get(key)
            if key in _NAMES or against is part:
                continue
            if part and against and isinstance(part, dict) and isinstance(against, dict):
                for name, inner in part.items():
                    if against.get(name) is not inner and (key != "metadata" or name in _KEPT_METADATA):
                        found.update(self._list_inner(key, name, inner))
            else:
                found.update(self._list_leaves(key, part))
        return found

    def _list_inner(self, key: str, name: str, inner: Any) -> Mapping[Path, Any]:
        if not isinstance(inner, dict | list):
            return {} if inner is None else {(f"f:{key}", f"f:{name}"): inner}
        known = self._known.get((f"{key}.{name}", id(inner)))
        if known is None:
            leaves: dict[Path, Any] = {}
            _add_leaves(leaves, (f"f:{key}", f"f:{name}"), name, inner)
            known = self._keep(f"{key}.{name}", inner, leaves)
        return known[1]

    def _list_applied(self, body: Json, after: Json) -> frozenset[Path]:
        live = frozenset().union(*(self._list_leaves(key, value) for key, value in after.items()))
        return frozenset(_find_leaves(body)) & live

    def _list_leaves(self, key: str, part: Any) -> dict[Path, Any]:
        known = self._known.get((key, id(part)))
        if known is None:
            known = self._keep(key, part, _find_leaves({key: part}))
        return known[1]

    def _keep(self, key: str, part: Any, leaves: dict[Path, Any]) -> tuple[Any, dict[Path, Any]]:
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        kept = self._known[key, id(part)] = part, leaves
        return kept

    def _read_entries(self, obj: Json) -> Iterator[_Entry]:
        for row in (obj.get("metadata") or {}).get("managedFields") or ():
            tree = row["fieldsV1"]
            known = self._read.get(id(tree))
            if known is None:
                if len(self._read) >= _MOST_KEPT:
                    self._read.clear()
                known = self._read[id(tree)] = tree, frozenset(_read_fields((), tree))
            yield _Entry(row["manager"], row["operation"], row["apiVersion"], row["time"], known[1], tree)


def _list_maps(paths: Iterable[Path], beside: Iterable[Path] = ()) -> Set[Path]:
    """The labels and annotations that have any of these paths in them and none of the others, each as a path."""
    found = {path[:-1] for path in paths if len(path) > 1 and path[-2] in _MADE}
    return found - _list_maps(beside) if found else found


def _widen(entry: _Entry, live: Json) -> _Entry:
    """Give who holds a map and nothing in it all that is in it: the real server takes its schema to have changed."""
    lonely = {path for path in entry.fields if path[-1] in _MADE}
    if lonely:
        lonely -= _list_maps(entry.fields)
    return entry.keep(entry.fields.union(*(_list_inside(live, path) for path in lonely))) if lonely else entry


def _list_inside(obj: Json, path: Path) -> Iterator[Path]:
    branch: Any = obj
    for part in path:
        branch = branch.get(part.removeprefix("f:")) if isinstance(branch, dict) else None
    return ((*path, f"f:{name}") for name in branch) if isinstance(branch, dict) else iter(())


def drop_unapplied(live: Json, body: Json, manager: FieldOwner) -> Json:
    """Return the live object without what this manager applied before and no longer names. ApiError 409 on conflict."""
    wanted, now = _find_leaves(body), _find_leaves(live)
    applied: frozenset[Path] = frozenset()
    held: set[Path] = set()
    conflicts: list[tuple[str, str]] = []
    for entry in _read_entries(live):
        if (entry.manager, entry.operation) == (manager.name, "Apply"):
            applied = entry.fields
            continue
        held |= entry.fields
        shared = sorted(path for path in entry.fields & wanted.keys() if path[-1] not in _MADE)
        touched = (path for path in shared if now.get(path) != wanted[path])
        conflicts += [(entry.describe(), _say(path)) for path in touched]
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


def _say(path: Path) -> str:
    """`.spec.template.spec.containers[name="app"].image`, as the server's messages have it."""
    said = ""
    for part in path:
        kind, _, rest = part.partition(":")
        keys = json.loads(rest).items() if kind == "k" else ()
        said += f"[{','.join(f'{key}={json.dumps(value)}' for key, value in keys)}]" if keys else f".{rest}"
    return said


def _find_leaves(obj: Json) -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    for key, value in obj.items():
        if key == "metadata":
            kept = {name: value[name] for name in _KEPT_METADATA if name in value}
            if kept:
                _add_leaves(found, ("f:metadata",), key, kept)
        elif key not in _NAMES:
            _add_leaves(found, (f"f:{key}",), key, value)
    return found


def _add_leaves(found: dict[Path, Any], path: Path, name: str, value: Any) -> None:
    if value and isinstance(value, dict) and name not in _WHOLE:
        for key, inner in value.items():
            _add_leaves(found, (*path, f"f:{key}"), key, inner)
    elif value and isinstance(value, list) and (entries := _by_key(name, value)) is not None:
        for part, inner in entries.items():
            _add_leaves(found, (*path, part), part, inner)
    elif value is not None:
        found[path] = value


def _by_key(name: str, rows: list[Any]) -> dict[str, Any] | None:
    """The entries of a list by the part of a path that names each, None where they have no keys."""
    for keys in _KEYS.get(name, ()):
        named = [_name_entry(row, keys) for row in rows]
        if all(named):
            return dict(zip(named, rows, strict=True))
    return None


def _name_entry(row: Any, keys: tuple[str, ...]) -> str:
    if not isinstance(row, dict):
        return ""
    values = tuple([row.get(key, _DEFAULT_KEYS.get(key)) for key in keys])
    if None in values:
        return ""
    return _write_keys(keys, values) if all(type(value) in _PLAIN for value in values) else _dump_keys(keys, values)


@lru_cache(maxsize=4_000)
def _write_keys(keys: tuple[str, ...], values: tuple[str | int, ...]) -> str:
    return _dump_keys(keys, values)


def _dump_keys(keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return "k:" + json.dumps(dict(zip(keys, values, strict=True)), sort_keys=True, separators=(",", ":"))


def _read_entries(obj: Json) -> Iterator[_Entry]:
    for row in (obj.get("metadata") or {}).get("managedFields") or ():
        fields = frozenset(_read_fields((), row["fieldsV1"]))
        yield _Entry(row["manager"], row["operation"], row["apiVersion"], row["time"], fields)


@lru_cache(maxsize=1_000)
def _write_tree(fields: frozenset[Path]) -> Json:
    """The fields as managedFields has them; the same for all objects of which a writer set the same."""
    tree: Json = {}
    filled = _list_maps(fields)
    for path in sorted((*path, ".") if path in filled else path for path in fields):
        branch = tree
        for key in path:
            branch = branch.setdefault(key, {})
    return tree


def _read_fields(path: Path, tree: Json) -> Iterator[Path]:
    for part, inner in tree.items():
        if part == ".":
            yield path
        elif inner:
            yield from _read_fields((*path, part), inner)
        else:
            yield (*path, part)


def _remove(obj: Json, path: Path) -> None:
    """Take a field out; with a key of its own an entry goes as a whole."""
    *outer, last = path
    branch: Any = obj
    rows: list[Any] = []
    entry: Json = {}
    for part in outer:
        if part.startswith("k:"):
            keys, rows = json.loads(part[2:]), branch if isinstance(branch, list) else []
            branch = entry = next((row for row in rows if keys.items() <= {**_DEFAULT_KEYS, **row}.items()), {})
        else:
            branch = branch.get(part.removeprefix("f:")) if isinstance(branch, dict) else None
    name = last.removeprefix("f:")
    if outer and outer[-1].startswith("k:") and entry and name in json.loads(outer[-1][2:]):
        rows.remove(entry)
    elif isinstance(branch, dict):
        branch.pop(name, None)
