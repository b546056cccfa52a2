"""Differences that istioctl can be told to keep: each by the flag that the release file names for its field. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from steps.contract.options import Overlay
from steps.contract.release import Release
from steps.install.differences.departures import Departures
from steps.install.differences.three_way import FieldChange
from steps.install.flags import find_flag_fault, flag_path, list_set_flags
from steps.install.overlays import list_overlay_paths
from steps.install.recovery import write_flag_value

VALUES = "values"


def list_keeping_flags(changes: Iterable[FieldChange], release: Release, taken: Collection[str]) -> tuple[str, ...]:
    """The `--set` flags that hand over what the cluster has now; `taken` are paths that something else sets.

    A text of many lines, such as the template of an old injector, has no flag: it is never frozen over the new one.
    """
    known = _list_fields(release)
    flags = dict(_list_flags(changes, known, taken))
    return tuple(f"{path}={value}" for path, value in flags.items())


def list_given_paths(arguments: Sequence[str], overlays: Sequence[Overlay]) -> frozenset[str]:
    """What is set already, by a flag or in a file: it was asked for as it is."""
    return frozenset([*map(flag_path, list_set_flags(arguments)), *list_overlay_paths(overlays)])


def fold_kept(found: Departures, flags: Sequence[str], release: Release) -> Departures:
    """The departures without what a person chose: the stored values follow a flag that was kept."""
    chosen = tuple(one for one in found.changes if is_kept(one, flags, release))
    others = tuple(one for one in found.changes if one not in chosen)
    return replace(found, changes=others, expected=(*found.expected, *chosen))


def is_kept(change: FieldChange, flags: Sequence[str], release: Release) -> bool:
    """Whether a flag that a person kept brings this change: the stored values follow it."""
    path = _list_fields(release).get(_name_field(change))
    return any(flag_path(flag) == path and flag.partition("=")[2] == write_flag_value(change.after) for flag in flags)


def _list_flags(
    changes: Iterable[FieldChange], known: Mapping[str, str], taken: Collection[str]
) -> Iterator[tuple[str, str]]:
    for change in changes:
        path = known.get(_name_field(change), "")
        if not path or path in taken or change.kind == "added" or isinstance(change.before, list | Mapping):
            continue
        value = write_flag_value(change.before)
        if value and not find_flag_fault(f"{path}={value}"):
            yield path, value


def _list_fields(release: Release) -> Mapping[str, str]:
    """The flag of each field; what a flag stores among the install's values is one as well."""
    stored = f"ConfigMap/{release.injector_config} data.{VALUES}"
    fields = {field: path for path, fields in release.keep.items() for field in fields}
    own = {f"{stored}.{path.partition('.')[2]}": path for path in release.keep if path.startswith(f"{VALUES}.")}
    return {**own, **fields}


def _name_field(change: FieldChange) -> str:
    return f"{change.object.kind}/{change.object.name} {change.where}"
