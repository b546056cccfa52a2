"""What one step leaves to the next, and what is said where it is missing."""

from __future__ import annotations

import pytest

from steps.contract.errors import GiveUp
from steps.contract.options import UpgradeOptions
from steps.gates import bind_identity
from steps.notes.download import describe_way_back, recall_tools
from steps.notes.prepare import choose_mtls, recall_identity
from steps.notes.runs import name_run
from tests.unit.steps.paper import Paper, start_paper


def test_without_prepare_the_identity_is_asked_of_a_person() -> None:
    """A later phase that finds nothing says which phase is missing."""
    with pytest.raises(GiveUp, match=r"nothing is known about .* yet"):
        recall_identity(Paper().context())


def test_without_download_there_are_no_tools() -> None:
    """The same where the release was never unpacked."""
    with pytest.raises(GiveUp, match="the release's tools are not unpacked"):
        recall_tools(Paper().context())


def test_an_approval_is_bound_to_the_minor_version_of_the_server() -> None:
    """A patch of the API server between card and click voids nothing."""
    identity = recall_identity(start_paper().context())
    assert identity.server_version.startswith(f"v{bind_identity(identity)['server']}.")


@pytest.mark.parametrize(("asked", "chosen"), [(None, "PERMISSIVE"), ("STRICT", "STRICT")])
def test_mtls_is_what_is_in_force_unless_asked(asked: str | None, chosen: str) -> None:
    """The mode is never changed by accident."""
    paper = start_paper()
    paper.options = UpgradeOptions(mtls="STRICT" if asked else None)
    assert choose_mtls(paper.context()) == chosen


def test_a_card_says_why_there_is_no_way_back() -> None:
    """The reason that download found stands on it."""
    assert describe_way_back(start_paper().context()) == "no way back by the bot: not looked for on paper"


@pytest.mark.parametrize(("tries", "suffix"), [(1, ""), (2, "-2")])
def test_each_try_has_an_id_of_its_own(tries: int, suffix: str) -> None:
    """A program is started once for each id, so a repeated try must not find the first one's end."""
    ctx = start_paper().context()
    assert name_run(ctx, "apply", tries) == f"{ctx.upgrade_id}-apply-{ctx.generation}{suffix}"
