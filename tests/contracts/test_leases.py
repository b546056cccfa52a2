"""Leases: who may take one, who was faster, and what the server takes for a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from steps.contract.errors import GiveUp
from steps.contract.leases import Lease
from steps.mesh import BindingMark, Right
from tests.contracts.ground import MERGE, Ground
from tests.realcluster.control_plane import BOT_USER

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


MOMENT = datetime(2026, 11, 30, 8, 0, 0, 250000, UTC)


def fill(space: str, journal: str) -> Lease:
    """One bot's Lease as it takes it."""
    mark = BindingMark(journal, "cluster-x-1")
    return Lease(space, "one-bot", f"bot/{journal}", mark, "ab" * 32, MOMENT, MOMENT)


def test_the_gateway_takes_renews_and_gives_back(ground: Ground) -> None:
    """Each write by the version that was read; who has an older one is told nothing but that."""
    space, gateway = ground.make_space(), ground.gateway
    assert gateway.read_lease(space, "one-bot") is None
    ours, theirs = fill(space, "journal-1"), fill(space, "journal-2")
    first = gateway.write_lease(ours)
    assert first
    assert gateway.write_lease(theirs) is None
    assert gateway.read_lease(space, "one-bot") == ours
    later = replace(ours, renewed=MOMENT + timedelta(minutes=1), resource_version=first)
    second = gateway.renew_lease(later)
    assert second
    assert second != first
    assert gateway.write_lease(replace(theirs, resource_version=first)) is None
    assert gateway.read_lease(space, "one-bot") == later
    assert gateway.write_lease(Lease(space, "one-bot", resource_version=second))
    assert gateway.read_lease(space, "one-bot") == Lease(space, "one-bot")


def test_a_lease_that_is_gone_is_no_longer_held(ground: Ground) -> None:
    """Somebody deleted it."""
    space = ground.make_space()
    version = ground.gateway.write_lease(fill(space, "journal-1"))
    assert version
    ground.send("DELETE", locate(space, "one-bot"))
    assert ground.gateway.renew_lease(replace(fill(space, "journal-1"), resource_version=version)) is None


def test_a_role_may_be_for_one_lease_by_name(ground: Ground) -> None:
    """Asked with the name it may, without or with another it may not; creating can't be limited."""
    ground.need("bot")
    space = ground.make_space()
    group = "coordination.k8s.io"
    rules = [
        {"apiGroups": [group], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": [group], "resources": ["leases"], "verbs": ["get", "patch"], "resourceNames": ["one-bot"]},
    ]
    meta = {"name": "one-lease", "namespace": space}
    roles = "rbac.authorization.k8s.io"
    assert ground.bot.find_missing_rights((Right("create", "leases", group, space),))
    with pytest.raises(GiveUp):
        ground.bot.read_lease(space, "one-bot")
    ground.create(
        {"apiVersion": f"{roles}/v1", "kind": "Role", "metadata": meta, "rules": rules},
        {
            "apiVersion": f"{roles}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": roles, "kind": "Role", "name": "one-lease"},
            "subjects": [{"apiGroup": roles, "kind": "User", "name": BOT_USER}],
        },
    )
    asked = tuple(Right(verb, "leases", group, space, name=name) for verb in ("get", "patch") for name in ("one-bot",))
    ground.until(lambda: not ground.bot.find_missing_rights((*asked, Right("create", "leases", group, space))), 10)
    other = (Right("patch", "leases", group, space), Right("patch", "leases", group, space, name="another"))
    assert ground.bot.find_missing_rights(other) == other
    version = ground.bot.write_lease(fill(space, "journal-1"))
    assert version
    assert ground.bot.renew_lease(replace(fill(space, "journal-1"), resource_version=version))
    with pytest.raises(GiveUp):
        ground.bot.write_lease(replace(fill(space, "journal-1"), name="another", resource_version=version))
