"""Which mesh is installed."""

from __future__ import annotations

from steps.install.installed import MixedVersions, NoMesh, OneVersion, OpenSource, Unreadable, read_installed
from steps.versions import AsmVersion
from tests.unit.steps.builders import HUB, NEW, OLD, make_control_plane, make_workload, read_shipped_release

RELEASE = read_shipped_release()


def test_no_workload_is_no_mesh() -> None:
    """An empty namespace."""
    assert read_installed(RELEASE, ()) == NoMesh()


def test_one_version_is_read_from_the_tags() -> None:
    """promsd's own tags don't disturb."""
    assert read_installed(RELEASE, make_control_plane(OLD)) == OneVersion(AsmVersion(1, 4, 7, 0))


def test_mixed_versions_are_named_by_workload() -> None:
    """An apply that was left half-way."""
    plane = (*make_control_plane(OLD)[:2], *make_control_plane(NEW)[2:])
    found = read_installed(RELEASE, plane)
    assert isinstance(found, MixedVersions)
    assert found.versions["istio-galley"] == AsmVersion(1, 4, 7, 0)
    assert found.versions["istio-pilot"] == AsmVersion(1, 4, 10, 18)


def test_open_source_is_told_by_its_tag() -> None:
    """A tag without -asm."""
    plane = (make_workload("istio-pilot", {"discovery": "docker.io/istio/pilot:1.4.7"}),)
    assert read_installed(RELEASE, plane) == OpenSource(("docker.io/istio/pilot:1.4.7",))


def test_citadel_is_open_source() -> None:
    """ASM 1.4 has no citadel; its image is open-source Istio's even beside ASM images."""
    plane = (*make_control_plane(OLD), make_workload("istio-citadel", {"citadel": "docker.io/istio/citadel:1.4.3"}))
    assert isinstance(read_installed(RELEASE, plane), OpenSource)


def test_a_later_asm_is_read_from_istiod() -> None:
    """From 1.5 on there is istiod."""
    plane = (make_workload("istiod", {"discovery": f"{HUB}/pilot:1.6.11-asm.1"}),)
    assert read_installed(RELEASE, plane) == OneVersion(AsmVersion(1, 6, 11, 1))


def test_a_digest_tells_no_version() -> None:
    """Nothing is guessed."""
    image = f"{HUB}/pilot@sha256:{'ab' * 32}"
    assert read_installed(RELEASE, (make_workload("istio-pilot", {"discovery": image}),)) == Unreadable((image,))


def test_other_workloads_of_the_namespace_don_t_count() -> None:
    """A team's own tool in istio-system."""
    plane = (*make_control_plane(OLD), make_workload("kiali", {"kiali": "quay.io/kiali/kiali:v1.9"}))
    assert read_installed(RELEASE, plane) == OneVersion(AsmVersion(1, 4, 7, 0))
