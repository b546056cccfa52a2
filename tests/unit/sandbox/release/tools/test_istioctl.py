from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.unit.sandbox.release.bench import COMPONENTS, GUIDE, TARGET, Bench


def test_apply_replaces_the_control_plane(bench: Bench) -> None:
    """Every image of the release's own is the target's."""
    answer = bench.apply(*GUIDE)
    assert (answer.code, answer.errors) == (0, "")
    assert set(bench.images("istio-pilot") + bench.images("istio-galley")) == {TARGET}


def test_base_is_applied_before_everything_else(bench: Bench) -> None:
    """Then all other components, in any order, and the last line says that it is done."""
    lines = [line for line in bench.apply(*GUIDE).out.splitlines() if line]
    assert lines[:2] == [
        "- Applying manifest for component Base...",
        "✔ Finished applying manifest for component Base.",
    ]
    assert {line for line in lines if line.startswith("✔ Finished")} == {
        f"✔ Finished applying manifest for component {name}." for name in COMPONENTS
    }
    assert lines[-1] == "✔ Installation complete"


def test_the_same_manifests_again_roll_nothing(bench: Bench) -> None:
    """Only what the server or a controller changed is put back."""
    bench.apply(*GUIDE)
    before = bench.find("deployments.apps", "istio-pilot")
    bench.apply(*GUIDE)
    after = bench.find("deployments.apps", "istio-pilot")
    assert before is not None
    assert after is not None
    assert before["metadata"]["generation"] == after["metadata"]["generation"]


def test_a_dry_run_changes_nothing(bench: Bench) -> None:
    """And yet says that everything was applied, as the real one does."""
    before = bench.cluster.canonical_state()
    answer = bench.apply(*GUIDE, options=("--dry-run",))
    assert answer.out.rstrip().endswith("✔ Installation complete")
    assert bench.cluster.canonical_state() == before


def test_a_forgotten_profile_shows_in_the_dry_run(bench: Bench) -> None:
    """The node agent of the profile would go."""
    answer = bench.apply(*GUIDE[1:], options=("--dry-run",))
    assert "- Pruning objects for disabled component NodeAgent..." in answer.out
    assert bench.find("daemonsets.apps", "istio-nodeagent") is not None


def test_a_disabled_component_is_removed(bench: Bench) -> None:
    """What an earlier install had and this one forgets."""
    bench.apply(*GUIDE, "values.prometheus.enabled=true")
    assert bench.find("deployments.apps", "prometheus") is not None
    answer = bench.apply(*GUIDE)
    assert "- Pruning objects for disabled component Prometheus..." in answer.out
    assert bench.find("deployments.apps", "prometheus") is None


def test_strict_mode_reaches_the_mesh(bench: Bench) -> None:
    """Also where a PERMISSIVE policy was in force."""
    bench.apply(*GUIDE, "values.global.mtls.enabled=true")
    policy = bench.find("meshpolicies.authentication.istio.io", "default", "")
    assert policy is not None
    assert policy["spec"]["peers"] == [{"mtls": {}}]


def test_without_kubectl_every_component_fails(bench: Bench) -> None:
    """The real istioctl calls the kubectl on PATH."""
    answer = bench.apply(*GUIDE, path=False)
    assert answer.code == 255
    assert "executable file not found in $PATH" in answer.out
    assert "✘ Errors were logged during apply operation." in answer.out
    assert "Failed to generate and apply manifests" in answer.errors


def test_an_apply_without_rights_says_what_is_forbidden(bench: Bench) -> None:
    """The viewer's token may not patch."""
    config = bench.kubeconfig.read_text().replace(bench.cluster.tokens.admin, "ya29.the-bots-own")
    bench.kubeconfig.write_text(config)
    answer = bench.apply(*GUIDE)
    assert answer.code == 255
    assert "Error from server (Forbidden)" in answer.out


def test_a_bad_flag_ends_with_255_before_anything_is_applied(bench: Bench) -> None:
    """With the parser's sentence."""
    answer = bench.apply(*GUIDE, "values.global.proxy.env.A=b=c")
    assert (answer.code, answer.out) == (255, "")
    assert "expect format key=value" in answer.errors


