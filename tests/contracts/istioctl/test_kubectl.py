"""What kubectl itself does of which the guard and the bot make use, or which they keep it from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.contracts.istioctl.bench import Bench, Json, Ran

SPACE, LABEL = "prune-space", {"prune-me": "yes"}
POD: Json = {"containers": [{"name": "a", "image": "registry.example/a:1"}]}
APP = {"matchLabels": {"app": "a"}}
TEMPLATE: Json = {"metadata": {"labels": {"app": "a"}}, "spec": POD}
ONCE: Json = {"metadata": {"labels": {"app": "a"}}, "spec": {**POD, "restartPolicy": "Never"}}
DISK = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/nowhere"}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
# kubectl's default kinds for --prune; an Ingress is left out, for the sandbox's server has none of extensions/v1beta1.
PRUNED: tuple[Json, ...] = (
    {"apiVersion": "v1", "kind": "ConfigMap"},
    {"apiVersion": "v1", "kind": "Endpoints"},
    {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": CLAIM},
    {"apiVersion": "v1", "kind": "Pod", "spec": POD},
    {"apiVersion": "v1", "kind": "ReplicationController",
     "spec": {"replicas": 0, "selector": {"app": "a"}, "template": TEMPLATE}},
    {"apiVersion": "v1", "kind": "Secret"},
    {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}},
    {"apiVersion": "batch/v1", "kind": "Job", "spec": {"parallelism": 0, "template": ONCE}},
    {"apiVersion": "batch/v1beta1", "kind": "CronJob",
     "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": ONCE}}}},
    {"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {"selector": APP, "template": TEMPLATE}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 0, "selector": APP, "template": TEMPLATE}},
    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": 0, "selector": APP, "template": TEMPLATE}},
    {"apiVersion": "apps/v1", "kind": "StatefulSet",
     "spec": {"replicas": 0, "serviceName": "a", "selector": APP, "template": TEMPLATE}},
)  # fmt: skip
PRUNED_ANYWHERE: tuple[Json, ...] = (
    {"apiVersion": "v1", "kind": "Namespace"},
    {"apiVersion": "v1", "kind": "PersistentVolume", "spec": DISK},
)
LEFT: tuple[Json, ...] = (
    {"apiVersion": "v1", "kind": "ServiceAccount"},
    {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "spec": {"minAvailable": 1, "selector": APP}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []},
)
KEPT: Json = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "kept", "namespace": SPACE, "labels": LABEL},
}


@pytest.fixture(scope="module")
def pruned(bench: Bench) -> Iterator[Ran]:
    """Apply one object of each kind, then one alone, with --prune."""
    bench.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    made = [name_it(one) for one in (*PRUNED, *LEFT)] + [name_it(one, "") for one in PRUNED_ANYWHERE]
    assert bench.kubectl("apply", "-f", "-", made=made).code == 0
    options = ("--prune", "--selector", "prune-me=yes")
    yield bench.kubectl("apply", "-n", SPACE, *options, "-f", "-", made=[KEPT])
    bench.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    bench.api.delete(name_it(LEFT[-1], ""))


def name_it(one: Json, space: str = SPACE) -> Json:
    """An object of this kind that bears the label."""
    place = {"namespace": space} if space and one["kind"] != "ClusterRole" else {}
    return {**one, "metadata": {"name": "prune-me", "labels": LABEL, **place}}


def list_pruned(ran: Ran) -> set[str]:
    """The kinds that kubectl says it took away."""
    return {
        line.partition("/")[0].partition(".")[0] for line in ran.out.splitlines() if line.endswith("prune-me pruned")
    }


def test_prune_takes_these_kinds_and_no_other(pruned: Ran) -> None:
    """Namespaces and disks too, whatever namespace is applied to."""
    assert pruned.code == 0
    assert list_pruned(pruned) == {one["kind"].lower() for one in (*PRUNED, *PRUNED_ANYWHERE)}
    assert "configmap/kept created" in pruned.out


def test_what_prune_leaves_is_there(bench: Bench, pruned: Ran) -> None:
    """RBAC, accounts and budgets."""
    for one in LEFT:
        space = "" if one["kind"] == "ClusterRole" else SPACE
        assert bench.find(one["apiVersion"], one["kind"], "prune-me", space) is not None


def test_what_the_server_warns_of_is_printed_once(bench: Bench) -> None:
    """On standard error, beside a right end: istioctl takes it for a failure."""
    names = {"kind": "Probe", "listKind": "ProbeList", "plural": "probes", "singular": "probe"}
    spec = {"group": "warn.example", "names": names, "scope": "Namespaced", "version": "v1",
            "versions": [{"name": "v1", "served": True, "storage": True}]}  # fmt: skip
    api, kind = "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"
    made = {"apiVersion": api, "kind": kind, "metadata": {"name": "probes.warn.example"}, "spec": spec}
    ran = bench.kubectl("apply", "-f", "-", made=[made])
    again = bench.kubectl("apply", "-f", "-", made=[made, name_it(PRUNED[0], "istio-system")])
    for one in (made, name_it(PRUNED[0], "istio-system")):
        bench.api.delete(one)
    warned = (
        f"Warning: {api} {kind} is deprecated in v1.16+, unavailable in v1.22+; use apiextensions.k8s.io/v1 {kind}\n"
    )
    assert (ran.code, ran.errors) == (0, warned)
    assert (again.code, again.errors) == (0, warned)


@pytest.mark.parametrize("options", [(), ("--minify",), ("--raw",), ("--minify", "-o", "json")])
def test_a_kubeconfig_is_shown_without_its_keys(bench: Bench, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Whoever is acted for is shown."""
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example", **trust}}
                     for name, trust in (("one", {"certificate-authority-data": "QUJD"}), ("two", {}))],
        "users": [{"name": "me", "user": {"token": "secret-token", "as": "viewer"}},
                  {"name": "you", "user": {"client-certificate-data": "QUJD", "client-key-data": "QUJD"}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "me"}},
                     {"name": "two", "context": {"cluster": "two", "user": "you"}}],
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    shown = yaml.safe_load(bench.kubectl("config", "view", *options, kubeconfig=path).out)
    raw, alone = "--raw" in options, "--minify" in options
    assert [one["name"] for one in shown["contexts"]] == (["one"] if alone else ["one", "two"])
    assert shown["users"][0]["user"] == {"token": "secret-token" if raw else "REDACTED", "as": "viewer"}
    assert shown["clusters"][0]["cluster"]["certificate-authority-data"] == ("QUJD" if raw else "DATA+OMITTED")
    assert ("QUJD" in str(shown["users"])) is raw
    assert (shown["current-context"], shown["preferences"]) == ("one", {})


def test_a_place_of_a_kubeconfig_is_shown(bench: Bench) -> None:
    """By its path."""
    ran = bench.kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    assert ran.out == bench.api.access.server
