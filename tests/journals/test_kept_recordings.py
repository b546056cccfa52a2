"""What was recorded once is taken again where nothing differs that decides it, and is what istioctl had left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.seeds.cluster_x import seed_cluster_x
from sandbox.cluster.server.faults import RequestFault
from tests.journals.frames import load_frame
from tests.journals.going_on import go_on
from tests.journals.kept_recordings import COMPONENT, OWN, find_key, keep_recordings, list_files, look_at
from tests.journals.restoring import Studio
from tests.scenarios.once import make_cluster
from tests.scenarios.records import list_thread

RULES = {
    "mode": "recording",
    "looks": True,
    "kubectl": {"path": "/tools/kubectl", "sha256": "k"},
    "kubeconfig": {"path": "FOLDER/kubectl/kubeconfig.json", "sha256": "c"},
    "cluster_uid": "u",
    "environment": {"PATH": "/bin"},
    "lock": {"path": "FOLDER/lock", "descriptor": 9},
    "deadline": 1.0,
    "patience": 60.0,
    "record": [],
}


@dataclass(frozen=True)
class Prepared:
    """A run that is about to be started."""

    run_id: str = "cluster-x-1-target-4b69b12377d4-2-r1"
    rules: Mapping[str, Any] = field(default_factory=lambda: RULES)
    program: bytes = b"istioctl"
    guard: bytes = b"guard"
    arguments: tuple[str, ...] = ("manifest", "apply", "-f", "FOLDER/kubectl/4be1.yaml")
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": "FOLDER/kubectl/bin"})
    seen: str | None = "this"

    def find_key(self, root: Path, within: str = "runs") -> str | None:
        """Its key, the run's folder standing somewhere."""
        place = root / within / self.run_id
        (place / "kubectl").mkdir(parents=True)
        (root / "istioctl").write_bytes(self.program)
        (place / "kubectl" / "guard.py").write_bytes(self.guard)
        (place / "kubectl" / "rules.json").write_text(json.dumps(self.rules).replace("FOLDER", str(place)))
        arguments = [str(root / "istioctl"), *(word.replace("FOLDER", str(place)) for word in self.arguments)]
        environment = {name: text.replace("FOLDER", str(place)) for name, text in self.environment.items()}
        return find_key(self.run_id, place, arguments, environment, lambda: self.seen)


