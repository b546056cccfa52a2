"""What istioctl hands to kubectl: recorded under reading rights, then passed on as it was recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.programs.kubectl_seam.recording import ReadBack
from steps.install.record.effects import describe_effect
from steps.install.record.renewal import compare_recordings
from tests.contracts.istioctl.bench import COMPONENT, GUIDE, Bench, Ran
from tests.realcluster.control_plane import BOT_USER

COMPONENTS = ("Base", "Galley", "IngressGateway", "Injector", "NodeAgent", "Pilot")
DISABLED = (
    "CertManager", "Citadel", "Cni", "CoreDNS", "EgressGateway", "Grafana", "Kiali", "Policy", "Prometheus",
    "PrometheusOperator", "Telemetry", "Tracing",
)  # fmt: skip
CONFIG = ("v1", "ConfigMap", "istio")


@pytest.fixture(scope="module")
def recording(bench: Bench) -> tuple[ReadBack, Ran]:
    """The guide's flags, recorded once."""
    return bench.record(*GUIDE)


@pytest.fixture(scope="module")
def recorded(recording: tuple[ReadBack, Ran]) -> ReadBack:
    """What was read back of it."""
    return recording[0]


def test_a_recording_ends_like_an_apply(recording: tuple[ReadBack, Ran]) -> None:
    """istioctl takes it for one."""
    _, ran = recording
    assert (ran.code, ran.errors) == (0, "")
    assert ran.out.endswith("\n\n\n✔ Installation complete\n\n")


def test_a_recording_has_every_component(recorded: ReadBack) -> None:
    """No call went wrong, and none would remove anything."""
    assert (recorded.failed, recorded.removed) == ((), ())
    assert recorded.recording.record.components[0] == "Base"
    assert sorted(recorded.recording.record.components) == sorted(COMPONENTS)


