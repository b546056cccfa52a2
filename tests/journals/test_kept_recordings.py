"""What istioctl did once is taken again where nothing differs that decides it, and leaves what istioctl had left."""

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
from tests.journals.digests import COMPONENT, COUNTED, KNOWN_BY, look_at, look_before_apply, name_object
from tests.journals.frames import load_frame
from tests.journals.going_on import go_on
from tests.journals.kept_recordings import OWN, find_key, keep_recordings, list_files
from tests.journals.restoring import Studio
from tests.scenarios.crashing import list_effects
from tests.scenarios.once import make_cluster
from tests.scenarios.records import list_milestones, list_thread
from tests.scenarios.rig import World

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
        return find_key(self.run_id, place, arguments, environment, lambda *_asked: self.seen)


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
    "mode": "guarding",
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


@pytest.mark.parametrize("name", OTHERS)
def test_what_decides_a_run_makes_another_of_it(name: str, tmp_path: Path) -> None:
    """Each by itself."""
    assert OTHERS[name].find_key(tmp_path, "others") not in (Prepared().find_key(tmp_path), None)


def test_every_rule_but_the_deadline_is_changed_above() -> None:
    """A new one decides as well until somebody says that it doesn't."""
    assert set(RULES) == {*CHANGED_RULES, "deadline"}


@pytest.mark.parametrize("name", SAME)
def test_what_each_run_has_of_its_own_makes_no_other(name: str, tmp_path: Path) -> None:
    """Its folder is another one in all of these."""
    assert SAME[name].find_key(tmp_path, "others") == Prepared().find_key(tmp_path) is not None


def test_what_may_fail_is_never_taken_again(tmp_path: Path) -> None:
    """Its program runs in bad weather."""
    assert replace(Prepared(), seen=None).find_key(tmp_path) is None


@pytest.mark.parametrize("repeats", [True, False])
def test_an_apply_is_taken_again_where_that_is_asked_for(repeats: bool, tmp_path: Path) -> None:
    """By what it would read of the cluster; elsewhere it always runs."""
    cluster = make_cluster(lambda: 1.0, seed_cluster_x)
    with keep_recordings(cluster, tmp_path, lambda run: repeats and run == "cluster-x-1-apply-1") as shelf:
        seen = shelf.look("cluster-x-1-apply-1", {**RULES, "mode": "guarding"}, tmp_path)
    assert seen == (look_before_apply(cluster, ()) if repeats else None)


def test_a_program_without_the_guard_is_never_taken_again(tmp_path: Path) -> None:
    """As asmctl's, which tries the cluster out."""
    assert find_key("cluster-x-1-validate-0", tmp_path, ["asmctl"], {}, lambda *_asked: "") is None


def change_first(kind: str, change: Callable[[dict[str, Any]], object]) -> Callable[[SimulatedCluster], None]:
    """What changes the first object of a kind that istioctl has made, or any where it makes none of them."""

    def change_it(cluster: SimulatedCluster) -> None:
        change(find_first(cluster, kind))

    return change_it


def find_first(cluster: SimulatedCluster, kind: str) -> dict[str, Any]:
    """The object."""
    found = [one for held in cluster.snapshot()["objects"].values() for one in held if one["kind"] == kind]
    return min(found, key=lambda one: COMPONENT not in (one["metadata"].get("labels") or {}))


SIGHTS: dict[str, Callable[[SimulatedCluster], None]] = {
    "a component": change_first("Service", lambda one: one["spec"].update(externalName="another")),
    "a right": change_first("ClusterRole", lambda one: one.update(rules=[])),
    "who has it": change_first("ClusterRoleBinding", lambda one: one.update(subjects=[])),
    "a kind": change_first("CustomResourceDefinition", lambda one: one["spec"].update(group="another")),
    "what Google lets somebody do": lambda cluster: cluster.authorizer.iam.update(somebody=[{"verbs": ["list"]}]),
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


# What an apply reads besides, with objects that it hands over.
COMPARED = SIGHTS | {
    "what it hands over": change_first("Service", lambda one: one["metadata"].update(labels={})),
    "whose cluster it is": lambda cluster: find_known(cluster)["metadata"].update(uid="another"),
}


def find_known(cluster: SimulatedCluster) -> dict[str, Any]:
    """The namespace by which the guard knows a cluster."""
    return next(one for one in cluster.snapshot()["objects"]["namespaces"] if name_object(one) == KNOWN_BY)


@pytest.mark.parametrize("name", COMPARED)
def test_what_an_apply_may_read_makes_another_of_it(name: str) -> None:
    """By value, but for what the server counts of the objects that are compared."""
    cluster = make_cluster(lambda: 1.0, seed_cluster_x)
    service = find_first(cluster, "Service")["metadata"]
    handed = [f"Service/{service['namespace']}/{service['name']}"]
    before = look_before_apply(cluster, handed)
    cluster.restore(deepcopy(cluster.snapshot()))
    for counted in COUNTED:
        find_first(cluster, "Service")["metadata"][counted] = "another"
    assert look_before_apply(cluster, handed) == before is not None
    COMPARED[name](cluster)
    assert look_before_apply(cluster, handed) != before


WEATHER: dict[str, Callable[[SimulatedCluster], object]] = {
    "a fault": lambda cluster: cluster.faults.requests.append(RequestFault(status=503)),
    "a token that is refused": lambda cluster: cluster.faults.expired_tokens.add("ya29.a"),
    "late answers": lambda cluster: setattr(cluster.faults, "latency", 0.1),
}


@pytest.mark.parametrize("name", WEATHER)
def test_nothing_is_seen_in_bad_weather(name: str) -> None:
    """A read may fail then."""
    cluster = make_cluster(lambda: 1.0, seed_cluster_x)
    WEATHER[name](cluster)
    assert (look_at(cluster), look_before_apply(cluster, ())) == (None, None)


# Frames from which a bot goes on to a question of this phase, and how many runs of istioctl it makes until then. How
# often it looks at a rollout, and tells of it, is left to the time that an apply takes.
TAKEN: tuple[tuple[str, str, int, Callable[[World], object]], ...] = (
    ("plan-11-download-preview", "control-plane", 4, list_thread),
    ("plan-16-control-plane-apply", "validate", 6, list_milestones),
)


@pytest.mark.parametrize(("name", "phase", "runs", "list_told"), TAKEN)
def test_what_is_taken_again_leaves_what_istioctl_left(
    name: str, phase: str, runs: int, list_told: Callable[[World], object], studio: Studio, tmp_path: Path
) -> None:
    """The second bot starts no istioctl, finds the same files and the same in its cluster, and tells the same."""
    left = []
    with keep_recordings(studio.world.cluster, tmp_path, lambda _run: True) as shelf:
        for _ in range(2):
            with studio.resume(load_frame(name)) as rig:
                go_on(rig, "cluster-x-1", lambda row: row.step.partition("/")[0] == phase and row.state == "asking")
                rig.deliver()
                files = describe_files(rig.bot.programs.list_folders("cluster-x-1-"))
                left.append((list_told(studio.world), files, list_effects(studio.world)))
    assert len(shelf.made) == runs
    assert shelf.taken == shelf.made
    assert left[0] == left[1]


def describe_files(places: Sequence[Path]) -> dict[tuple[str, str], tuple[int, int]]:
    """Mode and size of what lies in the folders of runs, but for what starts and ends the programs."""
    found = [(place.name, name, (place / name).stat()) for place in places for name in list_files(place) - OWN]
    return {(run, name): (stat.st_mode, stat.st_size) for run, name, stat in found if not name.endswith("rules.json")}
