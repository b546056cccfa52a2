"""What the gate lists as changed against what an apply really changes, field by field."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from steps.install.differences.three_way import LAST_APPLIED, compare_three_ways, is_same_value
from tests.contracts.istioctl.bench import GUIDE, Bench, Json

Edit: TypeAlias = Callable[[Json], None]
MERGE = "application/merge-patch+json"
SERVERS_OWN = frozenset({"resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink"})
# What the server itself makes of a field that changes, and what a controller notes.
FOLLOWING = frozenset({
    "DaemonSet/istio-nodeagent spec.updateStrategy.rollingUpdate",
    "Service/istio-pilot spec.sessionAffinityConfig",
    "Deployment/istio-galley metadata.annotations.deployment.kubernetes.io/revision",
    "Deployment/istio-ingressgateway spec.replicas",
    "Deployment/istio-pilot metadata.annotations.deployment.kubernetes.io/revision",
})  # fmt: skip
# What tells the entries of a list apart, in this order.
NAMES = ("port", "containerPort", "mountPath", "name")


def container(live: Json, name: str) -> Json:
    """A container of a workload."""
    found: Json = next(one for one in live["spec"]["template"]["spec"]["containers"] if one["name"] == name)
    return found


def raise_autoscaler(live: Json) -> None:
    """By hand, as before a sale."""
    live["spec"].update(minReplicas=3, maxReplicas=19)


def edit_service(live: Json) -> None:
    """An address and a policy that nobody handed over, a port more, and another name for one that was."""
    live["spec"].update(loadBalancerIP="203.0.113.9", externalTrafficPolicy="Local")
    live["spec"]["ports"][0]["name"] = "renamed"
    live["spec"]["ports"].append({"name": "own", "port": 9999, "protocol": "TCP", "targetPort": 9999})
    live["metadata"].setdefault("annotations", {})["example.com/own"] = "yes"
    live["metadata"]["labels"]["operator.istio.io/version"] = "1.4.7-asm.0"


def edit_pilot(live: Json) -> None:
    """A value changed, one added and one taken away, amounts and arguments, and a number that nobody handed over."""
    discovery = container(live, "discovery")
    others = [one for one in discovery["env"] if one["name"] not in ("PILOT_TRACE_SAMPLING", "GODEBUG")]
    discovery["env"] = [*others, {"name": "PILOT_TRACE_SAMPLING", "value": "77"}, {"name": "OWN", "value": "1"}]
    discovery["resources"]["requests"].update(memory="2048Mi", cpu="700m")
    discovery["args"] = [*discovery["args"], "--own"]
    discovery["image"] = "registry.example/pilot:1"
    live["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = "50%"
    live["spec"]["template"]["spec"]["nodeSelector"] = {"example.com/own": "yes"}


def edit_agent(live: Json) -> None:
    """How it rolls, and what it tolerates."""
    live["spec"]["updateStrategy"] = {"type": "OnDelete", "rollingUpdate": None}
    live["spec"]["template"]["spec"]["tolerations"] = [{"key": "own", "operator": "Exists"}]


def edit_mesh(live: Json) -> None:
    """One value in a text, and a text of one's own."""
    live["data"]["mesh"] = live["data"]["mesh"].replace("ALLOW_ANY", "REGISTRY_ONLY")
    live["data"]["own"] = "text"


def edit_webhook(live: Json) -> None:
    """Less strict, and without a selector that was handed over."""
    live["webhooks"][0]["failurePolicy"] = "Ignore"
    live["webhooks"][0]["namespaceSelector"] = {"matchLabels": {"own": "yes"}}


def edit_rules(live: Json) -> None:
    """A rule more."""
    live["rules"] = [*live["rules"], {"apiGroups": ["own"], "resources": ["all"], "verbs": ["get"]}]


def edit_gateway(live: Json) -> None:
    """A server more, and a field of one's own."""
    port = {"number": 8443, "name": "own", "protocol": "HTTP"}
    live["spec"]["servers"] = [*live["spec"]["servers"], {"port": port, "hosts": ["*"]}]
    live["spec"]["own"] = "field"


def edit_budget(live: Json) -> None:
    """A lower one."""
    live["spec"]["minAvailable"] = 0


def note_more(live: Json) -> None:
    """As if the last apply had handed over an address and an annotation that this one doesn't."""
    note = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
    for one in (live, note):
        one["metadata"].setdefault("annotations", {})["example.com/handed-over"] = "once"
        one["spec"]["sessionAffinity"] = "ClientIP"
    live["metadata"]["annotations"][LAST_APPLIED] = json.dumps(note)


def note_selector(live: Json) -> None:
    """As if the last apply had chosen nodes, which this one doesn't, and somebody had chosen closer."""
    note = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
    note["spec"]["template"]["spec"]["nodeSelector"] = {"example.com/handed-over": "once"}
    live["spec"]["template"]["spec"]["nodeSelector"] = {"example.com/handed-over": "once", "example.com/own": "yes"}
    live["metadata"]["annotations"][LAST_APPLIED] = json.dumps(note)


EDITS: dict[tuple[str, str, str], Edit] = {
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", "istio-ingressgateway"): raise_autoscaler,
    ("v1", "Service", "istio-ingressgateway"): edit_service,
    ("v1", "Service", "istio-pilot"): note_more,
    ("apps/v1", "Deployment", "istio-pilot"): edit_pilot,
    ("apps/v1", "Deployment", "istio-galley"): note_selector,
    ("apps/v1", "DaemonSet", "istio-nodeagent"): edit_agent,
    ("v1", "ConfigMap", "istio"): edit_mesh,
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", "istio-sidecar-injector"): edit_webhook,
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "istio-pilot-istio-system"): edit_rules,
    ("networking.istio.io/v1alpha3", "Gateway", "ingressgateway"): edit_gateway,
    ("policy/v1beta1", "PodDisruptionBudget", "istio-pilot"): edit_budget,
}


