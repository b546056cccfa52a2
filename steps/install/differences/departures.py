"""What leaves the guide's path: all that an apply would take, change or drop beyond what the release brings. Pure.

A release changes images and version labels; whatever else it changes shows where the earlier release, asked for the
same options, hands over something else and the cluster still has just that. Every other field is somebody's edit or
an option that was forgotten, and is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from steps.contract.ports import Manifest
from steps.contract.record import Leaf
from steps.contract.release import Release
from steps.install.differences.rendered import VERSION_LABEL, ObjectId, identify_object
from steps.install.differences.three_way import (
    MISSING,
    FieldChange,
    Origin,
    compare_three_ways,
    find_value,
    is_same_value,
    read_last_applied,
)
from steps.versions import parse_image

# The running injector and Galley put their own CA bundle back.
WRITTEN_BACK = "caBundle"
POD_PARTS = ("containers", "initContainers")
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")


@dataclass(frozen=True)
class Image:
    """An image of a container that is handed over: `where` is `istio-pilot/discovery`."""

    where: str
    workload: str
    image: str


@dataclass(frozen=True)
class Departures:
    """What a person decides on besides the upgrade itself; `expected` is what the release brings by itself."""

    changes: tuple[FieldChange, ...] = ()
    images: tuple[Image, ...] = ()
    objects: tuple[ObjectId, ...] = ()
    expected: tuple[FieldChange, ...] = ()
    removals: tuple[str, ...] = field(default=())

    def list_changes(self, origin: Origin) -> tuple[FieldChange, ...]:
        """The changes of one origin."""
        return tuple(one for one in self.changes if one.origin == origin)

    def count(self, origin: Origin) -> int:
        """How many changes are of one origin."""
        return len(self.list_changes(origin))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to decide on."""
        return not (self.changes or self.images or self.objects or self.removals)


def find_departures(
    wanted: Sequence[Manifest],
    live: Sequence[Manifest],
    *,
    earlier: Sequence[Manifest],
    guide: Sequence[Manifest],
    hubs: Sequence[str],
    renewed: Sequence[Leaf] = (),
) -> Departures:
    """Hold what is handed over against the cluster.

    `earlier` is what the installed release hands over for the recovered options, empty where it can't be had; `guide`
    what this release hands over for the guide's flags alone; `hubs` the registries that may be used without asking;
    `renewed` what is another text at each rendering.
    """
    changes = [one for one in _list_changes(wanted, live) if not any(_is_of(leaf, one) for leaf in renewed)]
    before = {identify_object(item): item for item in earlier}
    known = {identify_object(item): item for item in wanted}
    here = {identify_object(item): item for item in live}
    ours = [one for one in changes if is_expected(one, before.get(one.object), known[one.object])]
    own = set(map(id, ours))
    return Departures(
        changes=tuple(
            replace(one, origin=tell_origin(one, here[one.object], before.get(one.object)))
            for one in changes
            if id(one) not in own
        ),
        images=tuple(find_foreign_images(wanted, guide, hubs)),
        objects=tuple(find_foreign_objects(wanted, guide)),
        expected=tuple(ours),
    )


def is_expected(change: FieldChange, earlier: Manifest | None, wanted: Manifest) -> bool:
    """Whether the release itself brings this change."""
    if change.path[-1] in (VERSION_LABEL, WRITTEN_BACK) or is_image(change.path):
        return True
    if earlier is None:
        return False
    was, now = find_value(earlier, change.path), find_value(wanted, change.path)
    moved = was is MISSING or now is MISSING or not is_same_value(was, now, change.path[-1])
    before = MISSING if change.kind == "added" else change.before
    return moved and _is_untouched(was, before, change.path[-1])


def is_image(path: Sequence[str]) -> bool:
    """Whether a path names the image of a container."""
    return len(path) > 2 and path[-1] == "image" and path[-3] in POD_PARTS


def list_handed_images(objects: Iterable[Manifest]) -> Iterator[Image]:
    """The images of all workloads, init containers included."""
    for item in objects:
        if item["kind"] in WORKLOADS:
            yield from _list_images_of(item)


def find_foreign_images(wanted: Iterable[Manifest], guide: Iterable[Manifest], hubs: Sequence[str]) -> Iterator[Image]:
    """Images from another registry than those allowed, unless the guide's own flags bring them."""
    known = {image.image for image in list_handed_images(guide)}
    for image in list_handed_images(wanted):
        if image.image not in known and not any(image.image.startswith(f"{hub.rstrip('/')}/") for hub in hubs):
            yield image


def find_foreign_objects(wanted: Iterable[Manifest], guide: Sequence[Manifest]) -> Iterator[ObjectId]:
    """Objects that the guide's flags alone would not bring."""
    known = {identify_object(item) for item in guide}
    if not known:
        return
    yield from sorted({identify_object(item) for item in wanted} - known)


def find_tag_faults(objects: Iterable[Manifest], release: Release) -> tuple[str, ...]:
    """Workloads that the release marks as tagged and that would run another version, in sentences."""
    tagged = {(one.kind, one.name) for one in release.workloads if one.tagged}
    faults = []
    for item in objects:
        if (item["kind"], item["metadata"]["name"]) not in tagged:
            continue
        for image in _list_images_of(item):
            tag = parse_image(image.image).tag
            if tag != release.version:
                faults.append(f"{image.where} would run {tag or image.image}, not {release.version}")
    return tuple(faults)


def _list_changes(wanted: Iterable[Manifest], live: Iterable[Manifest]) -> Iterator[FieldChange]:
    known = {identify_object(item): item for item in live}
    for item in wanted:
        here = known.get(identify_object(item))
        if here is not None:
            yield from compare_three_ways(item, here)


def _is_of(leaf: Leaf, change: FieldChange) -> bool:
    """Whether a change is that of a leaf made anew; one of a single line lies deeper, as its text is opened."""
    place = tuple(part.strip("[]") for part in change.path)
    key = leaf.key
    named = {
        "apiVersion": key.api_version,
        "kind": key.kind,
        "metadata": {"namespace": key.namespace, "name": key.name},
    }
    if identify_object(named) != change.object or place[: len(leaf.path)] != tuple(map(str, leaf.path)):
        return False
    return change.path[-1] == leaf.line if leaf.line else len(place) == len(leaf.path)


def _is_untouched(earlier: object, live: object, field_name: str) -> bool:
    if earlier is MISSING or live is MISSING:
        return earlier is live
    return is_same_value(earlier, live, field_name)


def _list_images_of(item: Manifest) -> Iterator[Image]:
    pod: Manifest = ((item.get("spec") or {}).get("template") or {}).get("spec") or {}
    name = item["metadata"]["name"]
    for part in POD_PARTS:
        for container in pod.get(part) or ():
            yield Image(f"{name}/{container['name']}", name, str(container.get("image") or ""))


def tell_origin(change: FieldChange, live: Manifest, earlier: Manifest | None) -> Origin:
    """Whose it is; "unknown" where the object says nothing of its last apply, or where only that is known."""
    last = read_last_applied(live)
    if not last:
        return "unknown"
    applied, now = find_value(last, change.path), MISSING if change.kind == "added" else change.before
    if not _is_same(applied, now, change.path[-1]):
        return "edit"
    return "option" if earlier is not None else "unknown"


def _is_same(applied: object, now: object, field: str) -> bool:
    if applied is MISSING or now is MISSING:
        return applied is now or is_same_value(None if applied is MISSING else applied, None if now is MISSING else now)
    return is_same_value(applied, now, field)
