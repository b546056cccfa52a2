"""Where the cluster's objects are: by kind, namespace and name, with revisions, a history for watches and owners."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from sandbox.cluster.objects.objects import Json, controller_of, name_of, namespace_of, uid_of

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]
HISTORY = 50_000


class Change(msgspec.Struct, frozen=True):
    """One write: what a watch sends. `before` is None for ADDED; for DELETED `obj` is the last state."""

    revision: int
    type: ChangeType
    key: str
    obj: Json
    before: Json | None


class Place(msgspec.Struct, frozen=True):
    """Where an object lives."""

    key: str
    namespace: str
    name: str


@dataclass
class _History:
    revisions: list[int] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def append(self, change: Change) -> None:
        self.revisions.append(change.revision)
        self.changes.append(change)

    def after(self, revision: int) -> list[Change]:
        return self.changes[bisect_right(self.revisions, revision) :]

    def forget(self, until: int) -> None:
        first = bisect_right(self.revisions, until)
        del self.revisions[:first]
        del self.changes[:first]


class Store:
    """Objects and their history. Not thread-safe: callers hold the cluster's lock."""

    def __init__(self) -> None:
        self.revision = 1000
        self.compacted = 0
        self._objects: dict[str, dict[str, dict[str, Json]]] = defaultdict(lambda: defaultdict(dict))
        self._owned: dict[str, dict[Place, None]] = defaultdict(dict)
        self._controlled: dict[str, dict[Place, None]] = defaultdict(dict)
        self._by_uid: dict[str, Place] = {}
        self._history: dict[str, _History] = defaultdict(_History)
        self._kept = 0
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with each change, under the lock of the writer."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Change], None]) -> None:
        """Stop calling `listener`."""
        self._listeners.remove(listener)

    def find(self, key: str, namespace: str, name: str) -> Json | None:
        """Return an object or None."""
        kinds = self._objects.get(key)
        return kinds[namespace].get(name) if kinds and namespace in kinds else None

    def at(self, place: Place) -> Json | None:
        """Return the object at a place or None."""
        return self.find(place.key, place.namespace, place.name)

    def each(self, key: str, namespace: str | None = None) -> Iterator[Json]:
        """Iterate over a snapshot of a kind's objects, of one namespace or of all, sorted as the API sorts."""
        kinds = self._objects.get(key)
        if not kinds:
            return
        for space in sorted(kinds) if namespace is None else [namespace]:
            named = kinds.get(space) or {}
            yield from [named[name] for name in sorted(named)]

    def count(self, key: str, namespace: str) -> int:
        """Count a kind's objects in a namespace."""
        kinds = self._objects.get(key)
        return len(kinds.get(namespace) or ()) if kinds else 0

    def kind_keys(self) -> list[str]:
        """Return the kinds that have ever had an object."""
        return sorted(self._objects)

    def owned_by(self, uid: str, key: str | None = None) -> list[Json]:
        """Return the objects with an owner reference to this uid, of one kind or of all."""
        places = self._owned.get(uid) or ()
        return self._take(places if key is None else [place for place in places if place.key == key])

    def controlled_by(self, uid: str, key: str) -> list[Json]:
        """Return the objects of a kind whose controller has this uid."""
        return self._take([place for place in self._controlled.get(uid) or () if place.key == key])

    def _take(self, places: Iterable[Place]) -> list[Json]:
        objects = self._objects
        return [objects[place.key][place.namespace][place.name] for place in places]

    def with_uid(self, uid: str) -> Json | None:
        """Return the object with this uid."""
        place = self._by_uid.get(uid)
        return self.at(place) if place else None

    def put(self, key: str, obj: Json) -> Json:
        """Write an object, new or changed, and return it with its new resourceVersion."""
        place = Place(key, namespace_of(obj), name_of(obj))
        before = self.at(place)
        self.revision += 1
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        self._objects[key][place.namespace][place.name] = stored
        if before is not None and before["metadata"].get("ownerReferences") != stored["metadata"].get(
            "ownerReferences"
        ):
            self._unindex(place, before)
        self._index(place, stored)
        self._tell(Change(self.revision, "ADDED" if before is None else "MODIFIED", key, stored, before))
        return stored

    def remove(self, key: str, obj: Json) -> Json:
        """Remove an object and return its last state."""
        place = Place(key, namespace_of(obj), name_of(obj))
        before = self._objects[key][place.namespace].pop(place.name)
        if not self._objects[key][place.namespace]:
            del self._objects[key][place.namespace]
        self._unindex(place, before)
        self._by_uid.pop(uid_of(before), None)
        self.revision += 1
        last = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        self._tell(Change(self.revision, "DELETED", key, last, before))
        return last

    def changes_after(self, key: str, revision: int) -> list[Change]:
        """Return a kind's changes since a revision, oldest first."""
        return self._history[key].after(revision)

    def is_compacted(self, revision: int) -> bool:
        """Tell whether changes after this revision may be forgotten already."""
        return revision < self.compacted

    def compact(self, revision: int | None = None) -> None:
        """Forget history up to a revision (all of it by default), as etcd does every five minutes."""
        until = self.revision if revision is None else revision
        for history in self._history.values():
            history.forget(until)
        self.compacted = max(self.compacted, until)
        self._kept = sum(len(history.changes) for history in self._history.values())

    def clear(self, revision: int) -> None:
        """Drop everything and continue from a revision; listeners are not told."""
        self._objects.clear()
        self._owned.clear()
        self._controlled.clear()
        self._by_uid.clear()
        self._history.clear()
        self._kept = 0
        self.revision = self.compacted = revision

    def load(self, key: str, obj: Json) -> None:
        """Put back an object as it was, without a change."""
        place = Place(key, namespace_of(obj), name_of(obj))
        self._objects[key][place.namespace][place.name] = obj
        self._index(place, obj)

    def _index(self, place: Place, obj: Json) -> None:
        self._by_uid[uid_of(obj)] = place
        for owner in obj["metadata"].get("ownerReferences") or ():
            self._owned[owner["uid"]][place] = None
        controller = controller_of(obj)
        if controller is not None:
            self._controlled[controller["uid"]][place] = None

    def _unindex(self, place: Place, obj: Json) -> None:
        for owner in obj["metadata"].get("ownerReferences") or ():
            for index in (self._owned, self._controlled):
                if owner["uid"] in index:
                    index[owner["uid"]].pop(place, None)
                    if not index[owner["uid"]]:
                        del index[owner["uid"]]

    def _tell(self, change: Change) -> None:
        self._history[change.key].append(change)
        self._kept += 1
        if self._kept > HISTORY:
            self.compact(self.revision - HISTORY // 2)
        for listener in tuple(self._listeners):
            listener(change)
