"""Leases: who may take one, who was faster, and what the server takes for a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.ground import MERGE, Ground

VERSION = "coordination.k8s.io/v1"
TIME = "2026-11-30T08:00:00.000000Z"


def locate(space: str, name: str = "") -> str:
    return f"/apis/{VERSION}/namespaces/{space}/leases" + (f"/{name}" if name else "")


def make(space: str, **spec: Any) -> dict[str, Any]:
    meta = {"name": "one-bot", "namespace": space, "annotations": {"example.com/journal": "j-1"}}
    return {"apiVersion": VERSION, "kind": "Lease", "metadata": meta, "spec": spec}


def test_a_lease_is_taken_once(ground: Ground) -> None:
    """The second who creates it is told that it exists."""
    space = ground.make_space()
    lease = make(space, holderIdentity="a", renewTime=TIME)
    first, second = (ground.send("POST", locate(space), lease) for _ in range(2))
    assert (first.status_code, first.json()["spec"]) == (201, {"holderIdentity": "a", "renewTime": TIME})
    assert (second.status_code, second.json()["reason"]) == (409, "AlreadyExists")


def test_who_read_an_older_version_takes_nothing(ground: Ground) -> None:
    """A patch with the version that was read swaps it; one with an older version changes nothing."""
    space = ground.make_space()
    read = ground.send("POST", locate(space), make(space, holderIdentity="a", renewTime=TIME)).json()
    version = read["metadata"]["resourceVersion"]
    answers = [
        ground.send(
            "PATCH",
            locate(space, "one-bot"),
            {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": holder}},
            MERGE,
        )
        for holder in ("b", "c")
    ]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["reason"] == "Conflict"
    assert answers[0].json()["metadata"]["resourceVersion"] != version
    assert ground.send("GET", locate(space, "one-bot")).json()["spec"]["holderIdentity"] == "b"


def test_a_lease_is_given_back_by_a_null(ground: Ground) -> None:
    """Its holder is gone, and the Lease stays."""
    space = ground.make_space()
    ground.send("POST", locate(space), make(space, holderIdentity="a", renewTime=TIME))
    change = {"metadata": {"annotations": {"example.com/journal": None}}, "spec": {"holderIdentity": None}}
    answer = ground.send("PATCH", locate(space, "one-bot"), change, MERGE)
    assert (answer.status_code, answer.json()["spec"]) == (200, {"renewTime": TIME})
    assert "annotations" not in answer.json()["metadata"]


@pytest.mark.parametrize("moment", ["2026-11-30T08:00:00Z", "2026-11-30T08:00:00.000Z", "today", 1])
def test_a_time_is_written_to_the_microsecond(ground: Ground, moment: object) -> None:
    """Anything else is no time to the server."""
    space = ground.make_space()
    answer = ground.send("POST", locate(space), make(space, renewTime=moment))
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert "Lease" in answer.json()["message"]


@pytest.mark.parametrize(
    ("spec", "field", "limit"),
    [
        ({"leaseDurationSeconds": 0}, "spec.leaseDurationSeconds", "must be greater than 0"),
        ({"leaseTransitions": -1}, "spec.leaseTransitions", "must be greater or equal than 0"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(ground: Ground, spec: dict[str, int], field: str, limit: str) -> None:
    """By the field's name."""
    space = ground.make_space()
    answer = ground.send("POST", locate(space), make(space, **spec))
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    (cause,) = answer.json()["details"]["causes"]
    assert (cause["field"], cause["reason"]) == (field, "FieldValueInvalid")
    # 1.20 spells one of them "must to"
    assert cause["message"].replace("must to", "must be") == f"Invalid value: {next(iter(spec.values()))}: {limit}"
