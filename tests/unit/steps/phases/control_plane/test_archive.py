"""A backup as one file."""

from __future__ import annotations

import hashlib

import yaml

from steps.phases.control_plane.archive import list_changed_parts, read_sums, write_archive, write_sums
from steps.phases.control_plane.backup import dump_objects, strip_object

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio"}, "data": {"mesh": "a: 1\n---\nb: 2\n"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cacerts"}, "data": {"ca-key.pem": "a2V5"}}
PARTS = {
    "install.json": '{\n  "version": "1.4.7-asm.0"\n}\n',
    "v1-ConfigMap-istio-system.yaml": dump_objects([MAP, {**MAP, "metadata": {"name": "other"}}]),
    "removed-Secret-istio-system-cacerts.yaml": dump_objects([strip_object(SECRET)]),
}


def test_every_object_is_there_for_kubectl() -> None:
    """What was kept, whatever stands in it; what a person alone reads is a comment."""
    found = [one for one in yaml.safe_load_all(write_archive("cluster-x-7", PARTS)) if one is not None]
    assert found == [MAP, {**MAP, "metadata": {"name": "other"}}]


def test_a_secret_is_left_out_and_said_so() -> None:
    """Applied without what it holds it would empty the one that is there."""
    text = write_archive("cluster-x-7", PARTS)
    assert "Left out, for Secrets are kept without what they hold: removed-Secret-istio-system-cacerts.yaml.\n" in text
    assert "# kind: Secret\n" in text


def test_each_part_has_its_hash() -> None:
    """As `sha256sum -c` reads it."""
    text = PARTS["install.json"]
    assert f"{hashlib.sha256(text.encode()).hexdigest()}  install.json\n" in write_sums(PARTS)
    assert f"# {hashlib.sha256(text.encode()).hexdigest()}  install.json\n" in write_archive("cluster-x-7", PARTS)


def test_what_is_not_as_it_was_kept_is_named() -> None:
    """Parts that were changed or are gone; what was kept later is no fault."""
    sums = read_sums(write_sums(PARTS))
    later = {**PARTS, "removed-Service-istio-system-kiali.yaml": "kind: Service\n"}
    assert list_changed_parts(sums, later) == ()
    changed = {"install.json": "{}\n", **{name: text for name, text in PARTS.items() if name.startswith("v1")}}
    assert list_changed_parts(sums, changed) == (
        "removed-Secret-istio-system-cacerts.yaml is gone",
        "install.json was changed",
    )