OTHERS = {
    "another name": replace(Prepared(), run_id="cluster-x-1-guide-4b69b12377d4-2-r1"),
    "another request": replace(Prepared(), run_id="cluster-x-1-target-000000000000-2-r1"),
    "its twin": replace(Prepared(), run_id="cluster-x-1-target-4b69b12377d4-2-r2"),
    "another program": replace(Prepared(), program=b"another"),
    "another guard": replace(Prepared(), guard=b"another"),
    "another flag": replace(Prepared(), arguments=(*Prepared().arguments, "--set", "a=b")),
    "another overlay": replace(Prepared(), arguments=("manifest", "apply", "-f", "FOLDER/kubectl/77aa.yaml")),
    "another variable": replace(Prepared(), environment={**Prepared().environment, "HOME": "/root"}),
    "another cluster's content": replace(Prepared(), seen="that"),
}
CHANGED_RULES: dict[str, Any] = {
    "looks": False,
    "kubectl": {"path": "/tools/kubectl", "sha256": "another"},
    "kubeconfig": {"path": "FOLDER/kubectl/kubeconfig.json", "sha256": "another"},
    "cluster_uid": "another",
    "environment": {"PATH": "/another"},
    "lock": {"path": "FOLDER/lock", "descriptor": 8},
    "patience": 1.0,
    "record": [{"component": "Base"}],
}
OTHERS |= {name: replace(Prepared(), rules={**RULES, name: value}) for name, value in CHANGED_RULES.items()}
SAME = {
    "another try": replace(Prepared(), run_id="cluster-x-1-target-4b69b12377d4-7-r1"),
    "another upgrade": replace(Prepared(), run_id="cluster-x-2-target-4b69b12377d4-2-r1"),
    "another deadline": replace(Prepared(), rules={**RULES, "deadline": 2.0}),
}
NONE = {
    "an apply": replace(Prepared(), rules={**RULES, "mode": "guarding"}),
    "a look in bad weather": replace(Prepared(), seen=None),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_decides_a_recording_makes_another_of_it(name: str, tmp_path: Path) -> None:
    """Each by itself."""
    assert OTHERS[name].find_key(tmp_path, "others") not in (Prepared().find_key(tmp_path), None)


def test_every_rule_but_mode_and_deadline_is_changed_above() -> None:
    """A new one decides as well until somebody says that it doesn't."""
    assert set(RULES) == {*CHANGED_RULES, "mode", "deadline"}


@pytest.mark.parametrize("name", SAME)
def test_what_each_run_has_of_its_own_makes_no_other(name: str, tmp_path: Path) -> None:
    """Its folder is another one in all of these."""
    assert SAME[name].find_key(tmp_path, "others") == Prepared().find_key(tmp_path) is not None


@pytest.mark.parametrize("name", NONE)
def test_what_writes_or_may_fail_is_never_taken_again(name: str, tmp_path: Path) -> None:
    """Its program runs."""
    assert NONE[name].find_key(tmp_path) is None


def test_a_program_without_the_guard_is_never_taken_again(tmp_path: Path) -> None:
    """As asmctl's, which tries the cluster out."""
    assert find_key("cluster-x-1-validate-0", tmp_path, ["asmctl"], {}, lambda: "") is None


def change_first(kind: str, change: Callable[[dict[str, Any]], object]) -> Callable[[SimulatedCluster], None]:
    """What changes the first object of a kind that istioctl has made, or any where it makes none of them."""

    def change_it(cluster: SimulatedCluster) -> None:
        found = [one for held in cluster.snapshot()["objects"].values() for one in held if one["kind"] == kind]
        found.sort(key=lambda one: COMPONENT not in (one["metadata"].get("labels") or {}))
        change(found[0])

    return change_it


SIGHTS: dict[str, Callable[[SimulatedCluster], None]] = {
    "a component": change_first("Service", lambda one: one["spec"].update(externalName="another")),
    "a right": change_first("ClusterRole", lambda one: one.update(rules=[])),
    "who has it": change_first("ClusterRoleBinding", lambda one: one.update(subjects=[])),
    "a kind": change_first("CustomResourceDefinition", lambda one: one["spec"].update(group="another")),
}


@pytest.mark.parametrize("name", SIGHTS)
def test_what_a_recording_may_read_makes_another_of_it(name: str) -> None:
    """By value."""
    cluster = make_cluster(lambda: 1.0, seed_cluster_x)
    before = look_at(cluster)
    cluster.restore(deepcopy(cluster.snapshot()))
    assert look_at(cluster) == before is not None
    SIGHTS[name](cluster)
    assert look_at(cluster) != before


def test_nothing_is_seen_in_bad_weather() -> None:
    """A read may fail then."""
    cluster = make_cluster(lambda: 1.0, seed_cluster_x)
    cluster.faults.requests.append(RequestFault(status=503))
    assert look_at(cluster) is None


def test_a_recording_that_is_taken_is_what_istioctl_left(studio: Studio, tmp_path: Path) -> None:
    """The second bot starts none, finds the same files, and tells the same."""
    left = []
    with keep_recordings(studio.world.cluster, tmp_path) as shelf:
        for _ in range(2):
            with studio.resume(load_frame("plan-11-download-preview")) as rig:
                go_on(rig, "cluster-x-1", lambda row: row.state == "asking")
                left.append((list_thread(studio.world), describe_files(rig.bot.programs.list_folders("cluster-x-1-"))))
    assert len(shelf.made) == 4
    assert shelf.taken == shelf.made
    assert left[0] == left[1]


def describe_files(places: Sequence[Path]) -> dict[tuple[str, str], tuple[int, int]]:
    """Mode and size of what lies in the folders of runs, but for what starts and ends the programs."""
    found = [(place.name, name, (place / name).stat()) for place in places for name in list_files(place) - OWN]
    return {(run, name): (stat.st_mode, stat.st_size) for run, name, stat in found if not name.endswith("rules.json")}
