"""Attacks by a release file that was changed after its approval: another key, other addresses, another hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from steps.contract.release import DECIDING, Release
from steps.contract.step import Ask, Blocked, Decision, Done, Outcome
from steps.phases.download import approve
from steps.phases.prepare import propose
from steps.phases.same_release import on_same_release
from steps.plan import STEPS
from tests.unit.steps.builders import NOW, read_shipped_release
from tests.unit.steps.paper import Paper, start_paper

USING = (
    "download/fetch",
    "download/verify",
    "download/unpack",
    "download/preview",
    "validate/run",
    "sidecars/canary",
    "sidecars/restart",
    "sidecars/acknowledge",
)
FOREIGN_KEY = "-----BEGIN PUBLIC KEY-----\nTWFsbG9yeQ==\n-----END PUBLIC KEY-----\n"
MOVES: dict[str, tuple[Callable[[Release], Release], str]] = {
    "key": (lambda release: replace(release, public_key=FOREIGN_KEY), "its signing key was "),
    "address": (lambda release: replace(release, base_url="https://elsewhere"), "the address of its archives was "),
    "hub": (lambda release: replace(release, hub="example.com/asm"), "its hub was gcr.io/gke-release/asm and is now"),
    "arguments": (lambda release: replace(release, apply_arguments=("-f", "x")), "the hash of its values was "),
}


def decided(asked: Outcome, choice: str = "approve") -> Decision:
    """A person's decision on what was asked."""
    assert isinstance(asked, Ask)
    return Decision(choice, "U0BEN00002", NOW, asked.digest, binding=asked.binding)


def approved() -> Paper:
    """An upgrade whose download was approved."""
    paper = start_paper()
    assert isinstance(paper.run(approve, decided(paper.run(approve))), Done)
    return paper


@pytest.mark.parametrize(("move", "said"), MOVES.values(), ids=MOVES.keys())
@pytest.mark.parametrize("step", USING)
def test_another_release_than_was_approved_is_neither_fetched_nor_run(
    step: str, move: Callable[[Release], Release], said: str
) -> None:
    """The step itself asks, with what moved; a no blocks."""
    paper = approved()
    paper.release = move(paper.release)
    asked = paper.run(STEPS[step].run)
    assert isinstance(asked, Ask)
    assert asked.moved[0].startswith(said)
    assert (paper.kubernetes.writes, paper.tools.started, paper.files.fetched) == ([], [], {})
    assert isinstance(paper.run(STEPS[step].run, decided(asked, "deny")), Blocked)


def test_once_accepted_it_is_asked_about_no_more() -> None:
    """And the step goes on at once, without that decision."""
    paper = approved()
    paper.release = replace(paper.release, hub="example.com/asm")
    step = on_same_release(lambda ctx: Done(f"acted, {ctx.decision}"))
    yes = decided(paper.run(step))
    assert paper.run(step, yes) == Done("acted, None")
    assert paper.run(step) == Done("acted, None")


@pytest.mark.parametrize(("move", "said"), MOVES.values(), ids=MOVES.keys())
def test_every_approval_binds_to_the_release_s_values(move: Callable[[Release], Release], said: str) -> None:
    """A release that changes between the question and the click is asked about again."""
    paper = start_paper()
    asked = decided(paper.run(approve))
    paper.release = move(paper.release)
    again = paper.run(approve, asked)
    assert isinstance(again, Ask)
    assert any(line.startswith("release values was ") for line in again.moved)


def test_estimates_void_nothing() -> None:
    """They decide nothing that is done."""
    release = read_shipped_release()
    assert replace(release, pods_per_minute=1, control_plane_minutes=(1, 2)).digest == release.digest
    assert {field.name for field in fields(Release)} >= set(DECIDING)


@pytest.mark.parametrize("step", [approve, propose, STEPS["access/approve"].run, STEPS["control-plane/approve"].run])
def test_a_key_that_the_bot_does_not_ship_with_is_the_first_risk_of_every_card(step: Callable[..., Outcome]) -> None:
    """In words."""
    paper = start_paper()
    paper.kubernetes.live_by_roles()
    paper.release = replace(paper.release, public_key=FOREIGN_KEY, known_key=False)
    outcome = paper.run(step)
    assert isinstance(outcome, Ask | Done)
    assert outcome.card is not None
    assert outcome.card.risks[0].startswith("The archives are checked with a key that this bot does not ship with (SHA")


def test_a_fingerprint_is_that_of_the_key_and_not_of_its_spelling() -> None:
    """As the verification tells it."""
    release = read_shipped_release()
    spelled = replace(release, public_key=f"{release.public_key.strip()}\n\n")
    assert spelled.key_fingerprint == release.key_fingerprint
    assert spelled.digest == release.digest
