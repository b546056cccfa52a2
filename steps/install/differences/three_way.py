"""What kubectl would do to a live object: by its three ways (last applied, live, handed over). Pure.

kubectl sets every field that is handed over with another value than the cluster's, and takes away every field that it
applied last time and that is no longer handed over; a field that is only in the cluster stays. Lists of built-in kinds
are merged by their keys, those of custom kinds are replaced whole. Source: kubectl apply in the Kubernetes
documentation (declarative object management, "How apply calculates differences and merges changes").
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from steps.contract.documents import BadDocument, read_json, read_yaml
from steps.contract.ports import Manifest
from steps.contract.wording import shorten
from steps.install.differences.rendered import ObjectId, identify_object, is_custom

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
FieldPath: TypeAlias = tuple[str, ...]
Value: TypeAlias = object
ChangeKind: TypeAlias = Literal["changed", "added", "dropped"]
# Whose a change is: somebody's edit by hand, an option that was not asked for again, or nobody can tell.
Origin: TypeAlias = Literal["edit", "option", "unknown"]

# The keys by which a server merges lists of built-in kinds (patchMergeKey in k8s.io/api), by the list's field.
MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "port"),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "webhooks": ("name",),
}
MERGED_SETS = frozenset({"finalizers"})
# The server's own, or written by kubectl itself.
NOT_COMPARED = frozenset({"status", "apiVersion", "kind"})
OF_METADATA = ("labels", "annotations")
# Only these fields may spell the same amount in another way.
AMOUNTS = frozenset({"cpu", "memory", "ephemeral-storage", "storage", "targetAverageValue", "averageValue"})
# What a server adds to an object by itself, so that nobody's edit goes with it.
DEFAULTED = frozenset({
    "apiVersion", "defaultMode", "failureThreshold", "imagePullPolicy", "nodePort", "periodSeconds", "protocol",
    "resources", "scheme", "successThreshold", "targetPort", "terminationMessagePath", "terminationMessagePolicy",
    "timeoutSeconds", "type",
})  # fmt: skip
SUFFIXES: Mapping[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{sign: Decimal(1000) ** (power + 1) for power, sign in enumerate("kMGTPE")},
    **{f"{sign}i": Decimal(1024) ** (power + 1) for power, sign in enumerate("KMGTPE")},
}
MISSING = object()
# A control plane's ConfigMaps hold a dozen texts; a dashboard's is too long to be kept.
OPENED_KEPT, LONGEST_KEPT = 16, 32 * 1024


@dataclass(frozen=True)
class FieldChange:
    """One field of a live object that an apply would set otherwise or take away; `path` in parts, values as JSON.

    `before` is None for an added field, `after` for a dropped one.
    """

    object: ObjectId
    path: FieldPath
    kind: ChangeKind
    before: Value
    after: Value
    origin: Origin = "unknown"

    @property
    def where(self) -> str:
        """`spec.template.spec.containers[discovery].image`."""
        return "".join(part if part.startswith("[") else f".{part}" for part in self.path).lstrip(".")

    def __str__(self) -> str:
        if self.object.kind == "Secret":  # what it holds is for nobody's eyes
            return f"{self.object}: {self.where}: {self.kind}"
        after = "taken away" if self.kind == "dropped" else show_value(self.after)
        before = "" if self.kind == "added" else f"{show_value(self.before)} → "
        return f"{self.object}: {self.where}: {before}{after}"


def compare_three_ways(wanted: Manifest, live: Manifest) -> tuple[FieldChange, ...]:
    """The fields of a live object that kubectl would change, add or drop by applying `wanted`."""
    last, custom, name = read_last_applied(live), is_custom(wanted), identify_object(wanted)
    found: list[FieldChange] = []
    for path, before, after in _walk(_pick(wanted), _pick(last), _pick(live), (), custom):
        kind: ChangeKind = "added" if before is MISSING else "dropped" if after is MISSING else "changed"
        found.append(FieldChange(name, path, kind, _plain(before), _plain(after)))
    return tuple(found)


def read_last_applied(live: Manifest) -> Manifest:
    """What kubectl applied last time; empty where the object carries no readable note of it."""
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED) or ""
    try:
        found = read_json(text)
    except BadDocument:
        return {}
    return found if isinstance(found, Mapping) else {}


def is_same_value(one: object, other: object, field: str = "") -> bool:
    """Whether the server would take both for the same: empty ones alike, amounts by value (`2Gi` is `2048Mi`)."""
    if one in (None, "", False) and other in (None, "", False):
        return True
    if type(one) is type(other) and one == other:
        return True
    if field in AMOUNTS:
        amounts = read_amount(one), read_amount(other)
        return None not in amounts and amounts[0] == amounts[1]
    return not isinstance(one, bool) and not isinstance(other, bool) and str(one) == str(other)


def read_amount(value: object) -> Decimal | None:
    """A Kubernetes quantity as a number, None where the text isn't one."""
    text = str(value).strip()
    number = text.rstrip("numkKMGTPEi")
    if len(text) > 40 or text[len(number) :] not in SUFFIXES:
        return None
    try:
        return Decimal(number) * SUFFIXES[text[len(number) :]]
    except InvalidOperation:
        return None


