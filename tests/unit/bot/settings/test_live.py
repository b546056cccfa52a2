"""clusters.toml read again while the bot runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.settings.clusters import Cluster
from bot.settings.environment import read_clusters
from bot.settings.live import ClustersFile, LiveClusters

OVERLAY = "apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\nspec:\n  profile: asm\n"
TABLE = '[clusters.{}]\nkubeconfig = "config"\nchannel = "C0MESHOPS1"\n'
X, Y = TABLE.format("cluster-x"), TABLE.format("cluster-y")
WITH_OVERLAY = X + 'overlays = ["mesh.yaml"]\n'


class Bench:
    """The file, and what is in force of it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.overlay = folder / "clusters.toml", folder / "mesh.yaml"
        self.path.write_text(WITH_OVERLAY)
        self.overlay.write_text(OVERLAY)
        self.live = LiveClusters(self._read())
        self._file = ClustersFile(self.path, self.live, self._read)

    def look(self, times: int = 2) -> None:
        """Two looks: a change counts once it has stood."""
        for _ in range(times):
            self._file.turn()

    def _read(self) -> Mapping[str, Cluster]:
        return read_clusters({"ASM_UPGRADE_CLUSTERS": str(self.path)})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A cluster with an overlay."""
    return Bench(tmp_path)


def test_a_cluster_that_was_added_is_known(bench: Bench) -> None:
    """And one that was taken out is not, without a restart."""
    bench.path.write_text(Y)
    bench.look()
    assert list(bench.live) == ["cluster-y"]


def test_a_mended_overlay_counts(bench: Bench) -> None:
    """clusters.toml itself did not change."""
    bench.overlay.write_text(OVERLAY + "  hub: example.com\n")
    bench.look()
    assert "hub" in bench.live["cluster-x"].options.overlays[0].text


def test_a_file_that_is_being_written_is_left_alone(bench: Bench) -> None:
    """It is taken once it has stood for a look."""
    bench.path.write_text("")
    bench.look(1)
    bench.path.write_text(WITH_OVERLAY + Y)
    bench.look(1)
    assert (list(bench.live), bench.live.faults) == (["cluster-x"], ())
    bench.look(1)
    assert list(bench.live) == ["cluster-x", "cluster-y"]


BREAKS: Mapping[str, Callable[[Bench], object]] = {
    "no TOML": lambda bench: bench.path.write_text("[clusters"),
    "empty": lambda bench: bench.path.write_text(""),
    "gone": lambda bench: bench.path.unlink(),
    "not UTF-8": lambda bench: bench.path.write_bytes(b"\xff\xfe"),
    "an unknown field": lambda bench: bench.path.write_text(X + "relase = 1\n"),
    "a faulty overlay": lambda bench: bench.overlay.write_text("kind: ConfigMap\n"),
    "an overlay that is gone": lambda bench: bench.overlay.unlink(),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_faulty_one_leaves_the_old_in_force_and_is_told(name: str, bench: Bench) -> None:
    """Until it is mended."""
    BREAKS[name](bench)
    bench.look(4)
    assert list(bench.live) == ["cluster-x"]
    assert bench.live.faults
    assert all(fault.startswith("Not in force") for fault in bench.live.faults)
    bench.path.write_text(WITH_OVERLAY + Y)
    bench.overlay.write_text(OVERLAY)
    bench.look()
    assert (list(bench.live), bench.live.faults) == (["cluster-x", "cluster-y"], ())


def test_who_goes_through_the_clusters_sees_those_of_one_moment(bench: Bench) -> None:
    """Another thread may take a change meanwhile."""
    walked = iter(bench.live.items())
    bench.live.take({})
    assert next(walked)[0] == "cluster-x"
