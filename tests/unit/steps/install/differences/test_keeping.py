"""What flags of istioctl can keep."""

from __future__ import annotations

import pytest

from steps.contract.options import Overlay
from steps.install.differences.keeping import is_kept, list_given_paths, list_keeping_flags
from steps.install.differences.rendered import ObjectId
from steps.install.differences.three_way import ChangeKind, FieldChange
from steps.install.flags import find_flag_fault, find_idle_flags
from tests.unit.steps.builders import read_shipped_release

RELEASE = read_shipped_release()
MESH = ObjectId("", "ConfigMap", "istio-system", "istio")
INJECTOR = ObjectId("", "ConfigMap", "istio-system", "istio-sidecar-injector")
FIELD = "data.mesh.outboundTrafficPolicy.mode"
POLICY = "values.global.outboundTrafficPolicy.mode"


def change(object_id: ObjectId, where: str, before: object, after: object, kind: ChangeKind = "changed") -> FieldChange:
    return FieldChange(object_id, tuple(where.split(".")), kind, before, after)


@pytest.mark.parametrize("path", RELEASE.keep)
def test_each_flag_of_the_release_file_is_plain_and_does_something(path: str) -> None:
    """One that only changes stored text would keep nothing."""
    assert find_flag_fault(f"{path}=x") == ""
    assert find_idle_flags([f"{path}=x"]) == ()
    assert all(len(field.split(" ")) == 2 for field in RELEASE.keep[path])


@pytest.mark.parametrize(
    ("found", "flags"),
    [
        (change(MESH, FIELD, "REGISTRY_ONLY", "ALLOW_ANY"), (f"{POLICY}=REGISTRY_ONLY",)),
        (change(INJECTOR, f"data.{POLICY}", "REGISTRY_ONLY", "ALLOW_ANY"), (f"{POLICY}=REGISTRY_ONLY",)),
        (change(MESH, FIELD, None, "ALLOW_ANY", "added"), ()),
        (change(MESH, "data.mesh.accessLogFormat", "a,b=c", ""), ()),
        (change(MESH, "data.mesh.enableTracing", True, False), ()),
        (change(INJECTOR, "data.config.template", "an old\ntemplate", "a new\ntemplate"), ()),
        (change(INJECTOR, "data.values.global.tag", "1.4.7-asm.0", "1.4.10-asm.18"), ()),
        (change(ObjectId("apps", "Deployment", "istio-system", "istio-galley"), "spec.replicas", 2, 1),
         ("configManagement.components.galley.k8s.replicaCount=2",)),
    ],
)  # fmt: skip
def test_a_field_is_kept_by_the_flag_that_hands_over_what_the_cluster_has(
    found: FieldChange, flags: tuple[str, ...]
) -> None:
    """Only where the release file knows one, and never a template or a version."""
    assert list_keeping_flags([found], RELEASE, ()) == flags


def test_a_value_in_two_places_is_one_flag_and_what_was_asked_for_is_none() -> None:
    """The person who started it chose that, by a flag or in a file."""
    both = [
        change(MESH, FIELD, "REGISTRY_ONLY", "ALLOW_ANY"),
        change(INJECTOR, f"data.{POLICY}", "REGISTRY_ONLY", "ALLOW_ANY"),
    ]
    assert list_keeping_flags(both, RELEASE, ()) == (f"{POLICY}=REGISTRY_ONLY",)
    file = Overlay(
        "mesh.yaml",
        "apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\n"
        "spec: {values: {global: {outboundTrafficPolicy: {mode: ALLOW_ANY}}}}\n",
    )
    for taken in (
        list_given_paths(("manifest", "apply", "--set", f"{POLICY}=ALLOW_ANY"), ()),
        list_given_paths((), (file,)),
    ):
        assert list_keeping_flags(both, RELEASE, taken) == ()


def test_what_a_kept_flag_stores_is_no_loss() -> None:
    """It is what the person chose; another value is."""
    stored = change(INJECTOR, f"data.{POLICY}", "ALLOW_ANY", "REGISTRY_ONLY")
    assert is_kept(stored, [f"{POLICY}=REGISTRY_ONLY"], RELEASE)
    assert not is_kept(stored, [f"{POLICY}=ALLOW_ANY"], RELEASE)
    assert not is_kept(stored, [], RELEASE)
