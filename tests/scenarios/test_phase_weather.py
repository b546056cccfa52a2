"""The phases around the sidecars on the simulated cluster, with real gateways and child programs, in bad weather."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cluster.server.authorization import BOT_ACCOUNT, ROLES_GROUP, VIEWER
from sandbox.cluster.server.faults import PodFault, RequestFault
from steps.mesh import Binding, BindingMark
from steps.phases.own_binding import GUIDE_BINDING, OWN_BINDING
from steps.preflight.rights import list_lease_rights, list_rights
from tests.journals.kept_recordings import Kept, keep_recordings
from tests.scenarios.desk import CLUSTER, Desk
from tests.scenarios.film import BEFORE_WRITING, THE_BEGINNING, Film
from tests.scenarios.locks import is_locked, kill_group
from tests.scenarios.rig import World

APPLY = "control-plane/apply"
LATENCY = 0.05


@pytest.fixture(scope="module")
def kept() -> dict[str, Kept]:
    """What istioctl did in the upgrades of these tests."""
    return {}


@pytest.fixture
def desk(film: Film, kept: dict[str, Kept], tmp_path: Path) -> Iterator[Desk]:
    """A bot without Slack before any upgrade; it takes again what istioctl did where another one asked the same."""
    cluster = film.studio.world.cluster
    with keep_recordings(cluster, tmp_path, lambda _run: True, kept), film.sit(THE_BEGINNING) as made:
        yield made


def test_strict_has_a_gate_of_its_own_and_is_in_force_afterwards(desk: Desk) -> None:
    """The mesh runs PERMISSIVE; the policy changes with the apply."""
    desk.start(mtls="STRICT")
    assert desk.run_to("control-plane/approve-mtls").sentence == "Change cluster-x from PERMISSIVE to STRICT mTLS?"
    desk.click("approve")
    desk.run_to("validate/approve")
    policy = desk.connect().read_object("authentication.istio.io/v1alpha1", "MeshPolicy", "", "default")
    assert policy is not None
    assert policy["spec"]["peers"] == [{"mtls": {}}]


def test_a_stall_is_told_apart_and_retry_waits_on(film: Film) -> None:
    """An image that can't be pulled, then can."""
    with film.sit(BEFORE_WRITING) as desk:
        desk.world.cluster.faults.pods.active.append(PodFault("unpullable", image="*/pilot:1.4.10*"))
        desk.click("approve")
        blocked = desk.run_to("control-plane/rollout")
        assert "can't pull its image" in blocked.sentence
        assert "gcr.io/gke-release" in blocked.remedy
        desk.world.cluster.faults.clear()
        desk.click("retry")
        assert desk.run_to("validate/approve").state == "asking"


def test_an_istioctl_that_was_killed_with_the_bot_is_run_again_by_itself(film: Film) -> None:
    """Objects of the approved record are merely missing: nobody has to be woken for that."""
    with film.sit(BEFORE_WRITING) as desk:
        apply_slowly(desk)
        kill_programs(desk.world)
        desk.rig.crash()
        desk.world.cluster.faults.clear()
        desk.rig.restart()
        assert desk.run_to("validate/approve").state == "asking"


def test_an_abort_lets_a_running_apply_end_and_reports_what_is_true(film: Film) -> None:
    """The rights go after it, and the report names the versions that are there then."""
    with film.sit(BEFORE_WRITING) as desk:
        apply_slowly(desk)
        cluster = desk.connect()
        desk.click("abort", reason="wrong week")
        desk.rig.run_until(lambda: desk.read().sentence.startswith("aborting: istioctl manifest apply has run"), 60)
        own = cluster.read_binding(OWN_BINDING)
        assert own is not None
        assert own.users == (BOT_ACCOUNT,)
        desk.world.cluster.faults.clear()
        desk.rig.run_until(desk.has_ended, 600)
        row = desk.rig.bot.journal.list_upgrades()[0]
        told = {one.step: one.sentence for one in desk.rig.bot.journal.list_steps(row.id)}
        assert told["abort/revoke"] == f"istioctl manifest apply was let end (exit 0); {OWN_BINDING} emptied"
        assert (row.state, "on 1.4.10-asm.18" in row.sentence) == ("aborted", True)
        assert cluster.read_binding(OWN_BINDING) == Binding(OWN_BINDING, "cluster-admin", ())


def apply_slowly(desk: Desk) -> None:
    """Begin the apply, each call of which takes its time, and see it run."""
    desk.click("approve")
    desk.rig.run_until(lambda: desk.read().step == APPLY, 600)
    desk.world.cluster.faults.latency = LATENCY
    desk.rig.run_until(lambda: desk.read().sentence.startswith("istioctl manifest apply runs"), 600)


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
    """The bot uses the one that the manifests ship for it, and only from the control plane to validate."""
    theirs, cluster = Binding(GUIDE_BINDING, "cluster-admin", ("admin@example.com",)), desk.connect()
    cluster.create_binding(theirs)
    desk.start()
    users = []
    for step in ("control-plane/approve", "validate/approve", "sidecars/approve"):
        desk.run_to(step)
        own = cluster.read_binding(OWN_BINDING)
        users.append(own.users if own else None)
        desk.click("approve")
    assert users == [(), (BOT_ACCOUNT,), ()]
    assert cluster.read_binding(GUIDE_BINDING) == theirs


