"""Whether a cluster can be upgraded, each rule with its sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steps.contract.checks import Check, select_checks
from steps.contract.options import UpgradeOptions
from steps.install.installed import Installed, MixedVersions, NoMesh, OneVersion, OpenSource, Unreadable
from steps.install.recovery import PreviousInstall
from steps.mesh import Exclusion, Operation, Taint
from steps.notes.prepare import SidecarCounts
from steps.preflight.eligibility import find_source, judge_survey
from steps.preflight.machine import check_kubectl
from steps.versions import AsmVersion
from steps.workloads.placement import Room
from tests.unit.steps.builders import (
    NEW,
    OLD,
    make_control_plane,
    make_identity,
    make_node,
    make_survey,
    read_shipped_release,
)

RELEASE = read_shipped_release()
TARGET = AsmVersion(1, 4, 10, 18)
MIXED = MixedVersions({"istio-galley": TARGET, "istio-pilot": AsmVersion(1, 4, 9, 1)})


def judge(**changes: Any) -> tuple[Check, ...]:
    """The checks of a survey that differs so from a healthy one."""
    return judge_survey(make_survey(**changes), RELEASE, UpgradeOptions())


def errors(**changes: Any) -> list[str]:
    """The sentences that stop the upgrade."""
    return [check.sentence for check in select_checks(judge(**changes), "error")]


def warnings(**changes: Any) -> list[str]:
    """The sentences to know."""
    return [check.sentence for check in select_checks(judge(**changes), "warning")]


def test_a_healthy_mesh_may_be_upgraded() -> None:
    """No error and no warning."""
    assert errors() == []
    assert warnings() == []


@pytest.mark.parametrize(
    ("installed", "sentence"),
    [
        (NoMesh(), "no mesh is installed: namespace istio-system holds no control plane"),
        (OpenSource(("istio/pilot:1.4.7",)), "open-source Istio is installed (istio/pilot:1.4.7)"),
        (Unreadable(("asm/pilot:latest",)), "the version can't be told from the image asm/pilot:latest"),
        (
            OneVersion(AsmVersion(1, 4, 2, 2)),
            "ASM 1.4.2-asm.2 is below 1.4.5, the oldest that can go to 1.4.10-asm.18",
        ),
        (OneVersion(AsmVersion(1, 5, 4, 2)), "ASM 1.5.4-asm.2 is newer than 1.4.10-asm.18"),
        (OneVersion(AsmVersion(1, 4, 10, 19)), "ASM 1.4.10-asm.19 is newer than 1.4.10-asm.18"),
        (
            MixedVersions({"istio-galley": AsmVersion(1, 4, 7, 0), "istio-pilot": AsmVersion(1, 4, 9, 1)}),
            "the control plane is on mixed versions: istio-galley 1.4.7-asm.0, istio-pilot 1.4.9-asm.1",
        ),
    ],
)
def test_a_mesh_that_can_not_be_upgraded_is_refused(installed: Installed, sentence: str) -> None:
    """The sentence names what is there."""
    assert errors(installed=installed) == [sentence]


@pytest.mark.parametrize(
    "version", [AsmVersion(1, 4, 5, 0), AsmVersion(1, 4, 9, 1), AsmVersion(1, 4, 10, 1), AsmVersion(1, 4, 10, 15)]
)
def test_versions_of_the_guide_s_window_are_taken(version: AsmVersion) -> None:
    """1.4.5 and later, up to earlier builds of the target."""
    assert errors(installed=OneVersion(version)) == []


def test_a_cluster_on_the_target_is_refused() -> None:
    """Control plane and sidecars are there."""
    found = errors(installed=OneVersion(TARGET), sidecars=SidecarCounts(60, {NEW: 60}))
    assert found == ["already on the target: control plane and 60 sidecars are on 1.4.10-asm.18"]


def test_left_over_sidecars_may_be_upgraded() -> None:
    """A control plane on the target with older sidecars is an upgrade to finish."""
    changes: dict[str, Any] = {
        "installed": OneVersion(TARGET), "sidecars": SidecarCounts(60, {NEW: 40, OLD: 20}),
    }  # fmt: skip
    assert errors(**changes) == []
    assert warnings(**changes) == ["the control plane is already on 1.4.10-asm.18; 20 sidecars are not"]


def test_a_half_way_apply_may_be_completed() -> None:
    """Mixed versions of which one is the target and the other eligible."""
    mixed = MixedVersions({"istio-galley": AsmVersion(1, 4, 7, 0), "istio-pilot": TARGET})
    assert errors(installed=mixed) == []
    assert "left half-way" in warnings(installed=mixed)[0]


@pytest.mark.parametrize("version", ["v1.22.0", "v1.22.3-gke.700", "v1.28.1"])
def test_a_server_too_new_is_refused(version: str) -> None:
    """ASM 1.4 applies kinds that 1.22 no longer serves."""
    (sentence,) = errors(identity=make_identity(server_version=version))
    assert f"the API server is {version}; ASM 1.4.10-asm.18 needs one below 1.22" in sentence


def test_a_server_just_below_the_ceiling_is_taken() -> None:
    """1.21 still serves v1beta1."""
    assert errors(identity=make_identity(server_version="v1.21.14-gke.100")) == []


def test_a_node_agent_that_never_rolls_is_refused() -> None:
    """OnDelete, with the command that mends it."""
    plane = make_control_plane(OLD, strategy="OnDelete")
    (check,) = select_checks(judge(control_plane=plane), "error")
    assert check.sentence == "DaemonSet istio-nodeagent has updateStrategy OnDelete and would never roll"
    assert "patch daemonset istio-nodeagent" in check.remedy


def test_too_little_room_is_refused() -> None:
    """A doubled control plane needs 5 vCPU more than one full node has."""
    (sentence,) = errors(nodes=(make_node(cpu_millis=7000),))
    assert sentence.startswith("no room for a doubled control plane: a doubled control plane asks for 5.0 vCPU")


def test_nodes_that_take_no_pods_are_no_room() -> None:
    """Cordoned nodes don't count."""
    assert errors(nodes=(make_node(unschedulable=True),)) == ["no node is ready and schedulable"]


