"""The file of differences."""

from __future__ import annotations

from typing import Any

from steps.install.differences.difference_text import write_changes
from steps.install.differences.rendered import ObjectId
from steps.install.differences.three_way import FieldChange

MESH = ObjectId("", "ConfigMap", "istio-system", "istio")


def write(object_id: ObjectId, where: str, before: Any, after: Any) -> list[str]:
    """The lines of one change."""
    return list(write_changes([FieldChange(object_id, tuple(where.split(".")), "changed", before, after)]))


def test_a_field_is_told_whole_however_long() -> None:
    """Two texts that begin alike are told by where they part."""
    long = "x" * 5000
    assert write(MESH, "data.mesh.a", f"{long}1", f"{long}2") == [
        "--- ConfigMap istio-system/istio data.mesh.a (in the cluster)",
        "+++ ConfigMap istio-system/istio data.mesh.a (as handed over)",
        "@@ -1 +1 @@",
        f"-{long}1",
        f"+{long}2",
    ]


def test_a_text_of_many_lines_is_told_by_the_lines_that_differ() -> None:
    """The template of the injector, say."""
    old = "".join(f"line {n}\n" for n in range(100))
    lines = write(MESH, "data.config.template", old.replace("line 50\n", "line 50\nlifecycle: x\n"), old)
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-lifecycle: x"]
    assert len(lines) < 12


def test_what_goes_and_what_comes_has_one_side() -> None:
    """Trees as JSON, a line each."""
    assert write(MESH, "data.mesh.a", None, {"b": 1})[3:] == ["+{", '+ "b": 1', "+}"]
    assert write(MESH, "data.mesh.a", [1], None)[3:] == ["-[", "- 1", "-]"]


def test_what_a_secret_holds_is_for_nobodys_eyes() -> None:
    """Its field is named."""
    lines = write(ObjectId("", "Secret", "istio-system", "certs"), "data.key", "c2VjcmV0", "b3RoZXI=")
    assert lines == ["# Secret istio-system/certs data.key: changed"]
