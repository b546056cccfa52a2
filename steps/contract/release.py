"""A release of ASM as its TOML file describes it."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from steps.contract.errors import GiveUp

# The values of a release that an approval holds for, besides its key.
DECIDING = (
    "version", "base_url", "file_names", "signature_suffix", "directory", "hub", "apply_arguments", "strict_arguments",
    "validate_arguments", "testing_arguments", "namespace", "workloads", "injector_config", "injector_webhook",
    "injector_service", "ingress_service",
)  # fmt: skip
PLATFORMS = ("linux", "osx", "win")


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

    `known_key`: a release file that ships with the bot names this key too.
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
    known_key: bool = True

    @property
    def key_fingerprint(self) -> str:
        """SHA-256 of the public key, as the verification tells it; of the text where it is none in PEM."""
        body = "".join(line for line in self.public_key.strip().splitlines() if not line.startswith("-----"))
        try:
            key = base64.b64decode(body, validate=True)
        except ValueError:
            key = self.public_key.encode()
        return hashlib.sha256(key).hexdigest()

    @property
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

    def describe_archive(self, platform: str, version: str = "", mirror: str = "", local_path: str = "") -> Archive:
        """The archive of a platform; `version` names another release kept at the same place with the same key."""
        if platform not in self.file_names:
            raise GiveUp(
                f"ASM {self.version} has no archive for the platform {platform}",
                f"Run the bot on one of: {', '.join(self.file_names)}.",
            )
        chosen = version or self.version
        name = self.file_names[platform].format(version=chosen)
        base = (mirror or self.base_url).rstrip("/")
        return Archive(
            version=chosen,
            file_name=name,
            url=f"{base}/{name}",
            signature_url=f"{base}/{name}{self.signature_suffix}",
            public_key=self.public_key,
            directory=self.directory.format(version=chosen),
            local_path=local_path,
        )


def parse_release(text: str, source: str) -> Release:
    """Read a release's TOML; ValueError names the file and the field that is missing or wrong."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        return _build_release(raw)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} is not TOML: {error}") from error
    except KeyError as error:
        raise ValueError(f"{source} lacks the field {error.args[0]}") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{source} has a field of the wrong type: {error}") from error


def _build_release(raw: dict[str, Any]) -> Release:
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
    )
