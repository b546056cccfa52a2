"""Rows of earlier versions are read."""

from __future__ import annotations

import pytest

from bot.journal.rows import encode_json
from steps.contract.cards import APPROVE, DENY, Card, Choice
from steps.contract.step import Ask
from tests.unit.bot.workbench import Build


def test_choices_that_name_a_style_of_slack_are_read(build: Build) -> None:
    """Their weight is what the style stood for."""
    engine = build({"access/approve": lambda _ctx: Ask("May it go on?", Card("Card"), {"what": "this"})})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    fields = {"needs_reason": False, "confirm": ""}
    earlier = [
        {"id": "approve", "label": "Approve", "style": "primary", **fields},
        {"id": "deny", "label": "Deny", "style": "danger", **fields, "needs_reason": True},
        {"id": "accept", "label": "Accept", "style": "", **fields},
    ]
    with engine.store.transact() as db:
        db.execute("update approvals set choices = ?", [encode_json(earlier)])

    question = engine.journal.find_open_question("cluster-x-1")

    assert question is not None
    assert question.choices == (APPROVE, DENY, Choice("accept", "Accept"))


@pytest.mark.parametrize(
    "column", ["options", "address", "plan", "due", "waiting_since", "created_at", "ended_at", "state"]
)
def test_a_column_that_can_not_be_read_is_named(build: Build, column: str) -> None:
    """The rest of the row, and every other row, is read."""
    engine = build({})
    engine.add_upgrade(["prepare/a"])
    with engine.store.transact() as db:
        db.execute(f"update upgrades set {column} = 'nonsense'")
    (row,) = engine.journal.list_upgrades()
    assert (row.id, row.step, row.unreadable.partition(":")[0]) == ("cluster-x-1", "prepare/a", column)