def test_the_calls_have_one_form(recorded: ReadBack) -> None:
    """Base in three parts and without pruning, everything else in one call with its selector."""
    calls = recorded.recording.record.calls
    for call in calls:
        pruning = () if call.component == "Base" else ("--prune", "--selector", f"{COMPONENT}={call.component}")
        assert call.arguments == ("apply", "-n", "istio-system", "--force", *pruning, "-f", "-")
    assert sorted(call.component for call in calls) == sorted(("Base", "Base", *COMPONENTS))
    kinds = [{made.key.kind for made in call.objects} for call in calls if call.component == "Base"]
    assert kinds == [
        {"Namespace"}, {"CustomResourceDefinition"}, {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"},
    ]  # fmt: skip


def test_every_object_carries_the_operators_labels(recorded: ReadBack) -> None:
    """Which the same objects of `generate` don't."""
    for made in recorded.recording.record.list_objects():
        labels = made.content["metadata"]["labels"]
        assert labels["operator.istio.io/managed"] == "Reconcile"
        assert labels["operator.istio.io/version"].startswith("1.4.10")


def test_disabled_components_are_looked_for(recording: tuple[ReadBack, Ran]) -> None:
    """In all namespaces, one by one."""
    _, ran = recording
    reads = [call for call in ran.calls if call.verb == "get"]
    assert sorted(call.component for call in reads) == sorted(DISABLED)
    assert {(*call.arguments[:2], *call.arguments[4:7]) for call in reads} == {
        ("get", "all", "-o", "yaml", "--all-namespaces")
    }


def test_two_recordings_are_the_same(bench: Bench, recorded: ReadBack) -> None:
    """Byte for byte, with the guide's flags."""
    again, _ = bench.record(*GUIDE)
    compared = compare_recordings(recorded.recording.record, again.recording.record)
    assert (compared.record.renewed, compared.others) == ((), ())
    assert sorted(recorded.recording.contents) == sorted(again.recording.contents)


def test_who_records_is_nothing_of_the_record(bench: Bench, recorded: ReadBack) -> None:
    """Whether an administrator or somebody who may only read."""
    other, _ = bench.record(*GUIDE, kubeconfig=bench.admin)
    assert other.recording.record.digest == recorded.recording.record.digest


def test_an_administrator_may_record_as_somebody_who_reads(bench: Bench, recorded: ReadBack, tmp_path: Path) -> None:
    """By one line of the kubeconfig, which istioctl and kubectl both follow: neither could write."""
    acting = act_for(bench, BOT_USER, tmp_path)
    other, _ = bench.record(*GUIDE, kubeconfig=acting)
    assert (other.recording.record.digest, other.failed) == (recorded.recording.record.digest, ())
    refused = replace(bench, admin=acting).install(*GUIDE)
    assert refused.code == 255
    assert f'User "{BOT_USER}" cannot ' in refused.out


def test_a_recording_as_somebody_who_may_not_read_says_so(bench: Bench, tmp_path: Path) -> None:
    """In the words of who was acted for."""
    read, _ = bench.record(*GUIDE, kubeconfig=act_for(bench, "nobody", tmp_path))
    assert read.failed
    assert 'User "nobody" cannot list resource "' in read.failed[-1].stderr


def act_for(bench: Bench, user: str, folder: Path) -> Path:
    """The administrator's kubeconfig, acting for somebody else."""
    config = json.loads(bench.admin.read_text())
    config["users"][0]["user"]["as"] = user
    path = folder / "acting.json"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("flag", "places"),
    [
        ("values.kiali.enabled=true", {("ConfigMap", "kiali", "data.config.yaml")}),
        (
            "values.sidecarInjectorWebhook.selfSigned=true",
            {
                ("MutatingWebhookConfiguration", "istio-sidecar-injector", "webhooks.0.clientConfig.caBundle"),
                ("Secret", "istio-sidecar-injector-self-signed", "data.cert-chain.pem"),
                ("Secret", "istio-sidecar-injector-self-signed", "data.key.pem"),
                ("Secret", "istio-sidecar-injector-self-signed", "data.root-cert.pem"),
            },
        ),
        ("security.components.citadel.enabled=true", set()),
    ],
)
def test_leaves_made_anew_are_found_and_approved_by_their_form(
    bench: Bench, flag: str, places: set[tuple[str, str, str]]
) -> None:
    """Two recordings differ in these alone, and an apply whose own are others again passes the guard."""
    one, other = (bench.record(*GUIDE, flag)[0].recording for _ in range(2))
    compared = compare_recordings(one.record, other.record)
    assert compared.others == ()
    assert {(leaf.key.kind, leaf.key.name, ".".join(map(str, leaf.path))) for leaf in compared.record.renewed} == places
    ran = bench.guard(replace(one, record=compared.record), *GUIDE, flag)
    bench.install(*GUIDE)
    metadata = {"name": "kiali", "namespace": "istio-system"}  # which `kubectl get all` doesn't see
    bench.api.delete({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert (ran.code, ran.errors) == (0, "")


def test_another_flag_is_another_record(bench: Bench, recorded: ReadBack) -> None:
    """It shows where it takes effect."""
    other, _ = bench.record(*GUIDE, "values.global.mtls.enabled=true")
    assert other.recording.record.digest != recorded.recording.record.digest


@pytest.mark.parametrize(
    ("flag", "effect"),
    [
        ("values.global.proxy.accessLogEncoding=TEXT", "changes nothing of what is handed over"),
        ("values.gateways.istio-egressgateway.enabled=true", "only changes what is stored"),
        ("values.kiali.enabled=true", ""),
    ],
)
def test_a_flag_is_told_by_its_effect(bench: Bench, recorded: ReadBack, flag: str, effect: str) -> None:
    """Whatever it is called."""
    found, _ = bench.record(*GUIDE, flag)
    assert describe_effect(found.recording.record, recorded.recording.record, "istio-sidecar-injector") == effect


def test_a_recording_changes_nothing(bench: Bench) -> None:
    """Other flags than the cluster's."""
    before = bench.find(*CONFIG)
    bench.record(*GUIDE, "values.global.proxy.accessLogFile=/dev/stdout")
    assert bench.find(*CONFIG) == before


def test_what_was_recorded_reaches_the_cluster(bench: Bench) -> None:
    """Under guard, with a kubectl of any version, each object as it was shown."""
    flags = (*GUIDE, "values.global.proxy.accessLogFile=/dev/stderr")
    approved, _ = bench.record(*flags)
    ran = bench.guard(approved.recording, *flags)
    assert (ran.code, ran.errors) == (0, "")
    assert ran.out.endswith("✔ Installation complete\n\n")
    for made in approved.recording.record.list_objects():
        live = bench.find(made.key.api_version, made.key.kind, made.key.name, made.key.namespace)
        assert live is not None, made.key
        labels = live["metadata"]["labels"]
        assert labels[COMPONENT] == made.content["metadata"]["labels"][COMPONENT]
    assert "/dev/stderr" in str(bench.find(*CONFIG))


def test_the_same_apply_again_rolls_nothing(bench: Bench, recorded: ReadBack) -> None:
    """Generations stay."""
    bench.guard(recorded.recording, *GUIDE)
    before = generation(bench)
    assert bench.guard(recorded.recording, *GUIDE).code == 0
    assert generation(bench) == before


def generation(bench: Bench) -> int:
    """How often Pilot's Deployment was changed."""
    live = bench.find("apps/v1", "Deployment", "istio-pilot")
    assert live is not None
    return int(live["metadata"]["generation"])


def test_what_was_not_recorded_does_not(bench: Bench, recorded: ReadBack) -> None:
    """The first object that differs is named, to istioctl and in the log."""
    before = bench.find(*CONFIG)
    ran = bench.guard(recorded.recording, *GUIDE, "values.global.proxy.accessLogFile=/dev/null")
    assert ran.code == 255
    assert bench.find(*CONFIG) == before
    refused = {call.component: call.sentence for call in ran.calls if call.verdict == "refused"}
    assert "v1/ConfigMap/istio-system/istio is not as approved: data.mesh" in refused["Pilot"]
    assert "is not as approved" in ran.out


def test_a_guarded_apply_deletes_nothing(bench: Bench, recorded: ReadBack) -> None:
    """Neither what carries a component's label nor what a disabled component left; left alone it deletes both."""
    own = [apply_service(bench, name, name) for name in ("Pilot", "Kiali")]
    ran = bench.guard(recorded.recording, *GUIDE)
    assert ran.code == 0
    assert [call.component for call in ran.calls if call.verdict == "answered"] == ["Kiali"]
    assert all(bench.find("v1", "Service", name) for name in own)
    bench.install(*GUIDE)
    assert not any(bench.find("v1", "Service", name) for name in own)


def test_a_disabled_component_shows_in_the_recording(bench: Bench) -> None:
    """istioctl would have removed its objects."""
    name = apply_service(bench, "Grafana", "copied")
    read, ran = bench.record(*GUIDE)
    assert [call.component for call in read.removed] == ["Grafana"]
    assert "- Pruning objects for disabled component Grafana..." in ran.out
    bench.api.delete(service(name, "Grafana"))


def apply_service(bench: Bench, component: str, name: str) -> str:
    """Make a Service as a team would that copied one with its labels and kubectl's annotation."""
    made = service(f"team-{name.lower()}", component)
    made["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    bench.api.create(made)
    return str(made["metadata"]["name"])


def service(name: str, component: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "istio-system", "labels": {COMPONENT: component}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
