"""How an apply ended, judged by the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from steps.contract.record import Leaf, ObjectKey
from steps.contract.step import Blocked, Done, Waiting
from steps.install.differences.rendered import VERSION_LABEL
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.missing import find_unapplied
from tests.unit.steps.builders import NEW, OLD
from tests.unit.steps.install.test_istioctl_output import BAD, GOOD, WARNED
from tests.unit.steps.paper_records import record_objects, render_control_plane
from tests.unit.steps.phases.control_plane.upgrades import REFUSED, ended, put_in_place

FORBIDDEN = """\
Error from server (Forbidden): error when applying patch:
{}
to:
Resource: "apps/v1, Resource=deployments", GroupVersionKind: "apps/v1, Kind=Deployment"
Name: "istio-pilot", Namespace: "istio-system"
for: "STDIN": deployments.apps "istio-pilot" is forbidden: User "bot" cannot patch resource "deployments"
"""


def make_kiali(texts: dict[str, str]) -> dict[str, Any]:
    """Its ConfigMap."""
    metadata = {"name": "kiali", "namespace": "istio-system", "labels": {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts}


def test_an_apply_that_went_well_is_done() -> None:
    """Exit 0 and every image in place."""
    outcome = ended(0, GOOD).run(apply)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "istioctl manifest apply has ended"


def test_an_end_that_nobody_saw_is_judged_by_the_cluster() -> None:
    """The bot was down: the images decide."""
    assert isinstance(ended(None, GOOD).run(apply), Done)
    assert isinstance(ended(None, "", OLD).run(apply), Waiting)


def test_255_over_warnings_is_done_where_the_cluster_agrees() -> None:
    """kubectl's deprecations are no failure."""
    outcome = ended(255, WARNED).run(apply)
    assert isinstance(outcome, Done)
    assert outcome.sentence == "istioctl manifest apply has ended (exit 255; every object is in place)"


def test_an_object_that_was_not_applied_is_named() -> None:
    """istioctl was killed after the workloads and before the mesh config."""
    paper = ended(1, "")
    _, *rest = paper.kubernetes.objects
    paper.kubernetes.objects = rest
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "istioctl manifest apply ended (exit 1), but ConfigMap istio-system/istio was not applied"


def test_what_an_unseen_end_left_out_is_applied_without_asking() -> None:
    """The bot was down; objects are merely missing, and nobody has to be woken for that."""
    paper = ended(None, "")
    _, *rest = paper.kubernetes.objects
    paper.kubernetes.objects = rest
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert outcome.why == "1 object could not be applied (its end was not seen): applying again, 2 of 8"


def test_an_object_that_was_applied_with_other_content_is_named() -> None:
    """Its name alone is not enough."""
    paper = ended(1, "")
    config, *rest = render_control_plane(NEW, accessLogFile="/dev/stdout")
    paper.kubernetes.objects = [put_in_place(made) for made in (config, *rest)]
    outcome = paper.run(apply)
    assert isinstance(outcome, Blocked)
    assert "ConfigMap istio-system/istio was not applied" in outcome.why


def test_the_releases_label_tells_where_nothing_else_of_an_object_differs() -> None:
    """A part of Base that never got there looks like the old one in all but its label."""
    wanted, old = (
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "reader", "labels": {VERSION_LABEL: version}},
        }
        for version in (NEW, OLD)
    )
    record = record_objects([wanted])
    assert find_unapplied(record, [put_in_place(wanted)]) == ()
    assert find_unapplied(record, [put_in_place(old)]) == ("ServiceAccount reader",)
    assert find_unapplied(record, [old]) == ("ServiceAccount reader",)


@pytest.mark.parametrize(
    ("applied", "there"),
    [
        ({"login_token": "ijklmnop"}, True),
        ({"login_token": "ijklmnop", "a": "1"}, True),
        ({"a": "1"}, False),
        ({}, False),
    ],
)
def test_a_leaf_that_is_made_anew_is_another_text_by_now(applied: dict[str, str], there: bool) -> None:
    """The apply has its own; where there is none, nothing was applied."""
    known = make_kiali({"login_token": "abcdefgh"})
    leaf = Leaf(ObjectKey("v1", "ConfigMap", "istio-system", "kiali"), ("data", "login_token"))
    record = record_objects([known]).with_renewed((leaf,))
    assert (find_unapplied(record, [put_in_place(make_kiali(applied))]) == ()) is there


def test_a_fault_of_the_connection_is_judged_by_the_cluster() -> None:
    """A retry may have put everything in place though one request failed."""
    assert isinstance(ended(255, BAD, stderr=REFUSED).run(apply), Done)


def test_an_object_that_failed_is_named_with_its_cause() -> None:
    """kubectl's last line, and the remedy that fits it."""
    outcome = ended(255, BAD, OLD, stderr=FORBIDDEN).run(apply)
    assert isinstance(outcome, Blocked)
    assert 'Deployment istio-system/istio-pilot: deployments.apps "istio-pilot" is forbidden' in outcome.why
    assert outcome.remedy.startswith("Let the bot's account do what the message names.")
    assert outcome.attachments[0].text == BAD


def test_255_is_done_where_every_object_of_the_record_is_in_place() -> None:
    """The record against the cluster decides, not istioctl's exit code."""
    assert isinstance(ended(255, BAD).run(apply), Done)


def test_exit_0_over_old_images_blocks() -> None:
    """istioctl says it is complete, the cluster disagrees."""
    outcome = ended(0, GOOD, OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert "Deployment istio-system/istio-galley was not applied and 4 more" in outcome.why


@pytest.mark.parametrize(
    ("code", "output"), [(64, "Error: unknown flag: --nope"), (1, ""), (127, "not found"), (2, "panic: runtime error")]
)
def test_any_other_end_blocks(code: int, output: str) -> None:
    """With its code."""
    outcome = ended(code, output, OLD).run(apply)
    assert isinstance(outcome, Blocked)
    assert f"ended (exit {code})" in outcome.why


def test_a_killed_istioctl_is_told_as_such() -> None:
    """-9 is no exit code that people know."""
    paper = ended(-9, "", OLD)
    outcome = paper.run(apply)
    assert isinstance(outcome, Waiting)
    assert "(killed by signal 9): applying again, 2 of 8" in outcome.why
