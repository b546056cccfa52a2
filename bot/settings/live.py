"""clusters.toml as it stands now: read again when it or an overlay changes; a faulty one leaves the last in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from pathlib import Path

import structlog

from bot.settings.clusters import Cluster
from bot.settings.environment import ConfigError, describe_file_faults
from steps.contract.documents import BadDocument, read_toml

LOOK_SECONDS = 2.0


class LiveClusters(Mapping[str, Cluster]):
    """The clusters that are in force; `faults` say why those of the file as it stands are not."""

    def __init__(self, clusters: Mapping[str, Cluster]) -> None:
        self._clusters = dict(clusters)
        self.faults: tuple[str, ...] = ()

    def take(self, clusters: Mapping[str, Cluster]) -> None:
        """Put these in force, whole: whoever goes through the earlier ones goes on with those."""
        self._clusters, self.faults = dict(clusters), ()

    def list_faults(self) -> tuple[str, ...]:
        """A sentence for each fault of the file."""
        return self.faults

    def __getitem__(self, key: str) -> Cluster:
        return self._clusters[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._clusters)

    def __len__(self) -> int:
        return len(self._clusters)

    def items(self) -> ItemsView[str, Cluster]:
        return self._clusters.items()

    def values(self) -> ValuesView[Cluster]:
        return self._clusters.values()


def find_present_channel(clusters: Mapping[str, Cluster], key: str) -> str:
    """The channel in which this cluster is told now, "" where it is not among them."""
    return clusters[key].channel if key in clusters else ""


class ClustersFile:
    """Looks whether clusters.toml or one of its overlays changed. `read` raises ConfigError where it is faulty."""

    def __init__(self, path: Path, live: LiveClusters, read: Callable[[], Mapping[str, Cluster]]) -> None:
        self._path = path
        self._live = live
        self._read = read
        self._taken = self._before = digest_files(path)
        self._log = structlog.get_logger(__name__)

    def turn(self) -> float:
        """Take a change once it has stood for one look, as an editor may still write; seconds until the next look."""
        now = digest_files(self._path)
        if now != self._taken and now == self._before:
            self._taken = now
            self._take()
        self._before = now
        return LOOK_SECONDS

    def _take(self) -> None:
        try:
            clusters = self._read()
        except ConfigError as error:
            self._live.faults = tuple(describe_file_faults(error.faults))
            self._log.error("clusters_not_taken", faults=list(error.faults))
            return
        self._live.take(clusters)
        self._log.info("clusters_read_again", clusters=sorted(clusters))


def digest_files(path: Path) -> str:
    """What clusters.toml and the overlays that it names hold, as one hash; a file that can't be read counts as well."""
    said = hashlib.sha256()
    for file in (path, *list_overlays(path)):
        try:
            said.update(b"+" + hashlib.sha256(file.read_bytes()).digest())
        except OSError:
            said.update(b"-")
    return said.hexdigest()


def list_overlays(path: Path) -> list[Path]:
    """The overlay files that clusters.toml names, none where it can't be read."""
    try:
        raw = read_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadDocument):
        return []
    clusters = raw.get("clusters")
    tables = [raw.get("defaults"), *(clusters.values() if isinstance(clusters, dict) else ())]
    lists = (table.get("overlays") for table in tables if isinstance(table, dict))
    return [path.parent / str(name) for found in lists if isinstance(found, list) for name in found]
