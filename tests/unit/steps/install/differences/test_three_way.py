"""What kubectl would change, add and drop on a live object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from steps.install.differences.three_way import (
    LAST_APPLIED,
    MISSING,
    compare_three_ways,
    find_value,
    is_same_value,
    read_last_applied,
    show_value,
)

Made = dict[str, Any]


def made(kind: str = "Service", api: str = "v1", **body: Any) -> Made:
    """An object of istio-system."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "istio-system"}, **body}


def apply_to(live: Made, last: Made | None) -> Made:
    """A live object with kubectl's note of what it applied last."""
    note = {} if last is None else {LAST_APPLIED: json.dumps(last)}
    return {**live, "metadata": {**live["metadata"], "annotations": note}}


def changes(wanted: Made, live: Made, last: Made | None = None) -> list[str]:
    """The changes as a person reads them, without the object's name."""
    return [str(one).partition(": ")[2] for one in compare_three_ways(wanted, apply_to(live, last))]


def pod_template(**container: Any) -> Made:
    """The spec of a Deployment with one container."""
    return {"template": {"spec": {"containers": [{"name": "discovery", "image": "pilot:1", **container}]}}}


def test_what_stays_is_no_change() -> None:
    """Fields that only the cluster has are its own: defaults, replicas of an autoscaler, status."""
    wanted = made(spec={"ports": [{"port": 80}]})
    live = made(spec={"ports": [{"port": 80, "nodePort": 31380}], "clusterIP": "10.0.0.1"}, status={"a": 1})
    assert changes(wanted, live, wanted) == []


def test_an_edited_field_is_set_back() -> None:
    """An autoscaler's bound that somebody raised."""
    wanted = made("HorizontalPodAutoscaler", "autoscaling/v2beta1", spec={"minReplicas": 1, "maxReplicas": 5})
    live = made("HorizontalPodAutoscaler", "autoscaling/v2beta1", spec={"minReplicas": 3, "maxReplicas": 5})
    assert changes(wanted, live, wanted) == ["spec.minReplicas: 3 → 1"]


def test_a_field_of_the_last_apply_is_taken_away() -> None:
    """A load balancer's address that is handed over no more."""
    last = made(spec={"type": "LoadBalancer", "loadBalancerIP": "1.2.3.4"})
    wanted = made(spec={"type": "LoadBalancer"})
    assert changes(wanted, last, last) == ["spec.loadBalancerIP: 1.2.3.4 → taken away"]


def test_a_field_that_kubectl_never_applied_stays() -> None:
    """Somebody else set it."""
    wanted = made(spec={"type": "LoadBalancer"})
    live = made(spec={"type": "LoadBalancer", "loadBalancerIP": "1.2.3.4"})
    assert changes(wanted, live, wanted) == []


def test_what_somebody_added_to_a_field_goes_with_it() -> None:
    """kubectl takes away the whole of what it applied; what the server adds by itself is nobody's."""
    selector, probe = {"pool": "mesh"}, {"httpGet": {"path": "/ready", "port": 80}}
    last = made("Deployment", "apps/v1", spec={"nodeSelector": selector, "probe": probe})
    wanted = made("Deployment", "apps/v1", spec={})
    defaulted = {"httpGet": {**probe["httpGet"], "scheme": "HTTP"}, "timeoutSeconds": 1}
    live = made("Deployment", "apps/v1", spec={"nodeSelector": {**selector, "zone": "a"}, "probe": defaulted})
    assert changes(wanted, live, last) == [
        "spec.nodeSelector.pool: mesh → taken away",
        "spec.nodeSelector.zone: a → taken away",
        "spec.probe.httpGet.path: /ready → taken away",
        "spec.probe.httpGet.port: 80 → taken away",
    ]


def test_what_is_gone_already_is_not_taken_away() -> None:
    """The last apply had it, the cluster has it no more."""
    last = made(spec={"type": "LoadBalancer", "loadBalancerIP": "1.2.3.4"})
    wanted = made(spec={"type": "LoadBalancer"})
    assert changes(wanted, wanted, last) == []


def test_lists_of_built_in_kinds_are_merged_by_their_keys() -> None:
    """A container that somebody added stays, one of the last apply goes, a variable changes."""
    wanted = made("Deployment", "apps/v1", spec=pod_template(env=[{"name": "A", "value": "2"}]))
    last = made(
        "Deployment", "apps/v1", spec=pod_template(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "x"}])
    )
    live = json.loads(json.dumps(last))
    live["spec"]["template"]["spec"]["containers"].append({"name": "own", "image": "own:1"})
    assert changes(wanted, live, last) == [
        "spec.template.spec.containers[discovery].env[A].value: 1 → 2",
        'spec.template.spec.containers[discovery].env[B]: {"name": "B", "value": "x"} → taken away',
    ]


def test_lists_of_custom_kinds_are_replaced_whole() -> None:
    """A server merges none of them."""
    gateway = {"kind": "Gateway", "api": "networking.istio.io/v1alpha3"}
    wanted = made(**gateway, spec={"servers": [{"port": {"number": 80}}]})
    live = made(**gateway, spec={"servers": [{"port": {"number": 80}}, {"port": {"number": 443}}]})
    assert [line.partition(":")[0] for line in changes(wanted, live, wanted)] == ["spec.servers"]


