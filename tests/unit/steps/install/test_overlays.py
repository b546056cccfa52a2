"""IstioControlPlane files."""

from __future__ import annotations

import pytest
import yaml

from steps.contract.errors import GiveUp
from steps.contract.options import Overlay
from steps.install.overlays import find_overlay_fault, join_overlays, list_overlay_paths

HEAD = "apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\n"


def test_one_overlay_keeps_its_text() -> None:
    """Comments and order of the person's file survive."""
    text = f"# ours\n{HEAD}spec: {{values: {{tracing: {{enabled: true}}}}}}\n"
    assert join_overlays([Overlay("a.yaml", text)]) == (("a.yaml", text),)


def test_several_overlays_become_one_file() -> None:
    """istioctl 1.4 takes a single -f; the later file wins, branches are joined."""
    first = Overlay("a.yaml", f"{HEAD}spec: {{values: {{a: 1, b: {{c: 2, d: 3}}}}}}")
    second = Overlay("b.yaml", f"{HEAD}spec: {{values: {{b: {{c: 9}}}}}}")
    ((_, text),) = join_overlays([first, second])
    assert yaml.safe_load(text)["spec"]["values"] == {"a": 1, "b": {"c": 9, "d": 3}}


def test_no_overlay_is_no_file() -> None:
    """Nothing is given with -f."""
    assert join_overlays([]) == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [", "not YAML"),
        ("just words", "not a mapping"),
        (f"{HEAD}spec: {{unvalidatedValues: {{global: {{tag: x}}}}}}", "lays over the values unchecked"),
        ("", "0 documents"),
        (f"{HEAD}spec: {{}}\n---\n{HEAD}spec: {{}}", "2 documents"),
        ("apiVersion: v1\nkind: ConfigMap\nspec: {}", "ConfigMap"),
        ("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {}", "IstioOperator"),
        (HEAD, "no spec"),
        (f"{HEAD}spec: {{tag: 1.4.9-asm.1}}", "spec.tag"),
        (f"{HEAD}spec: {{installPackagePath: /tmp/charts}}", "install from another package than the one approved"),
        (f"{HEAD}spec: {{trafficManagment: {{}}}}", "spec.trafficManagment, which IstioControlPlane doesn't know"),
        (f"{HEAD}spec: {{}}\nspek: {{}}", "spek, which IstioControlPlane doesn't know"),
        (f"{HEAD}spec: {{profile: {{}}}}", "spec.profile, which is no text"),
        (f"{HEAD}spec: {{values: [1]}}", "spec.values, which is no mapping"),
        (f"{HEAD}spec: {{telemetry: {{enabled: maybe}}}}", "spec.telemetry.enabled, which is neither"),
        (f"{HEAD}spec: {{telemetry: {{components: 1}}}}", "spec.telemetry.components, which is no mapping"),
        (f"{HEAD}spec: {{telemetry: {{mixer: {{}}}}}}", "spec.telemetry.mixer, which IstioControlPlane doesn't know"),
        (f"{HEAD}spec: {{values: {{global: [{{1: a}}]}}}}", "the key 1, which is no text"),
        (f"{HEAD}spec: {{values: !!python/object/apply:os.system [id]}}", "not YAML"),
        (f"{HEAD}spec: {{a: &x {{b: 1}}, c: *x}}", "anchors"),
        (f"{HEAD}spec: {{a: '{'x' * 300_000}'}}", "larger than"),
        (f"{HEAD}spec: {'[' * 3000}{']' * 3000}", "nested deeper"),
        (f"{HEAD}spec: {{values: {{a: 2001-99-99}}}}", "not YAML"),
        (f"{HEAD}spec: {{values: {{a: !!timestamp now}}}}", "not YAML"),
        (f"{HEAD}spec: {{values: {{a: !!int x}}}}", "not YAML"),
        (f"{HEAD}spec: {{values: {{a: !!float x}}}}", "not YAML"),
        (f"{HEAD}spec: {{values: {{a: !!bool x}}}}", "not YAML"),
        (f"{HEAD}spec: {{values: {{a: 0x{'f' * 5000}}}}}", "a number of more than 1000 digits"),
        (f"{HEAD}spec: \ud800", "not YAML"),
    ],
)
def test_what_is_no_overlay_is_told(text: str, word: str) -> None:
    """Each fault has its words."""
    assert word in find_overlay_fault(Overlay("bad.yaml", text))


def test_a_bad_overlay_is_named() -> None:
    """The file's name stands in the sentence."""
    with pytest.raises(GiveUp, match=r"overlay bad\.yaml is not YAML"):
        join_overlays([Overlay("bad.yaml", "a: [")])


def test_paths_are_those_of_set_flags() -> None:
    """So that they can be held against --set."""
    overlay = Overlay("a.yaml", f"{HEAD}spec: {{values: {{global: {{mtls: {{enabled: true}}}}}}}}")
    assert list_overlay_paths([overlay]) == {"values.global.mtls.enabled": True}