@dataclass(frozen=True)
class Changed:
    """Fields as `KIND/NAME path`, without the entries of lists: those that were listed and those that changed."""

    listed: frozenset[str]
    changed: frozenset[str]


@pytest.fixture(scope="module")
def edited(bench: Bench) -> Iterator[Changed]:
    """Edit much by hand, compare with what is handed over, and apply it under guard."""
    read, _ = bench.record(*GUIDE)
    wanted = [made.content for made in read.recording.record.list_objects()]
    for (api, kind, name), edit in EDITS.items():
        live = find(bench, api, kind, name)
        made = copy.deepcopy(live)
        edit(made)
        bench.api.patch(made, write_merge_patch(live, made), MERGE)
    before = [find_like(bench, one) for one in wanted]
    listed = {
        f"{one['kind']}/{one['metadata']['name']} {write_path(change.path)}"
        for one, live in zip(wanted, before, strict=True)
        for change in compare_three_ways(one, live)
        if "caBundle" not in change.path
    }
    assert bench.guard(read.recording, *GUIDE).code == 0
    changed = {
        f"{one['kind']}/{one['metadata']['name']} {write_path(path)}"
        for one, live in zip(wanted, before, strict=True)
        for path in differ(live, find_like(bench, one))
        if not SERVERS_OWN & {*path} and path[0] != "status" and not {"caBundle", LAST_APPLIED} & {*path}
    }
    yield Changed(frozenset(listed), frozenset(changed))
    for api, kind, name in EDITS:
        bench.api.delete(find(bench, api, kind, name))
    bench.install(*GUIDE)


def find(bench: Bench, api: str, kind: str, name: str) -> Json:
    """A live object; the namespace of one that has none is not asked for."""
    space = "" if kind in ("ClusterRole", "MutatingWebhookConfiguration") else "istio-system"
    return find_like(bench, {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": space}})


def find_like(bench: Bench, made: Mapping[str, Any]) -> Json:
    """The live object under this one's name."""
    live = bench.api.get(made)
    assert live is not None, made["metadata"]
    return {"apiVersion": made["apiVersion"], "kind": made["kind"], **live}


def write_merge_patch(live: Json, made: Json) -> Json:
    """The fields of the first level that differ, as a whole."""
    patch = {key: made[key] for key in made if made[key] != live.get(key) and key != "metadata"}
    metadata = {key: made["metadata"][key] for key in ("labels", "annotations") if key in made["metadata"]}
    return {**patch, "metadata": metadata}


def write_path(path: tuple[Any, ...]) -> str:
    """A path without entries of lists."""
    return ".".join(str(part) for part in path if not str(part).startswith("["))


def differ(one: object, other: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of the leaves in which two live objects differ."""
    if isinstance(one, list) and isinstance(other, list):
        one, other = by_name(one), by_name(other)
    if isinstance(one, dict) and other is None:
        other = {}
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from differ(one.get(key), other.get(key), (*path, key))
    elif one != other and not (path[-1] == "memory" and is_same_value(one, other, "memory")):
        yield path


def by_name(entries: list[Any]) -> dict[str, Any]:
    """The entries of a list by what tells them apart, or by their place."""
    for key in NAMES:
        if all(isinstance(one, dict) and key in one for one in entries):
            return {f"[{one[key]}]": one for one in entries}
    return {f"[{number}]": one for number, one in enumerate(entries)}


def is_within(path: str, others: frozenset[str]) -> bool:
    """Whether this field, one above it or one below it is among them."""
    return any(path == one or path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in others)


def test_every_field_that_an_apply_changes_was_listed(edited: Changed) -> None:
    """Whoever set it, and whatever it was."""
    assert [one for one in sorted(edited.changed) if not is_within(one, edited.listed | FOLLOWING)] == []


def test_every_field_that_was_listed_changes(edited: Changed) -> None:
    """What stays as it is, or is only written in another way, is nobody's question."""
    assert [one for one in sorted(edited.listed) if not is_within(one, edited.changed)] == []


@pytest.mark.parametrize(
    "field",
    [
        "HorizontalPodAutoscaler/istio-ingressgateway spec.minReplicas",
        "Service/istio-ingressgateway spec.ports.name",
        "Service/istio-pilot spec.sessionAffinity",
        "Deployment/istio-galley spec.template.spec.nodeSelector.example.com/own",
        "Deployment/istio-pilot spec.template.spec.containers.args",
        "ConfigMap/istio data.mesh.outboundTrafficPolicy.mode",
        "Gateway/ingressgateway spec.servers",
        "ClusterRole/istio-pilot-istio-system rules",
    ],
)
def test_an_edit_is_listed_by_its_field(edited: Changed, field: str) -> None:
    """Not by the object alone."""
    assert is_within(field, edited.listed)


@pytest.mark.parametrize(
    "field",
    [
        "Service/istio-ingressgateway spec.loadBalancerIP",
        "Service/istio-ingressgateway metadata.annotations.example.com/own",
        "Deployment/istio-pilot spec.template.spec.nodeSelector",
        "Deployment/istio-pilot spec.template.spec.containers.resources.requests.memory",
        "ConfigMap/istio data.own",
        "Gateway/ingressgateway spec.own",
    ],
)
def test_what_nobody_handed_over_stays_and_is_not_listed(edited: Changed, field: str) -> None:
    """Nor an amount that is only written in another way."""
    assert not is_within(field, edited.listed)
    assert not is_within(field, edited.changed)
