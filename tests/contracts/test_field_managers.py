"""What each writer leaves in managedFields: controllers, kubectl's commands, operators, and whoever scales."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steps.mesh import WorkloadRef
from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import deployment, named
from tests.contracts.test_owners import OPERATOR, RESTARTED_AT, STAMP, make_owned, place_of
from tests.skips import NO_KUBECTL

Json = dict[str, Any]
Kubectl = Callable[..., None]
CONTROLLERS = "kube-controller-manager"
STRATEGIC = "application/strategic-merge-patch+json"
CONTAINER = 'spec.template.spec.containers[{"name":"app"}]'


@pytest.fixture
def kubectl(ground: Ground, request: pytest.FixtureRequest) -> Kubectl:
    """Run a kubectl on this ground: that of --kubectl, of the control plane, or of the PATH."""
    given, plane = request.config.getoption("kubectl"), request.config.getoption("control_plane")
    beside = str(Path(plane) / "kubectl") if plane else None
    program = given or (beside if beside and os.access(beside, os.X_OK) else shutil.which("kubectl"))
    if program is None:
        pytest.skip(NO_KUBECTL)

    def run(space: str, *arguments: str, stdin: str = "", editor: str = "true") -> None:
        command = [str(program), f"--kubeconfig={ground.kubeconfig}", "-n", space, *arguments]
        environment = {**os.environ, "KUBE_EDITOR": editor}
        done = subprocess.run(
            command, input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr

    return run


def list_fields(ground: Ground, path: str) -> dict[str, set[str]]:
    """The fields of each manager, in full; marks of who made a map are left out."""
    found: dict[str, set[str]] = {}
    for entry in ground.send("GET", path).json()["metadata"].get("managedFields") or ():
        found.setdefault(entry["manager"], set()).update(_walk("", entry["fieldsV1"]))
    return {manager: fields for manager, fields in found.items() if fields}


def _walk(before: str, tree: Json) -> Iterator[str]:
    for part, inner in tree.items():
        if part == ".":
            continue
        kind, _, rest = part.partition(":")
        here = f"{before}[{rest}]" if kind == "k" else f"{before}.{rest}" if before else rest
        yield from _walk(here, inner) if set(inner) - {"."} else (here,)


def begins(fields: set[str], *starts: str) -> set[str]:
    """Those of the fields that begin with none of these."""
    return {field for field in fields if not field.startswith(starts)}


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
@pytest.mark.parametrize(
    ("kind", "noted"),
    [("Deployment", {"metadata.annotations.deployment.kubernetes.io/revision"}), ("StatefulSet", set()),
     ("DaemonSet", {"metadata.annotations.deprecated.daemonset.template.generation"})],
)  # fmt: skip
def test_controllers_hold_the_status_and_nothing_of_the_template(ground: Ground, kind: str, noted: set[str]) -> None:
    """So whoever holds a template is no controller of Kubernetes; also after a restart."""
    ref = make_owned(ground, kind)
    ground.gateway.restart_workload(ref, STAMP)
    ground.until(lambda: ground.read(ref).observed_generation == ground.read(ref).generation)
    ground.settle(ref)
    held = list_fields(ground, place_of(ref))
    assert set(held) == {OPERATOR, CONTROLLERS, "kubectl-rollout"}
    assert begins(held[CONTROLLERS], "status.") <= noted
    assert "status.observedGeneration" in held[CONTROLLERS]
    assert held["kubectl-rollout"] == {f"spec.template.metadata.annotations.{RESTARTED_AT}"}
    assert begins(held[OPERATOR], "spec.") <= noted


def test_a_replica_set_is_its_controllers(ground: Ground) -> None:
    """Template, size, owner and status."""
    ref = make_owned(ground)
    place = f"/apis/apps/v1/namespaces/{ref.namespace}/replicasets"
    (made,) = ground.send("GET", place).json()["items"]
    held = list_fields(ground, f"{place}/{made['metadata']['name']}")
    assert set(held) == {CONTROLLERS}
    wanted = {"spec.replicas", "spec.selector", f"{CONTAINER}.image", "status.observedGeneration"}
    assert wanted <= held[CONTROLLERS]


def test_an_edit_takes_its_own_field_of_a_container(ground: Ground) -> None:
    """Containers are entries of their own: the rest stays its owner's, and both hold the template."""
    ref = make_owned(ground)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example.com/other:2"}]}}}}
    assert ground.send("PATCH", place_of(ref), change, STRATEGIC, fieldManager="editor").is_success
    held = list_fields(ground, place_of(ref))
    assert held["editor"] == {f"{CONTAINER}.image"}
    assert f"{CONTAINER}.name" in held[OPERATOR]
    assert f"{CONTAINER}.image" not in held[OPERATOR]


