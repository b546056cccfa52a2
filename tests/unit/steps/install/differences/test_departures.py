"""What leaves the guide's path, and what the release brings by itself."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from steps.contract.record import Leaf, ObjectKey
from steps.install.differences.departures import find_departures, find_tag_faults, list_handed_images
from steps.install.differences.three_way import LAST_APPLIED
from steps.install.record.facts import read_facts
from tests.unit.steps.builders import HUB, NEW, OLD, read_shipped_release

Made = dict[str, Any]


def deployment(version: str, name: str = "istio-pilot", **container: Any) -> Made:
    """A workload of istio-system as a release hands it over."""
    made = {"name": "discovery", "image": f"{HUB}/pilot:{version}", **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "istio-system", "labels": {"operator.istio.io/version": version}},
        "spec": {"template": {"spec": {"containers": [made]}}},
    }


def autoscaler(low: int) -> Made:
    """The ingress gateway's autoscaler."""
    return {
        "apiVersion": "autoscaling/v2beta1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
        "spec": {"minReplicas": low, "maxReplicas": 5},
    }


def mesh(**config: Any) -> Made:
    """The mesh's ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": "istio-system"},
        "data": {"mesh": json.dumps(config)},
    }


def put_into_cluster(handed: Made, **edits: Any) -> Made:
    """The live object after an apply, and after a person's edits of its spec."""
    live = copy.deepcopy(handed)
    live["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(handed)}
    live.setdefault("spec", {}).update(edits)
    return live


def judge(wanted: list[Made], live: list[Made], earlier: list[Made], **more: Any) -> tuple[list[str], int]:
    """The listed changes without their objects' names, and the number of expected ones."""
    given: dict[str, Any] = {"guide": wanted, "hubs": [HUB], **more}
    found = find_departures(wanted, live, earlier=earlier, **given)
    return [str(one).partition(": ")[2] for one in found.changes], len(found.expected)


def test_images_and_version_labels_are_expected() -> None:
    """Also where the earlier release can't be had."""
    assert judge([deployment(NEW)], [put_into_cluster(deployment(OLD))], []) == ([], 2)


def test_what_the_release_itself_changes_is_expected() -> None:
    """The earlier release hands over the old value and the cluster still has it."""
    before, after = deployment(OLD, args=["--a"]), deployment(NEW, args=["--b"])
    assert judge([after], [put_into_cluster(before)], [before]) == ([], 3)
    assert len(judge([after], [put_into_cluster(before)], [])[0]) == 1


def test_a_hand_edit_is_listed() -> None:
    """Both releases hand over the same, the cluster has something else."""
    live = put_into_cluster(autoscaler(1), minReplicas=3)
    assert judge([autoscaler(1)], [live], [autoscaler(1)]) == (["spec.minReplicas: 3 → 1"], 0)


def test_an_edit_of_what_the_release_changes_is_listed() -> None:
    """It is lost all the same."""
    live = put_into_cluster(autoscaler(1), minReplicas=7)
    assert judge([autoscaler(2)], [live], [autoscaler(1)])[0] == ["spec.minReplicas: 7 → 2"]


def test_a_hand_edit_of_the_mesh_config_is_listed_by_its_key() -> None:
    """Not as two texts that begin alike."""
    live = mesh(trustDomain="pool", outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})
    handed = mesh(trustDomain="pool")
    found, _ = judge([handed], [live], [handed])
    assert found == ["data.mesh.outboundTrafficPolicy.mode: REGISTRY_ONLY → taken away"]


def test_a_forgotten_option_is_listed() -> None:
    """What the earlier apply handed over and this one does not."""
    last = deployment(OLD, resources={"requests": {"cpu": "2"}})
    found, _ = judge([deployment(NEW)], [put_into_cluster(last)], [deployment(OLD)])
    assert [line.partition(":")[0] for line in found] == [
        "spec.template.spec.containers[discovery].resources.requests.cpu"
    ]


def test_amounts_in_another_spelling_are_no_change() -> None:
    """2Gi is 2048Mi."""
    wanted, live = (deployment(NEW, resources={"requests": {"memory": text}}) for text in ("2Gi", "2048Mi"))
    assert judge([wanted], [put_into_cluster(live)], []) == ([], 0)


def test_an_image_of_a_foreign_registry_is_named() -> None:
    """Unless the cluster allows that mirror."""
    guide, wanted = [deployment(NEW)], [deployment(NEW, image="evil.example/pilot:1.4.10-asm.18")]
    found = find_departures(wanted, [], earlier=[], guide=guide, hubs=[HUB])
    assert [one.where for one in found.images] == ["istio-pilot/discovery"]
    allowed = find_departures(wanted, [], earlier=[], guide=guide, hubs=[HUB, "evil.example"])
    assert allowed.images == ()
    assert allowed.is_empty


