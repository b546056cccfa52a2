"""A backup is restored into an empty cluster, and what is there then is what was kept."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.seeds.cluster_x import INSTALLED, mesh_options
from steps.contract.ports import Kubernetes
from steps.phases.control_plane.archive import write_archive
from steps.phases.control_plane.backup import LAST_APPLIED, list_backup_items, name_backup, read_backup
from tests.contracts.ground import Ground, RealGround, SimulatedGround
from tests.realcluster.control_plane import run_control_plane
from tests.unit.steps.rig import load_release

# What the earlier release brings by itself, and a backup does not hold.
BROUGHT = ("Namespace", "CustomResourceDefinition")
# Controllers write these.
WRITTEN = (
    LAST_APPLIED,
    "deployment.kubernetes.io/revision",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
)
OWN = (
    {
        "apiVersion": "networking.istio.io/v1alpha3", "kind": "VirtualService",
        "metadata": {"name": "web", "namespace": "istio-system"},
        "spec": {"hosts": ["web.example.com"], "http": [{"route": [{"destination": {"host": "web"}}]}]},
    },
    {
        "apiVersion": "security.istio.io/v1beta1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "web", "namespace": "istio-system"},
        "spec": {"rules": [{"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}]}]},
    },
    {
        "apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "own", "namespace": "istio-system"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "own"}}},
    },
    {
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "own", "namespace": "istio-system"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "own"}},
    },
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A cluster with a mesh, one that has none, and the kubectl that restores, "" for plain requests."""

    meshed: Ground
    empty: Ground
    kubectl: str = ""
    kubeconfig: str = ""


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.realcluster)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Two clusters of this test's own, one after the other filled and restored."""
    with ExitStack() as stack:
        if request.param == "simulated":
            meshed, empty = (SimulatedGround(tmp_path / name, stack) for name in ("meshed", "empty"))
            yield Pair(meshed, empty)
            return
        if request.config.getoption("kubeconfig"):
            pytest.skip("a backup is restored with --control-plane FOLDER: a given cluster is not taken over")
        programs = request.getfixturevalue("control_plane")
        first, second = (stack.enter_context(run_control_plane(programs, tmp_path / name, fleet=None)) for name in "ab")
        kubectl = programs / "kubectl"
        yield Pair(
            RealGround(first, stack),
            RealGround(second, stack),
            str(kubectl) if kubectl.exists() else "",
            str(second.kubeconfig),
        )


def keep(kubernetes: Kubernetes) -> dict[str, str]:
    """The parts of a backup of this cluster."""
    read = ((name_backup(item), read_backup(kubernetes, item)) for item in list_backup_items(load_release()))
    return {name: text for name, (text, count) in read if count}


def restore(pair: Pair, archive: str, file: Path) -> None:
    """As a person would: one file, handed to kubectl."""
    if not pair.kubectl:
        pair.empty.create(*(made for made in yaml.safe_load_all(archive) if made))
        return
    file.write_text(archive)
    command = [pair.kubectl, f"--kubeconfig={pair.kubeconfig}", "apply", "-f", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr


def list_kept(parts: Mapping[str, str]) -> list[Any]:
    """The objects of a backup without what a controller or kubectl writes into them by itself."""
    found = [made for _, text in sorted(parts.items()) for made in yaml.safe_load_all(text)]
    for made in found:
        notes = made["metadata"].pop("annotations", None) or {}
        made["metadata"]["annotations"] = {name: text for name, text in notes.items() if name not in WRITTEN}
    return found


def test_what_was_kept_is_there_again(pair: Pair, tmp_path: Path) -> None:
    """Each object as it was, field by field; the namespace and the definitions are the release's."""
    rendered = render_mesh(INSTALLED, mesh_options())
    pair.meshed.create(*rendered, *OWN)
    pair.empty.create(*(made for made in rendered if made["kind"] in BROUGHT))
    kept = keep(pair.meshed.gateway)
    assert {str(made["kind"]) for made in (*rendered, *OWN)} & {"Service", "DaemonSet"} <= {
        str(made["kind"]) for made in list_kept(kept)
    }
    restore(pair, write_archive("cluster-x-1", kept), tmp_path / "backup.yaml")
    assert list_kept(keep(pair.empty.gateway)) == list_kept(kept)