def test_scaling_leaves_no_trace(ground: Ground) -> None:
    """Whoever scales by /scale, as autoscalers and kubectl do: what Kubernetes 1.20 does."""
    if not ground.gateway.read_server_version().startswith("v1.20."):
        ground.need("a server of Kubernetes 1.20")
    ref = make_owned(ground)
    change = {"spec": {"replicas": 3}}
    assert ground.send("PATCH", f"{place_of(ref)}/scale", change, MERGE, fieldManager="scaler").is_success
    assert ground.read(ref).replicas == 3
    held = list_fields(ground, place_of(ref))
    assert "scaler" not in held
    assert "spec.replicas" in held[OPERATOR]


def test_who_writes_a_status_holds_it(ground: Ground) -> None:
    """By the status subresource, until its controller writes the field again."""
    ref = make_owned(ground)
    found = ground.send("GET", place_of(ref)).json()
    condition = {"type": "Checked", "status": "True", "lastTransitionTime": STAMP, "lastUpdateTime": STAMP}
    found["status"]["conditions"].append({**condition, "reason": "Seen", "message": "seen"})
    assert ground.send("PUT", f"{place_of(ref)}/status", found, fieldManager="checker").is_success
    held = list_fields(ground, place_of(ref)).get("checker", set())
    assert begins(held, 'status.conditions[{"type":"Checked"}]') == set()
    assert 'status.conditions[{"type":"Checked"}].reason' in held


@pytest.mark.parametrize(
    ("arguments", "manager", "field"),
    [
        (("set", "image", "deployment/web", "app=example.com/other:2"), "kubectl-set", f"{CONTAINER}.image"),
        (("rollout", "restart", "deployment/web"), "kubectl-rollout",
         f"spec.template.metadata.annotations.{RESTARTED_AT}"),
        (("annotate", "deployment", "web", "a=b"), "kubectl-annotate", "metadata.annotations.a"),
        (("label", "deployment", "web", "c=d"), "kubectl-label", "metadata.labels.c"),
        (("patch", "deployment", "web", "-p", '{"spec":{"minReadySeconds":1}}'), "kubectl-patch",
         "spec.minReadySeconds"),
        (("edit", "deployment", "web"), "kubectl-edit", "spec.paused"),
    ],
    ids=["set", "restart", "annotate", "label", "patch", "edit"],
)  # fmt: skip
def test_each_command_of_kubectl_leaves_a_manager_of_its_own(
    ground: Ground, kubectl: Kubectl, arguments: tuple[str, ...], manager: str, field: str
) -> None:
    """Over what kubectl apply has made, which holds the rest."""
    space = ground.make_space()
    kubectl(space, "apply", "-f", "-", stdin=json.dumps(deployment(space, "web")))
    kubectl(space, *arguments, editor="sed -i 's/^spec:/spec:\\n  paused: true/'")
    held = list_fields(ground, place_of(named(space)))
    assert held[manager] == {field}
    assert "spec.replicas" in held["kubectl-client-side-apply"]
    assert field not in held["kubectl-client-side-apply"]


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
def test_an_undo_takes_the_stamp_and_leaves_nobody_who_holds_it(ground: Ground, kubectl: Kubectl) -> None:
    """As a person takes a restart back; the template is its maker's still."""
    space = ground.make_space()
    kubectl(space, "apply", "-f", "-", stdin=json.dumps(deployment(space, "web")))
    ref = WorkloadRef(space, "Deployment", "web")
    ground.until(lambda: ground.read(ref).replicas > 0)
    ground.settle(ref)
    ground.gateway.restart_workload(ref, STAMP)
    ground.until(lambda: ground.read(ref).observed_generation == ground.read(ref).generation)
    ground.settle(ref)
    kubectl(space, "rollout", "undo", "deployment/web")
    held = list_fields(ground, place_of(ref))
    assert ground.read(ref).restarted_at == ""
    assert not [manager for manager, fields in held.items() if any(RESTARTED_AT in field for field in fields)]
    assert f"{CONTAINER}.name" in held["kubectl-client-side-apply"]
