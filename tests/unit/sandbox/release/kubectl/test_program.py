from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from sandbox.cluster.seeds.cluster_x import create_any
from tests.unit.sandbox.release.bench import GUIDE, Bench

SELECTOR = "operator.istio.io/component"
EMPTY = 'apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ""\n  selfLink: ""\n'


def made(name: str, component: str = "Pilot", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "istio-system", "labels": {SELECTOR: component}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


def stream(*objects: dict[str, Any]) -> str:
    return "\n\n".join(json.dumps(one) for one in objects)


def apply(bench: Bench, *objects: dict[str, Any], options: tuple[str, ...] = ()) -> list[str]:
    answer = bench.kubectl("apply", "-n", "istio-system", *options, "-f", "-", stdin=stream(*objects))
    assert (answer.code, answer.errors) == (0, "")
    return answer.out.splitlines()


def test_it_tells_its_version(bench: Bench) -> None:
    """As JSON and as text, without a cluster."""
    assert json.loads(bench.kubectl("version", "--client", "-o", "json").out)["clientVersion"]["minor"] == "18"
    assert bench.kubectl("version", "--client", "--short").out == "Client Version: v1.18.20\n"
    assert "Server Version: v1.16" in bench.kubectl("version").out


def test_an_apply_says_what_it_did(bench: Bench) -> None:
    """Created, configured, unchanged."""
    assert apply(bench, made("a", data={"x": "1"})) == ["configmap/a created"]
    assert apply(bench, made("a", data={"x": "1"})) == ["configmap/a unchanged"]
    assert apply(bench, made("a", data={"y": "2"})) == ["configmap/a configured"]
    live = bench.find("configmaps", "a")
    assert live is not None
    assert live["data"] == {"y": "2"}


def test_prune_takes_what_was_applied_and_no_more(bench: Bench) -> None:
    """By label, in the namespaces of what is applied, and only with kubectl's annotation."""
    apply(bench, made("old", "Own"), made("kept", "Own"), made("other", "Galley"))
    elsewhere = made("elsewhere", "Own")
    elsewhere["metadata"]["namespace"] = "shop"
    apply_in = bench.kubectl("apply", "-f", "-", stdin=stream(elsewhere))
    assert apply_in.code == 0
    options = ("--force", "--prune", "--selector", f"{SELECTOR}=Own")
    printed = apply(bench, made("kept", "Own"), options=options)
    assert printed == ["configmap/kept unchanged", "configmap/old pruned"]
    assert bench.find("configmaps", "elsewhere", "shop") is not None
    assert bench.find("configmaps", "other") is not None


def test_an_object_that_nobody_applied_is_not_pruned(bench: Bench) -> None:
    """Made by hand with the component's label."""
    apply(bench, made("kept"))
    create_any(bench.cluster, made("by-hand"))
    apply(bench, made("kept"), options=("--prune", "--selector", f"{SELECTOR}=Pilot"))
    assert bench.find("configmaps", "by-hand") is not None


def test_all_is_listed_by_label(bench: Bench) -> None:
    """An empty list in the form of the real one, and a full one that can be handed to delete."""
    asked = ("get", "all", "-o", "yaml", "--all-namespaces", "--selector", f"{SELECTOR}=Prometheus")
    assert bench.kubectl(*asked).out == EMPTY
    bench.apply(*GUIDE, "values.prometheus.enabled=true")
    listed = bench.kubectl(*asked).out
    kinds = {item["kind"] for item in yaml.safe_load(listed)["items"]}
    assert {"Deployment", "Service"} <= kinds
    deleted = bench.kubectl("delete", "--selector", f"{SELECTOR}=Prometheus", "-f", "-", stdin=listed)
    assert (deleted.code, deleted.errors) == (0, "")
    assert 'deployment.apps "prometheus" deleted' in deleted.out
    assert bench.find("deployments.apps", "prometheus") is None


def test_one_object_is_read(bench: Bench) -> None:
    """In the forms that the bot asks for."""
    asked = ("get", "namespace", "kube-system", "-o")
    uid = bench.kubectl(*asked, "jsonpath={.metadata.uid}").out
    assert uid == json.loads(bench.kubectl(*asked, "json").out)["metadata"]["uid"]
    assert bench.kubectl("get", "deploy", "-n", "istio-system", "-o", "name").out.startswith("deployment.apps/")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("get", "configmap", "nosuch"), 'Error from server (NotFound): configmaps "nosuch" not found\n'),
        (("get", "nosuch"), 'error: the server doesn\'t have a resource type "nosuch"\n'),
        (("apply", "--nosuch"), "Error: unknown flag: --nosuch\nSee 'kubectl apply --help' for usage.\n"),
        (("sing",), 'Error: unknown command "sing" for "kubectl"\n'),
        (("apply", "-f", "a.yaml"), "error: this stand-in reads objects from standard input alone (-f -)\n"),
        (("apply", "-f", "-"), "error: no objects passed to apply\n"),
        (("apply", "--prune", "-f", "-"), "error: no objects passed to apply\n"),
    ],
)
def test_what_cannot_be_done_is_said(bench: Bench, arguments: tuple[str, ...], sentence: str) -> None:
    """With 1 and in kubectl's words."""
    answer = bench.kubectl(*arguments)
    assert (answer.code, answer.out, answer.errors) == (1, "", sentence)


def test_a_forbidden_object_has_its_cause_in_the_last_line(bench: Bench) -> None:
    """What was done, with what, to which object, and why not."""
    bench.kubeconfig.write_text(bench.kubeconfig.read_text().replace(bench.cluster.tokens.admin, "ya29.the-bots-own"))
    answer = bench.kubectl("apply", "-f", "-", stdin=stream(made("new")))
    assert answer.code == 1
    assert answer.errors.startswith(
        'Error from server (Forbidden): error when creating "STDIN": configmaps is forbidden'
    )
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "istio-pilot", "namespace": "istio-system"}}
    lines = bench.kubectl("apply", "-f", "-", stdin=stream(service)).errors.splitlines()
    assert lines[0] == "Error from server (Forbidden): error when applying patch:"
    assert lines[2:5] == [
        "to:",
        'Resource: "/v1, Resource=services", GroupVersionKind: "/v1, Kind=Service"',
        'Name: "istio-pilot", Namespace: "istio-system"',
    ]
    assert lines[5].startswith('for: "STDIN": services "istio-pilot" is forbidden: User "')


def test_the_context_is_told(bench: Bench) -> None:
    """Of the kubeconfig that is named."""
    assert bench.kubectl("config", "current-context").out == "cluster-x-admin\n"


def test_a_kubeconfig_is_shown_without_its_token(bench: Bench) -> None:
    """As people paste it into an issue."""
    shown = yaml.safe_load(bench.kubectl("config", "view").out)
    assert shown["users"] == [{"name": "admin", "user": {"token": "REDACTED"}}]
    assert bench.kubectl("config", "view", "-o", "jsonpath={.contexts[0].name}").out == "cluster-x-admin"
    assert bench.kubectl("config", "view", "-o", "jsonpath={.contexts[7].name}").out == ""


def test_a_namespace_with_the_label_is_pruned_wherever_one_applies(bench: Bench) -> None:
    """With all that is in it: why an apply of the bot's never prunes."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {SELECTOR: "Pilot"}}}
    apply(bench, space)
    options = ("--force", "--prune", "--selector", f"{SELECTOR}=Pilot")
    assert "namespace/team pruned" in apply(bench, made("kept"), options=options)
