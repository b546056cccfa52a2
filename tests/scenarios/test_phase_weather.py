"""The phases around the sidecars on the simulated cluster, with real gateways and child programs, in bad weather."""

from __future__ import annotations

import os
import signal

import pytest

from sandbox.cluster.server.faults import PodFault, RequestFault
from steps.mesh import Binding
from steps.preflight.rights import list_rights
from tests.scenarios.desk import CLUSTER, Desk
from tests.scenarios.rig import World, is_locked


def test_strict_has_a_gate_of_its_own_and_is_in_force_afterwards(desk: Desk) -> None:
    """The mesh runs PERMISSIVE; the policy changes with the apply."""
    desk.start(mtls="STRICT")
    assert desk.run_to("control-plane/approve-mtls").sentence == "Change cluster-x from PERMISSIVE to STRICT mTLS?"
    desk.click("approve")
    desk.run_to("validate/approve")
    policy = desk.connect().read_object("authentication.istio.io/v1alpha1", "MeshPolicy", "", "default")
    assert policy is not None
    assert policy["spec"]["peers"] == [{"mtls": {}}]


def test_a_stall_is_told_apart_and_retry_waits_on(desk: Desk) -> None:
    """An image that can't be pulled, then can."""
    desk.start()
    desk.run_to("control-plane/approve")
    desk.world.cluster.faults.pods.active.append(PodFault("unpullable", image="*/pilot:1.4.10*"))
    desk.click("approve")
    blocked = desk.run_to("control-plane/rollout")
    assert "can't pull its image" in blocked.sentence
    assert "gcr.io/gke-release" in blocked.remedy
    desk.world.cluster.faults.clear()
    desk.click("retry")
    assert desk.run_to("validate/approve").state == "asking"


def test_an_istioctl_that_was_killed_with_the_bot_is_run_again_by_itself(desk: Desk) -> None:
    """Objects of the approved record are merely missing: nobody has to be woken for that."""
    desk.world.releases.switches.tool_pace = 1.0
    desk.start()
    desk.run_to("control-plane/approve")
    desk.click("approve")
    desk.rig.run_until(lambda: desk.read().sentence.startswith("istioctl manifest apply runs"), 600)
    kill_programs(desk.world)
    desk.rig.crash()
    desk.rig.restart()
    assert desk.run_to("validate/approve").state == "asking"


def test_a_tampered_archive_is_never_unpacked(desk: Desk) -> None:
    """Blocked at the signature."""
    desk.world.releases.switches.tamper = True
    desk.start()
    blocked = desk.run_to("download/verify")
    assert "the signature of istio-1.4.10-asm.18-" in blocked.sentence
    assert not list(desk.world.settings.state.rglob("istioctl"))


def test_what_an_apply_would_remove_is_removed_by_its_own_approval(desk: Desk) -> None:
    """A component of the earlier install that the flags don't switch on; the backup keeps it."""
    metadata = {
        "name": "kiali", "namespace": "istio-system", "labels": {"operator.istio.io/component": "Prometheus"},
    }  # fmt: skip
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    desk.connect().apply_object(service)
    desk.start()
    asked = desk.run_to("control-plane/approve-removals")
    assert asked.sentence == "Let the upgrade of cluster-x remove Service istio-system/kiali?"
    desk.click("approve")
    desk.run_to("validate/approve")
    assert desk.connect().read_object("v1", "Service", "istio-system", "kiali") is None
    (kept,) = desk.world.settings.state.rglob("removed-Service-istio-system-kiali.yaml")
    assert "name: kiali" in kept.read_text()


def test_a_denied_removal_leaves_the_cluster_alone(desk: Desk) -> None:
    """Nothing has been applied."""
    labels = {"operator.istio.io/component": "Prometheus"}
    metadata = {"name": "kiali", "namespace": "istio-system", "labels": labels}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    desk.connect().apply_object(service)
    desk.start()
    desk.run_to("control-plane/approve-removals")
    desk.click("deny", reason="still in use")
    assert desk.run_to("control-plane/approve-removals").state == "blocked"
    assert desk.connect().read_object("v1", "Service", "istio-system", "kiali") is not None


def test_somebody_else_s_binding_is_left_alone(desk: Desk) -> None:
    """The bot makes one of its own beside it."""
    theirs = Binding("cluster-admin-binding", "cluster-admin", ("admin@example.com",))
    desk.connect().create_binding(theirs)
    desk.start()
    desk.run_to("download/approve")
    assert desk.connect().read_binding("cluster-admin-binding") == theirs
    assert desk.connect().read_binding("cluster-admin-binding-asm-upgrade-bot") is not None


def test_every_right_that_is_used_was_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The access phase tells of a missing one, not the phase that needs it."""
    used: set[tuple[str, str]] = set()
    strike = desk.world.cluster.faults.strike

    def note(verb: str, resource: str, namespace: str) -> RequestFault | None:
        used.add((verb, resource))
        return strike(verb, resource, namespace)

    desk.start()
    desk.run_to("download/approve")
    monkeypatch.setattr(desk.world.cluster.faults, "strike", note)
    while row := desk.rig.bot.journal.find_open_upgrade(CLUSTER):
        if row.state == "asking":
            desk.click("approve")
        desk.rig.run_until(desk._stands_still, 20_000)
    asked = {(one.verb, "/".join(filter(None, (one.resource, one.subresource)))) for one in list_rights()}
    groups = {one.group for one in list_rights() if one.resource == "*"}
    kinds = desk.connect().list_objects("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition")
    by_group = {one["spec"]["names"]["plural"] for one in kinds if one["spec"]["group"] in groups}
    assert ({one for one in used - asked if one[1] not in by_group}, len(used) > 40) == (set(), True)


def kill_programs(world: World) -> None:
    """End every child program as a dying machine would."""
    for lock in (world.settings.state / "programs").rglob("lock"):
        if is_locked(lock, 0.0):
            os.killpg(int(lock.read_text().split()[0]), signal.SIGKILL)