GPU = Taint("gpu", "NoSchedule", "yes")
TAINTED = tuple(make_node(f"gpu-{number}", taints=(GPU,)) for number in range(6))


def test_nodes_that_the_control_plane_may_not_go_to_are_no_room() -> None:
    """However many there are; without one that it may go to nothing fits."""
    (sentence,) = errors(nodes=(make_node(cpu_millis=7000), *TAINTED))
    assert sentence.startswith("no room for a doubled control plane: ")
    assert sentence.endswith("are free on 1 node")
    assert errors(nodes=TAINTED) == ["none of the 6 usable nodes takes the control plane's pods"]


def test_a_node_that_pods_stand_on_takes_them_whatever_their_template_says() -> None:
    """A webhook has placed them there, as where it adds what a taint asks for; the templates don't tell."""
    homes = frozenset((node.name, one.ref) for node in TAINTED for one in make_survey().control_plane)
    assert errors(nodes=TAINTED, homes=homes) == []


def test_room_in_pieces_that_are_too_small_is_no_room() -> None:
    """Twenty nodes with 400 millicores each have room for no pod of 500."""
    nodes = tuple(make_node(f"n{number}") for number in range(20))
    rooms = {node.name: Room(400, 2**33, 50) for node in nodes}
    (sentence,) = errors(nodes=nodes, rooms=rooms)
    assert sentence.startswith("no node has room for a pod more of istio-")
    assert errors(nodes=nodes, rooms={**rooms, "n7": Room(500, 2**33, 1)}) == []


def test_another_trust_domain_is_refused() -> None:
    """The upgrade would change every identity."""
    (sentence,) = errors(previous=PreviousInstall(trust_domain="cluster.local"))
    assert sentence.startswith("the mesh runs with trust domain cluster.local, the guide sets example-project")


def test_gke_operations_are_told() -> None:
    """They block the control plane later, not the proposal."""
    (sentence,) = warnings(operations=(Operation("op-1", "UPGRADE_NODES", "default-pool"),))
    assert sentence == "GKE runs UPGRADE_NODES on default-pool"


def test_maintenance_exclusions_are_told() -> None:
    """With their period."""
    exclusion = Exclusion("black-friday", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))
    (sentence,) = warnings(exclusions=(exclusion,))
    assert sentence == "maintenance exclusion black-friday: 2026-11-20 00:00 to 2026-12-02 00:00 UTC"


def test_missing_apis_come_with_the_command() -> None:
    """gcloud services enable."""
    (check,) = select_checks(judge(disabled_services=("meshca.googleapis.com",)), "warning")
    assert check.remedy == "gcloud services enable meshca.googleapis.com --project example-project"


@pytest.mark.parametrize("version", ["v1.14.10", "v1.17.3", "nonsense"])
def test_a_kubectl_that_is_too_old_is_refused(version: str) -> None:
    """None of these was seen to apply a control plane under the guard."""
    check = check_kubectl(version, RELEASE)
    assert (check.severity, check.sentence) == (
        "error",
        f"kubectl {version} is older than 1.18",
    )


@pytest.mark.parametrize("version", ["v1.18.20", "v1.19.0", "v1.25.0", "v1.32.4"])
def test_any_kubectl_of_today_passes(version: str) -> None:
    """The guard takes off what istioctl and newer ones don't agree about."""
    assert check_kubectl(version, RELEASE).severity == "ok"


def test_no_kubectl_is_refused() -> None:
    """istioctl calls the one on PATH."""
    assert check_kubectl("", RELEASE).sentence == "no kubectl is on the bot's PATH, and istioctl calls it"


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({}, "1.4.7-asm.0"),
        ({"sidecars": SidecarCounts(9, {OLD: 5, "1.4.6-asm.0": 4})}, "1.4.7-asm.0"),
        ({"installed": OneVersion(TARGET), "sidecars": SidecarCounts(9, {NEW: 5, "1.4.6-asm.0": 4})}, "1.4.6-asm.0"),
        ({"installed": MIXED, "sidecars": SidecarCounts()}, "1.4.9-asm.1"),
        ({"installed": OneVersion(TARGET), "sidecars": SidecarCounts()}, "1.4.10-asm.18"),
    ],
)  # fmt: skip
def test_the_source_is_the_control_planes_version_or_the_oldest_sidecars(changes: dict[str, Any], source: str) -> None:
    """A way back leads to the control plane's version, not to a sidecar that was left behind long ago."""
    assert find_source(make_survey(**changes), RELEASE) == source