def test_a_list_without_a_key_is_replaced_whole() -> None:
    """The order of arguments counts."""
    wanted = made("Deployment", "apps/v1", spec=pod_template(args=["discovery", "--log=info"]))
    live = made("Deployment", "apps/v1", spec=pod_template(args=["discovery", "--log=debug"]))
    found = changes(wanted, live, wanted)
    assert found == [
        'spec.template.spec.containers[discovery].args: ["discovery", "--log=debug"] → ["discovery", "--log=info"]'
    ]


def test_an_entry_in_a_whole_list_may_have_defaults() -> None:
    """The server fills in what it knows better."""
    rule = {"operations": ["CREATE"], "resources": ["pods"]}
    hook = {"name": "a", "rules": [rule]}
    live_hook = {"name": "a", "rules": [{**rule, "scope": "*"}], "timeoutSeconds": 30}
    api = "admissionregistration.k8s.io/v1beta1"
    wanted = made("MutatingWebhookConfiguration", api, webhooks=[hook])
    assert changes(wanted, made("MutatingWebhookConfiguration", api, webhooks=[live_hook]), wanted) == []


@pytest.mark.parametrize(
    ("field", "one", "other", "same"),
    [
        ("memory", "2Gi", "2048Mi", True),
        ("memory", "2Gi", "2G", False),
        ("cpu", "500m", "0.5", True),
        ("cpu", 1, "1000m", True),
        ("cpu", "1", "x", False),
        ("value", "2Gi", "2048Mi", False),
        ("replicas", 1, "1", True),
        ("flag", True, "True", False),
        ("flag", False, None, True),
        ("cpu", "1" * 60 + "Gi", "1", False),
    ],
)
def test_amounts_are_compared_by_value(field: str, one: Any, other: Any, same: bool) -> None:
    """In the fields that hold amounts, and nowhere else."""
    assert is_same_value(one, other, field) is same


@pytest.mark.parametrize("note", ["{", "[]", "[" * 100_000, " " * 1_100_000 + "{}", '"text"'])
def test_an_unreadable_note_is_none(note: str) -> None:
    """Whoever can write annotations can't stop the comparison."""
    live: Mapping[str, Any] = made(spec={})
    live["metadata"]["annotations"] = {LAST_APPLIED: note}
    assert read_last_applied(live) == {}


def test_a_key_that_became_a_value_of_another_form_is_one_change() -> None:
    """A mapping where a text stands."""
    wanted, live = made(spec={"selector": {"a": "b"}}), made(spec={"selector": "a=b"})
    assert changes(wanted, live, wanted) == ['spec.selector: a=b → {"a": "b"}']


def test_values_are_shown_in_one_line() -> None:
    """And cut visibly."""
    assert show_value("a\n  b") == "a b"
    assert show_value("x" * 200, 10) == "xxxxxxxxx…"


def test_texts_that_hold_yaml_are_compared_key_by_key() -> None:
    """The text goes as a whole: what only the cluster's has goes too, whoever wrote it."""
    wanted = made("ConfigMap", data={"mesh": "trustDomain: pool\ndefaultConfig:\n  drainDuration: 45s\n", "root": ""})
    mesh = "trustDomain: pool\noutboundTrafficPolicy:\n  mode: REGISTRY_ONLY\ndefaultConfig:\n  drainDuration: 5s\n"
    assert changes(wanted, made("ConfigMap", data={"mesh": mesh, "root": ""}), wanted) == [
        "data.mesh.defaultConfig.drainDuration: 5s → 45s",
        "data.mesh.outboundTrafficPolicy.mode: REGISTRY_ONLY → taken away",
    ]


@pytest.mark.parametrize("text", ["a: &a [x]\nb: *a\n", "just: [words", "one: 1\n---\ntwo: 2\n"])
def test_a_text_that_can_t_be_opened_is_compared_as_it_is(text: str) -> None:
    """Aliases, no YAML, several documents."""
    wanted = made("ConfigMap", data={"config": "policy: enabled\n"})
    assert [line.partition(":")[0] for line in changes(wanted, made("ConfigMap", data={"config": text}), wanted)] == [
        "data.config"
    ]


@pytest.mark.parametrize("length", [0, 40_000], ids=["kept", "too long to be kept"])
def test_a_text_that_was_edited_is_opened_anew(length: int) -> None:
    """What was opened before is known by the whole text."""
    texts = [f"mode: {mode}\nlong: {'x' * length}\n" for mode in ("one", "one", "two")]
    maps = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"m": one}} for one in texts]
    assert [len(compare_three_ways(maps[0], live)) for live in maps] == [0, 0, 1]


def test_a_value_is_found_by_the_path_of_a_change() -> None:
    """Through lists by their keys and through opened texts."""
    spec = pod_template(env=[{"name": "A", "value": "1"}])
    path = ("spec", "template", "spec", "containers", "[discovery]", "env", "[A]", "value")
    assert find_value(made("Deployment", "apps/v1", spec=spec), path) == "1"
    assert find_value(made("ConfigMap", data={"mesh": "a: {b: 2}"}), ("data", "mesh", "a", "b")) == 2
    assert find_value(made("ConfigMap", data={"mesh": "a: {b: 2}"}), ("data", "other", "a")) is MISSING