def test_an_unreachable_server_is_a_failure(bench: Bench) -> None:
    """With the reason."""
    bench.kubeconfig.write_text(bench.kubeconfig.read_text().replace("https://127.0.0.1", "https://127.0.0.1:1/x"))
    answer = bench.apply(*GUIDE)
    assert answer.code == 255


def test_the_version_command_tells_client_and_mesh(bench: Bench) -> None:
    """By image tags."""
    out = bench.run("istioctl", "version").out
    assert "client version: 1.4.10-asm.18" in out
    assert "pilot version: 1.4.7-asm.0" in out


def test_migrate_prints_the_values_of_the_install(bench: Bench) -> None:
    """From the injector's ConfigMap."""
    assert "accessLogFile: /dev/stdout" in bench.run("istioctl", "manifest", "migrate").out


def test_manifests_are_compared(bench: Bench, tmp_path: Path) -> None:
    """0 for the same, 1 for others."""
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "b.yaml").write_text("a: 2\n")
    same = bench.run("istioctl", "manifest", "diff", str(tmp_path / "a.yaml"), str(tmp_path / "a.yaml"))
    other = bench.run("istioctl", "manifest", "diff", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert (same.code, other.code) == (0, 1)


def test_it_writes_through_kubectl_alone(bench: Bench, tmp_path: Path) -> None:
    """With a kubectl that answers 0 and does nothing the cluster stays as it was; the calls are the real one's."""
    noting = write_noting_kubectl(tmp_path)
    before = bench.cluster.canonical_state()
    answer = replace(bench, tools=tmp_path).apply(*GUIDE, options=("--kubeconfig", str(bench.kubeconfig)))
    assert (answer.code, bench.cluster.canonical_state()) == (0, before)
    calls = [line.replace(str(bench.kubeconfig), "K") for line in noting.read_text().splitlines()]
    applied = [line for line in calls if line.startswith("apply")]
    pruned = "--prune --selector operator.istio.io/component="
    assert sorted(applied) == [
        *(f"apply --kubeconfig K -n istio-system --force {pruned}{name} -f -" for name in COMPONENTS[1:]),
        *["apply --kubeconfig K -n istio-system --force -f -"] * 3,
    ]
    assert [line for line in calls if line not in applied] == [
        line for line in calls if line.startswith("get all --kubeconfig K -o yaml --all-namespaces --selector operator")
    ]
    assert len(calls) - len(applied) == 12


def write_noting_kubectl(folder: Path) -> Path:
    """Write a kubectl that notes its arguments, answers reads with an empty list and writes nothing."""
    kubectl = folder / "kubectl"
    kubectl.write_text(
        '#!/bin/sh\necho "$*" >>"$0.calls"\n'
        'case "$1" in get) printf "apiVersion: v1\\nitems: []\\nkind: List\\n" ;; esac\n'
    )
    kubectl.chmod(0o755)
    return folder / "kubectl.calls"


def test_it_knows_no_other_way_to_write() -> None:
    """None of its modules can send anything but a GET."""
    asked = (
        "import sys; import sandbox.release.tools.istioctl; print('sandbox.release.tools.kube_writes' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=150, check=True)
    assert answer.stdout == "False\n"


def test_generate_prints_no_label_of_the_operator(bench: Bench) -> None:
    """Only an apply adds them; comments tell the components."""
    out = bench.run("istioctl", "manifest", "generate", *(part for flag in GUIDE for part in ("--set", flag))).out
    assert "operator.istio.io" not in out
    assert out.startswith("# Resources for Base component\n\n")
    assert "# Kiali component is disabled.\n" in out


def test_without_flags_a_person_is_asked(bench: Bench) -> None:
    """And nobody answers here."""
    answer = bench.run("istioctl", "manifest", "apply")
    assert (answer.code, answer.out) == (
        1,
        "This will install the default Istio profile into the cluster. Proceed? (y/N) Cancelled.\n",
    )
