"""The gate of another mTLS mode: who would be cut off."""

from __future__ import annotations

from dataclasses import replace

from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Done
from steps.mesh import Owner
from steps.phases.control_plane.mtls import approve_mtls
from tests.unit.steps.builders import make_pod
from tests.unit.steps.paper import Paper, start_paper


def test_the_mode_in_force_needs_no_gate_of_its_own() -> None:
    """Nothing is asked and nothing posted."""
    assert start_paper().run(approve_mtls) == Done("")


def test_another_mode_has_a_gate_of_its_own() -> None:
    """STRICT where PERMISSIVE is in force."""
    paper = start_paper()
    paper.options = UpgradeOptions(mtls="STRICT")
    ask = paper.run(approve_mtls)
    assert isinstance(ask, Ask)
    assert ask.question == "Change cluster-x from PERMISSIVE to STRICT mTLS?"


def outside(*names: str) -> Paper:
    """A cluster on the way to STRICT, with a pod without a sidecar of each of these."""
    paper = start_paper()
    paper.options = UpgradeOptions(mtls="STRICT")
    paper.kubernetes.pods = [
        make_pod(
            name, namespace=name.partition("/")[0], owner=Owner("DaemonSet", name.partition("/")[2]), proxy_image=""
        )
        for name in names
    ]
    return paper


def ask_about(paper: Paper) -> Ask:
    """The gate's question."""
    ask = paper.run(approve_mtls)
    assert isinstance(ask, Ask)
    return ask


def test_the_card_names_who_would_be_cut_off() -> None:
    """By name as far as a sentence goes, and all of them with their pods in a fold."""
    names = [f"batch/w{number}" for number in range(7)]
    card = ask_about(outside(*names, "batch/w0", "kube-system/dns")).card
    named = ", ".join(f"batch/DaemonSet/w{number}" for number in range(5))
    assert (
        "Cut off from those inside the mesh, as they have no sidecar, are 7 workloads: "
        f"{named} and 2 more, named below; probes from outside the mesh too."
    ) in card.risks
    fold = next(fold for fold in card.details if fold.title == "Without a sidecar")
    assert fold.lines == ("batch/DaemonSet/w0: 2 pods", *(f"batch/DaemonSet/w{n}: 1 pod" for n in range(1, 7)))


def test_pods_with_a_sidecar_or_on_their_way_out_are_not_cut_off() -> None:
    """Nor those of the control plane and of Kubernetes itself."""
    paper = outside("kube-system/dns")
    paper.kubernetes.pods += [
        make_pod("web-1", namespace="shop"),
        make_pod("old-1", namespace="shop", proxy_image="", terminating=True),
        make_pod("job-1", namespace="shop", proxy_image="", phase="Succeeded"),
    ]
    card = ask_about(paper).card
    assert "Every workload that runs has a sidecar" in card.risks[-1]
    assert "Without a sidecar" not in [fold.title for fold in card.details]


def test_strict_on_a_production_cluster_asks_once_more_with_the_numbers() -> None:
    """In one sentence; anywhere else it doesn't."""
    paper = outside("batch/w0", "batch/w0", "shop/w1")
    again = "Change cluster-x to STRICT mTLS, which cuts off 2 workloads (3 pods) without a sidecar?"
    assert [choice.confirm for choice in ask_about(paper).choices] == [again, ""]
    paper.options = replace(paper.options, production=False)
    assert [choice.confirm for choice in ask_about(paper).choices] == ["", ""]


def test_permissive_asks_once() -> None:
    """Nobody is cut off by it."""
    paper = start_paper(**{"prepare/mtls": "STRICT"})
    paper.options = UpgradeOptions(mtls="PERMISSIVE")
    assert [choice.confirm for choice in ask_about(paper).choices] == ["", ""]
