"""A release of ASM as its TOML file describes it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import msgspec

from steps.contract.documents import BadDocument, read_toml
from steps.contract.errors import GiveUp

# The values of a release that an approval holds for, besides its key.
DECIDING = (
    "version", "base_url", "file_names", "signature_suffix", "directory", "hub", "apply_arguments", "strict_arguments",
    "validate_arguments", "testing_arguments", "namespace", "workloads", "injector_config", "injector_webhook",
    "injector_service", "ingress_service",
)  # fmt: skip
PLATFORMS = ("linux", "osx", "win")
ReleaseTable: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Archive:
    """One platform's archive of a release with its detached signature.

    `local_path` names a file to take instead of a download; it is verified all the same.
    """

    version: str
    file_name: str
    url: str
    signature_url: str
    public_key: str
    directory: str
    local_path: str = ""


@dataclass(frozen=True)
class ControlPlaneWorkload:
    """A workload of istio-system; `tagged` means that its images carry the release's version."""

    kind: str
    name: str
    tagged: bool


@dataclass(frozen=True)
class Release:
    """What the upgrade to one release needs to know, all of it from the release's TOML file.

    `keep` names by the `--set` path that sets them the fields of live objects that a person may keep.
    `known_key`: a release file that ships with the bot names this key too. `assumed`: key or address are those of
    another release, which its file inherits; the verification decides. `return_only`: nothing is upgraded to it.
    """

    version: str
    base_url: str
    public_key: str
    file_names: Mapping[str, str]
    signature_suffix: str
    directory: str
    hub: str
    oldest_source: str
    newest_source: str
    server_below: str
    kubectl_oldest: str
    apply_arguments: tuple[str, ...]
    strict_arguments: tuple[str, ...]
    validate_arguments: tuple[str, ...]
    testing_arguments: tuple[str, ...]
    namespace: str
    workloads: tuple[ControlPlaneWorkload, ...]
    injector_config: str
    injector_webhook: str
    injector_service: str
    ingress_service: str
    services: tuple[str, ...]
    pods_per_minute: int
    control_plane_minutes: tuple[int, int]
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known_key: bool = True
    assumed: bool = False
    return_only: bool = False

    @cached_property
    def key_fingerprint(self) -> str:
        """SHA-256 of the public key, as the verification tells it; of the text where it is none in PEM."""
        body = "".join(line for line in self.public_key.strip().splitlines() if not line.startswith("-----"))
        try:
            key = base64.b64decode(body, validate=True)
        except ValueError:
            key = self.public_key.encode()
        return hashlib.sha256(key).hexdigest()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the values that decide what is fetched, trusted, run and expected; not of estimates."""
        values = [self.public_key.strip(), *(getattr(self, name) for name in DECIDING)]
        text = json.dumps(msgspec.to_builtins(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has to stand on every card before all else."""
        if self.known_key:
            return ()
        return (
            f"The archives are checked with a key that this bot does not ship with (SHA-256 {self.key_fingerprint}): "
            "whoever holds it decides what is installed.",
        )

    def describe_archive(self, platform: str, mirror: str = "", local_path: str = "") -> Archive:
        """The archive of a platform."""
        if platform not in self.file_names:
            raise GiveUp(
                f"ASM {self.version} has no archive for the platform {platform}",
                f"Run the bot on one of: {', '.join(self.file_names)}.",
            )
        name = self.file_names[platform].format(version=self.version)
        base = (mirror or self.base_url).rstrip("/")
        return Archive(
            version=self.version,
            file_name=name,
            url=f"{base}/{name}",
            signature_url=f"{base}/{name}{self.signature_suffix}",
            public_key=self.public_key,
            directory=self.directory.format(version=self.version),
            local_path=local_path,
        )


def parse_release(text: str, source: str) -> Release:
    """Read a release's whole TOML; ValueError names the file and the field that is missing or wrong."""
    (release,) = parse_releases({source: text})
    return release


def parse_releases(texts: Mapping[str, str]) -> tuple[Release, ...]:
    """Read releases from TOML texts by file; of two about one version the later counts, also where others inherit it.

    ValueError names the file and what is missing or wrong.
    """
    read = {source: _read_table(text, source) for source, text in texts.items()}
    by_version = {_read_version(raw, source): (source, raw) for source, raw in read.items()}
    return tuple(_parse(raw, source, by_version) for source, raw in by_version.values())


def _read_table(text: str, source: str) -> ReleaseTable:
    try:
        return read_toml(text)
    except BadDocument as error:
        raise ValueError(f"{source} {error}") from error


def _read_version(raw: ReleaseTable, source: str) -> str:
    release = raw.get("release")
    version = release.get("version") if isinstance(release, Mapping) else None
    if not isinstance(version, str):
        raise ValueError(f"{source} lacks the field version of [release]")
    return version


def _parse(raw: ReleaseTable, source: str, known: Mapping[str, tuple[str, ReleaseTable]]) -> Release:
    parent = known.get(str(raw["inherits"])) if "inherits" in raw else (source, {})
    if parent is None or "inherits" in parent[1]:
        raise ValueError(f"{source} inherits {raw['inherits']!r}, and no file tells all about that release")
    own = raw.get("release") or {}
    assumed = "inherits" in raw and not {"public_key", "base_url"} <= set(own)
    try:
        built = _build_release(_lay_over(parent[1], raw))
    except KeyError as error:
        raise ValueError(f"{source} lacks the field {error.args[0]}") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{source} has a field of the wrong type: {error}") from error
    return replace(built, assumed=assumed, return_only=raw.get("return_only") is True)


def _lay_over(below: ReleaseTable, above: ReleaseTable) -> ReleaseTable:
    """Both tables in one, the upper one's values where both have some."""
    both = {name: _lay_over(below[name], value) for name, value in above.items() if _are_tables(below.get(name), value)}
    return {**below, **above, **both}


def _are_tables(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _build_release(raw: ReleaseTable) -> Release:
    release, apply, plane, kubernetes = raw["release"], raw["apply"], raw["control_plane"], raw["kubernetes"]
    low, high = raw["estimate"]["control_plane_minutes"]
    return Release(
        version=release["version"],
        base_url=release["base_url"],
        public_key=release["public_key"],
        file_names=dict(raw["archives"]),
        signature_suffix=release["signature_suffix"],
        directory=release["directory"],
        hub=release["hub"],
        oldest_source=release["oldest_source"],
        newest_source=release["newest_source"],
        server_below=kubernetes["server_below"],
        kubectl_oldest=kubernetes["kubectl_oldest"],
        apply_arguments=tuple(apply["arguments"]),
        strict_arguments=tuple(apply["strict_arguments"]),
        validate_arguments=tuple(raw["validate"]["arguments"]),
        testing_arguments=tuple(raw["validate"]["testing_arguments"]),
        namespace=plane["namespace"],
        workloads=tuple(ControlPlaneWorkload(w["kind"], w["name"], w["tagged"]) for w in plane["workloads"]),
        injector_config=plane["injector_config"],
        injector_webhook=plane["injector_webhook"],
        injector_service=plane["injector_service"],
        ingress_service=plane["ingress_service"],
        services=tuple(raw["google"]["services"]),
        pods_per_minute=raw["estimate"]["pods_per_minute"],
        control_plane_minutes=(int(low), int(high)),
        keep={path: tuple(fields) for path, fields in raw.get("keep", {}).items()},
    )
