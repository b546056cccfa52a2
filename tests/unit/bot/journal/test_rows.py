"""Rows of earlier versions are read."""

from __future__ import annotations

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