def test_without_the_empty_binding_the_guides_is_made_and_removed(desk: Desk) -> None:
    """By an account that may create one, as the guide has it."""
    rule = {"apiGroups": [ROLES_GROUP], "resources": ["clusterrolebindings"], "verbs": ["create"]}
    cluster = desk.connect()
    cluster.delete_binding(OWN_BINDING)
    desk.world.cluster.authorizer.iam[BOT_ACCOUNT] = [rule]
    desk.start()
    desk.run_to("validate/approve")
    made = cluster.read_binding(GUIDE_BINDING)
    assert made is not None
    assert (made.users, made.mark) == ((BOT_ACCOUNT,), BindingMark(desk.rig.bot.journal.read_id(), "cluster-x-1"))
    desk.run_to("sidecars/approve")
    assert (cluster.read_binding(GUIDE_BINDING), cluster.read_binding(OWN_BINDING)) == (None, None)


def test_a_right_that_is_there_skips_the_access_question(desk: Desk) -> None:
    """Google's IAM gives it, nothing is bound, and the sidecars are moved with it."""
    desk.world.cluster.authorizer.iam[BOT_ACCOUNT] = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    desk.start()
    asked = desk.run_to("download/approve")
    assert "access/approve" not in {one.step for one in desk.rig.bot.journal.list_questions(asked.id)}
    told = {one.step: one.sentence for one in desk.rig.bot.journal.list_steps(asked.id)}
    assert "has every right already, by Google IAM or a binding of others" in told["access/approve"]
    desk.run_to("sidecars/approve")
    assert desk.connect().read_binding(OWN_BINDING) == Binding(OWN_BINDING, "cluster-admin", ())


def test_a_secret_that_would_go_is_asked_about_once_it_can_be_seen(film: Film) -> None:
    """A viewer may not list Secrets, so the apply itself asks."""
    with film.sit(BEFORE_WRITING) as desk:
        labels = {"operator.istio.io/component": "Pilot"}
        applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
        meta = {"name": "kiali", "namespace": "istio-system", "labels": labels, "annotations": applied}
        desk.connect().apply_object({"apiVersion": "v1", "kind": "Secret", "metadata": meta})
        asked = desk.run_to("control-plane/apply")
        assert (asked.state, "remove Secret istio-system/kiali" in asked.sentence) == ("asking", True)
        desk.click("approve")
        desk.run_to("validate/approve")
        assert desk.connect().read_object("v1", "Secret", "istio-system", "kiali") is None


def test_a_reading_right_that_is_missing_blocks_with_its_rule(desk: Desk) -> None:
    """Before anybody is asked about the control plane."""
    role = dict(desk.connect().read_object("rbac.authorization.k8s.io/v1", "ClusterRole", "", VIEWER) or {})
    unread = "persistentvolumeclaims"
    rules = [{**rule, "resources": [one for one in rule["resources"] if one != unread]} for rule in role["rules"]]
    desk.connect().apply_object({**role, "metadata": {"name": VIEWER}, "rules": rules})
    desk.start()
    blocked = desk.run_to("download/preview")
    assert blocked.state == "blocked"
    assert 'rule apiGroups [""], resources [persistentvolumeclaims], verbs [list]' in blocked.remedy


def test_every_right_that_is_used_was_asked_for(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    """The access phase tells of a missing one, not the phase that needs it."""
    with film.sit(BEFORE_WRITING) as desk:
        used: set[tuple[str, str]] = set()
        strike = desk.world.cluster.faults.strike

        def note(verb: str, resource: str, namespace: str) -> RequestFault | None:
            used.add((verb, resource))
            return strike(verb, resource, namespace)

        monkeypatch.setattr(desk.world.cluster.faults, "strike", note)
        while row := desk.rig.bot.journal.find_open_upgrade(CLUSTER):
            if row.state == "asking":
                desk.click("approve")
            desk.rig.run_until(desk._stands_still, 20_000)
        rights = (*list_rights(), *list_lease_rights("istio-system"))
        asked = {(one.verb, "/".join(filter(None, (one.resource, one.subresource)))) for one in rights}
        groups = {one.group for one in list_rights() if one.resource == "*"}
        kinds = desk.connect().list_objects("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition")
        by_group = {one["spec"]["names"]["plural"] for one in kinds if one["spec"]["group"] in groups}
        used.discard(("create", "selfsubjectaccessreviews"))
        assert ({one for one in used - asked if one[1] not in by_group}, len(used) > 40) == (set(), True)


def kill_programs(world: World) -> None:
    """End every child program as a dying machine would."""
    for lock in (world.settings.state / "programs").rglob("lock"):
        if is_locked(lock, 0.0):
            kill_group(lock)
