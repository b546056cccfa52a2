"""Clusters that the sandbox does not take, each said in a sentence before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.attached.demo import MARK
from sandbox.cluster.mesh.parts import ISTIO_CRDS, istio_crd
from sandbox.cluster.seeds.objects import namespace, node
from sandbox.options import AttachOptions, SandboxOptions
from sandbox.supervisor import run
from tests.unit.sandbox.attached.given import Given, open_given

NOWHERE = Path("no-releases")


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Given]:
    """Give an empty cluster."""
    with open_given(tmp_path) as found:
        yield found


def refusal(given: Given, **options: object) -> str:
    """The sentence with which the sandbox refuses."""
    with pytest.raises(ValueError, match=r".") as refused:
        given.visit(**options)  # type: ignore[arg-type]
    return str(refused.value)


def test_a_mesh_that_is_somebodys_is_left_alone(given: Given) -> None:
    """istio-system without the demo's label."""
    given.add(namespace("istio-system"))
    assert refusal(given).startswith(f"{given.url} has the namespace istio-system already, not seeded by the sandbox")


def test_a_namespace_of_the_demos_name_is_left_alone(given: Given) -> None:
    """Another one than the mesh's."""
    given.add(namespace("shop"), namespace("data"))
    assert "has the namespaces data, shop already" in refusal(given)


def test_an_injected_namespace_of_somebodys_is_named(given: Given) -> None:
    """The demo's injector would reach into it."""
    given.add(namespace("payroll", injected=True))
    assert "payroll with the label istio-injection=enabled" in refusal(given)


def test_kinds_of_an_earlier_mesh_are_named(given: Given) -> None:
    """Removing the demo would remove them with all their objects."""
    given.add(istio_crd(*ISTIO_CRDS[0]))
    assert "has Istio's CustomResourceDefinitions already" in refusal(given)


def test_a_user_who_is_no_administrator_is_told(given: Given) -> None:
    """The demo makes roles, nodes and webhooks."""
    assert "give a kubeconfig of a cluster administrator" in refusal(given, kubeconfig=given.strangers)


def test_a_clouds_cluster_is_refused(given: Given) -> None:
    """Its controller would take the demo's nodes away, and it may be somebody's production."""
    machine = node(1, "v1.20.2")
    machine["spec"]["providerID"] = "gce://example-project/us-central1-a/gke-cluster-x"
    given.add(machine)
    assert "has machines of a cloud (gce)" in refusal(given)


def test_a_kubernetes_too_new_for_the_mesh_is_told(tmp_path: Path) -> None:
    """With a way to get an older one."""
    with open_given(tmp_path, "v1.22.4") as given:
        assert "runs Kubernetes v1.22.4, and ASM 1.4 runs on 1.15 to 1.21" in refusal(given)


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """By its address."""
    with open_given(tmp_path) as given:
        pass
    assert refusal(given).startswith(f"{given.url} does not answer")


def test_a_kubeconfig_without_context_is_named(given: Given, tmp_path: Path) -> None:
    """By its path."""
    (tmp_path / "empty.json").write_text(json.dumps({"apiVersion": "v1", "kind": "Config"}))
    assert refusal(given, kubeconfig=tmp_path / "empty.json").startswith("the kubeconfig ")


def test_the_demos_own_mesh_is_taken_again(given: Given) -> None:
    """It is known by its label."""
    marked = namespace("istio-system")
    marked["metadata"]["labels"] = dict(MARK)
    given.add(marked)
    assert given.visit("y").agree()
    assert "is on " in given.said[0]


def test_the_question_names_the_server_and_what_is_made(given: Given) -> None:
    """Namespaces, nodes, kinds and webhooks."""
    given.visit("n").agree()
    assert f"creates a demo mesh on {given.url} (Kubernetes v1.20.2)" in given.said[0]
    assert "istio-system, shop, data, batch, legacy, asm-upgrade-sandbox" in given.said[0]


def test_any_answer_but_yes_changes_nothing(given: Given) -> None:
    """And the person is told so."""
    assert not given.visit("").agree()
    assert given.said[-1] == "Nothing was changed."


def test_yes_beforehand_asks_nothing(given: Given) -> None:
    """For scripts."""
    assert given.visit(None, yes=True).agree()


def test_without_a_terminal_the_sandbox_wants_yes(given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    """A script that forgot it gets exit code 1, a sentence, and its cluster as it was."""
    before = given.cluster.canonical_state()
    code = run(SandboxOptions(attach=AttachOptions(given.kubeconfig)), NOWHERE)
    assert "there is no terminal to ask on; give --yes" in capsys.readouterr().out
    assert (code, given.cluster.canonical_state()) == (1, before)


def test_a_missing_kubeconfig_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything else."""
    assert run(SandboxOptions(attach=AttachOptions(tmp_path / "none")), NOWHERE) == 1
    assert f"there is no kubeconfig {tmp_path / 'none'}" in capsys.readouterr().out


def test_removing_where_no_demo_is_changes_nothing(given: Given, capsys: pytest.CaptureFixture[str]) -> None:
    """It is as it should be, so the exit code is 0."""
    before = given.cluster.canonical_state()
    code = run(SandboxOptions(attach=AttachOptions(given.kubeconfig, yes=True, remove=True)), NOWHERE)
    assert "There is no demo of the sandbox on" in capsys.readouterr().out
    assert (code, given.cluster.canonical_state()) == (0, before)