def test_a_registry_that_only_begins_alike_is_foreign() -> None:
    """`gcr.io/gke-release/asm-evil` is not `gcr.io/gke-release/asm`."""
    wanted = [deployment(NEW, image=f"{HUB}-evil/pilot:{NEW}")]
    assert len(find_departures(wanted, [], earlier=[], guide=[], hubs=[HUB]).images) == 1


def test_init_containers_count() -> None:
    """An image is an image."""
    made = deployment(NEW)
    made["spec"]["template"]["spec"]["initContainers"] = [{"name": "set", "image": "evil.example/x:1"}]
    assert [one.image for one in list_handed_images([made])] == [f"{HUB}/pilot:{NEW}", "evil.example/x:1"]
    assert len(find_departures([made], [], earlier=[], guide=[], hubs=[HUB]).images) == 1


def test_objects_beyond_the_guide_are_named() -> None:
    """Another component that a flag brings."""
    extra = mesh()
    extra["metadata"]["name"] = "kiali"
    found = find_departures([deployment(NEW), extra], [], earlier=[], guide=[deployment(NEW)], hubs=[HUB])
    assert [str(one) for one in found.objects] == ["ConfigMap istio-system/kiali"]
    assert not found.is_empty


@pytest.mark.parametrize(
    ("made", "faults"),
    [
        (deployment(NEW), 0),
        (deployment(OLD), 1),
        (deployment(NEW, image=f"{HUB}/pilot@sha256:abc"), 1),
        (deployment(OLD, name="promsd"), 0),
    ],
)
def test_a_tagged_workload_runs_the_release_or_is_refused(made: Made, faults: int) -> None:
    """The release's file says which workloads carry its version."""
    assert len(find_tag_faults([made], read_shipped_release())) == faults


def test_facts_come_from_the_objects() -> None:
    """Whatever the flags said."""
    policy: Made = {
        "apiVersion": "authentication.istio.io/v1alpha1",
        "kind": "MeshPolicy",
        "metadata": {"name": "default"},
        "spec": {"peers": [{"mtls": {}}]},
    }
    injector = mesh()
    injector["metadata"]["name"] = "istio-sidecar-injector"
    injector["data"] = {"values": json.dumps({"global": {"hub": HUB, "tag": NEW}})}
    facts = read_facts([policy, injector, mesh(trustDomain="pool")])
    assert (facts.mtls, facts.trust_domain, facts.hub, facts.tag) == ("STRICT", "pool", HUB, NEW)
    assert (facts.namespaces, facts.kinds) == (("istio-system",), ("ConfigMap", "MeshPolicy"))


def test_facts_that_can_t_be_read_are_empty() -> None:
    """A bomb in a ConfigMap is no fact."""
    broken = mesh()
    broken["data"] = {"mesh": "a: &a [x]\nb: *a\n"}
    facts = read_facts([broken])
    assert (facts.mtls, facts.trust_domain, facts.hub) == (None, "", "")


def kiali(key: str, port: int = 20001) -> Made:
    """Kiali's ConfigMap."""
    metadata = {"name": "kiali", "namespace": "istio-system"}
    text = f'login_token:\n  signing_key: "{key}"\nserver:\n  port: {port}\n'
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config.yaml": text}}


def secret(key: str) -> Made:
    """The self-signed injector's Secret."""
    metadata = {"name": "signed", "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"key.pem": key}}


SIGNING_KEY = Leaf(ObjectKey("v1", "ConfigMap", "istio-system", "kiali"), ("data", "config.yaml"), "signing_key")
PRIVATE_KEY = Leaf(ObjectKey("v1", "Secret", "istio-system", "signed"), ("data", "key.pem"))


def test_what_is_made_anew_each_time_is_no_change() -> None:
    """Its value would be shown, and approved for nothing; what stands beside it is."""
    renewed = (SIGNING_KEY, PRIVATE_KEY)
    live = [put_into_cluster(kiali("abcdefgh")), put_into_cluster(secret("b2xkb2xkb2xk"))]
    assert judge([kiali("ijklmnop"), secret("bmV3bmV3bmV3")], live, [], renewed=renewed) == ([], 0)
    changes, _ = judge([kiali("ijklmnop", port=1)], live, [], renewed=renewed)
    assert changes == ["data.config.yaml.server.port: 20001 → 1"]


def test_what_a_secret_holds_is_never_shown() -> None:
    """That it changes is."""
    live = put_into_cluster(secret("b2xkb2xkb2xk"))
    assert judge([secret("bmV3bmV3bmV3")], [live], []) == (["data.key.pem: changed"], 0)
