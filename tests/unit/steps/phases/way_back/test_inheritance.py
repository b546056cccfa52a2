"""What a way back takes over from its upgrade: what people decided of the cluster, and none of its options."""

from __future__ import annotations

from typing import Any

import pytest

from steps.contract.notes import Json, Note
from steps.contract.options import UpgradeOptions
from steps.contract.step import Context
from steps.install.record.apply_requests import build_earlier_options, build_request
from steps.notes.control_plane import KEPT, KEPT_FLAGS
from steps.notes.prepare import FLAGS, OWNERS_ACCEPTED, measure_identity
from steps.phases.way_back.inheritance import choose_options, list_inherited
from tests.unit.steps.builders import NEW
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.phases.way_back.papers import COVER, go_back

FLAG = "values.pilot.traceSampling=3.0"


def inherit(paper: Paper, *, covered: bool = True) -> dict[str, Json]:
    """The notes that the way back of this upgrade begins with."""
    recall, options = paper.context().recall, UpgradeOptions()
    return dict(list_inherited(recall, "cluster-x-1", NEW, options, COVER if covered else None))


@pytest.mark.parametrize("note", [KEPT, KEPT_FLAGS])
def test_what_a_person_let_stay_stays_on_the_way_back(note: Note[tuple[str, ...]]) -> None:
    """Whoever takes it back is not asked once more."""
    assert inherit(start_paper(**{note.key: ["one"]}))[note.key] == ("one",)


@pytest.mark.parametrize("covered", [True, False])
def test_an_accepted_owner_is_accepted_while_the_approval_holds(covered: bool) -> None:
    """Later an approver decides anew."""
    told = {"Flux keeps it": "accepted by Ben: paused"}
    assert inherit(start_paper(**{OWNERS_ACCEPTED.key: told}), covered=covered).get(OWNERS_ACCEPTED.key) == (
        told if covered else None
    )


def test_the_approval_foresees_just_the_arguments_of_the_way_back() -> None:
    """With the flags that a person kept; else the record would differ, and it would ask."""
    notes: dict[str, Any] = {FLAGS.key: ["values.global.meshID=m"], KEPT_FLAGS.key: [FLAG]}
    there = start_paper(**notes)
    back = go_back()
    back.memory.values |= {**inherit(there)}
    foreseen = list_earlier(there.context())
    asked = build_request(back.context(), measure_identity(back.context())).arguments
    assert (FLAG in asked, asked) == (True, foreseen)


def list_earlier(ctx: Context) -> tuple[str, ...]:
    """What the approval of the upgrade foresaw that istioctl would be given."""
    return build_earlier_options(ctx, measure_identity(ctx))[0]


def test_the_options_of_the_upgrade_are_left() -> None:
    """Those of the earlier install are notes."""
    options = choose_options(UpgradeOptions(set_flags=("a=b",), mtls="STRICT", gates="through"), NEW)
    assert (options.set_flags, options.mtls, options.gates, options.only_from) == ((), None, "each", NEW)