def show_value(value: object, most: int = 100) -> str:
    """A value in one line, cut visibly."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return shorten(text, most)


def find_value(manifest: Manifest, path: FieldPath) -> object:
    """The value at a path as `FieldChange` names it; MISSING where there is none."""
    found: object = _pick(manifest)
    for part in path:
        found = _find_entry(found, part[1:-1]) if part.startswith("[") else _as_fields(found).get(part, MISSING)
    return found


class OpenedText(dict[str, object]):
    """A text of a ConfigMap that holds YAML or JSON: compared key by key, but set as a whole."""


def _pick(manifest: Manifest) -> Mapping[str, object]:
    """What is compared: everything but the server's own fields and kubectl's note, texts of ConfigMaps opened."""
    if not manifest:
        return {}
    metadata = manifest.get("metadata") or {}
    kept = {name: dict(metadata.get(name) or {}) for name in OF_METADATA}
    kept["annotations"].pop(LAST_APPLIED, None)
    body = {key: value for key, value in manifest.items() if key not in NOT_COMPARED and key != "metadata"}
    if manifest.get("kind") == "ConfigMap" and isinstance(body.get("data"), dict):
        body["data"] = {name: _open_text(value) for name, value in body["data"].items()}
    return {**body, "metadata": kept}


def _open_text(text: object) -> object:
    if not isinstance(text, str) or ":" not in text:
        return text
    return _open_again(text) if len(text) <= LONGEST_KEPT else _open_written(text)


@functools.lru_cache(maxsize=OPENED_KEPT)
def _open_again(text: str) -> OpenedText | str:
    """The same text holds the same, and each comparison asks three times for it; nobody changes what was opened."""
    return _open_written(text)


def _open_written(text: str) -> OpenedText | str:
    try:
        documents = read_yaml(text)
    except BadDocument:
        return text
    opened = documents[0] if len(documents) == 1 else None
    return OpenedText({str(key): value for key, value in opened.items()}) if isinstance(opened, dict) else text


FoundChanges: TypeAlias = Iterator[tuple[FieldPath, object, object]]


def _walk(wanted: object, last: object, live: object, path: FieldPath, custom: bool) -> FoundChanges:
    """(path, before, after) of each leaf that would change; MISSING stands for none."""
    if wanted is MISSING:
        if last is not MISSING and live is not MISSING:
            yield from _drop(last, live, path)
    elif isinstance(wanted, OpenedText) and isinstance(live, OpenedText):
        # the text is replaced as a whole, so what only the cluster's has goes as well
        yield from _walk_fields(wanted, dict(live), dict(live), path, True)
    elif isinstance(wanted, dict):
        yield from _walk_fields(wanted, _as_fields(last), live, path, custom)
    elif isinstance(wanted, list) and not custom and (key := _find_key(wanted, live, path)):
        yield from _walk_entries(wanted, last, live, path, key)
    elif isinstance(wanted, list) and isinstance(live, list) and path and path[-1] in MERGED_SETS:
        if not set(wanted) <= set(live):
            yield path, live, wanted
    elif not _is_same(wanted, live, path[-1] if path else ""):
        yield path, live, wanted


def _walk_fields(
    wanted: Mapping[str, object], last: Mapping[str, object], live: object, path: FieldPath, custom: bool
) -> FoundChanges:
    here = _as_fields(live)
    if live is not MISSING and live is not None and not isinstance(live, dict):
        yield path, live, wanted
        return
    for name in sorted({*wanted, *last}):
        found = wanted.get(name, MISSING)
        yield from _walk(found, last.get(name, MISSING), here.get(name, MISSING), (*path, name), custom)


def _walk_entries(wanted: Sequence[object], last: object, live: object, path: FieldPath, key: str) -> FoundChanges:
    """A list that the server merges by a key: what only the cluster has stays."""
    asked, applied, here = (_by_key(entries, key) for entries in (wanted, last, live))
    for name in [*asked, *(gone for gone in applied if gone not in asked)]:
        part = (*path, f"[{name}]")
        yield from _walk(asked.get(name, MISSING), applied.get(name, MISSING), here.get(name, MISSING), part, False)


def _drop(last: object, live: object, path: FieldPath) -> FoundChanges:
    """kubectl takes a field that it applied away with all that is beneath, whoever added it.

    Told field by field, but for an entry of a list that goes as a whole.
    """
    if isinstance(last, dict) and isinstance(live, dict) and live and not _is_whole_entry(last, live, path):
        for name in sorted(live):
            if name in last:
                yield from _drop(last[name], live[name], (*path, name))
            elif name not in DEFAULTED and not is_same_value(live[name], None):
                yield (*path, name), live[name], MISSING
        return
    if not is_same_value(live, None):
        yield path, live, MISSING


def _is_whole_entry(last: Mapping[str, object], live: Mapping[str, object], path: FieldPath) -> bool:
    return path[-1].startswith("[") and set(live) <= set(last)


def _is_same(wanted: object, live: object, field: str) -> bool:
    if live is MISSING:
        return wanted in (None, "", False, 0) or wanted == [] or wanted == {}
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(_is_covered(a, b) for a, b in zip(wanted, live, strict=True))
    return is_same_value(wanted, live, field)


def _is_covered(wanted: object, live: object) -> bool:
    """Whether an entry of a list that is replaced whole stands there already, the server's defaults besides."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_is_covered(value, live.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and _is_same(wanted, live, "")
    return is_same_value(wanted, live)


def _find_key(wanted: Sequence[object], live: object, path: FieldPath) -> str:
    """The merge key that every entry has, "" where the list is replaced whole."""
    entries = [*wanted, *(live if isinstance(live, list) else [])]
    field = path[-1] if path else ""
    keys = MERGE_KEYS.get(field, ())
    return next((key for key in keys if all(isinstance(e, dict) and key in e for e in entries)), "")


def _find_entry(entries: object, name: str) -> object:
    found = (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()
    keys = {key for keys in MERGE_KEYS.values() for key in keys}
    return next((entry for entry in found if any(str(entry.get(key)) == name for key in keys)), MISSING)


def _by_key(entries: object, key: str) -> dict[str, object]:
    found = entries if isinstance(entries, list) else []
    return {str(entry[key]): entry for entry in found if isinstance(entry, dict) and key in entry}


def _as_fields(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _plain(value: object) -> object:
    return None if value is MISSING else value
