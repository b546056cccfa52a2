"""All that was told of an upgrade, with its times."""

from __future__ import annotations

from datetime import timedelta

from bot.telling.logs import find_file, list_lines, write_lines
from steps.contract.cards import Attachment, Card
from steps.contract.step import Ask, Done
from steps.plan import ORDER
from tests.unit.bot.workbench import BEN, START, Build, Engine


def run_download(build: Build) -> Engine:
    """A download that was asked about, approved a minute later, and folded onto its card."""
    engine = build({})
    engine.add_upgrade([step.id for step in ORDER])
    engine.journal.change_upgrade("cluster-x-1", step="download/approve", generation=1)
    engine.chronicle.tell_question(engine.row(), 1, Ask("Download it?", Card("Download"), {}), START, None)
    engine.chronicle.close_card(engine.row(), f"approved by <@{BEN}>", START + timedelta(minutes=1))
    engine.journal.change_upgrade("cluster-x-1", step="download/preview")
    preview = Done("preview: 7 changed", attachments=(Attachment("manifest.yaml", "kind: Service"),))
    engine.chronicle.tell_done(engine.row(), preview, START + timedelta(minutes=2))
    return engine


def test_the_log_has_what_was_asked_decided_and_folded(build: Build) -> None:
    """In the order in which it happened."""
    told = run_download(build).outbox.list_told("cluster-x-1")
    assert write_lines(list_lines(told)).splitlines() == [
        "2026-12-01 02:00:00 UTC  Asked: Download it?",
        f"2026-12-01 02:01:00 UTC  Approved by <@{BEN}> (Download it?)",
        "2026-12-01 02:02:00 UTC  Preview: 7 changed",
        "2026-12-01 02:02:00 UTC  File manifest.yaml",
    ]


def test_a_file_that_was_kept_is_found_by_its_name(build: Build) -> None:
    """Also where it was never posted."""
    told = run_download(build).outbox.list_told("cluster-x-1")
    assert (find_file(told, "manifest.yaml"), find_file(told, "other.txt")) == ("kind: Service", "")


def test_the_command_answers_with_the_log_of_the_latest_upgrade(build: Build) -> None:
    """Named by its cluster or its id; for anybody."""
    engine = run_download(build)
    texts = {engine.click("log", "U0DEE00004", name) for name in ("cluster-x", "cluster-x-1")}
    assert texts == {"The log of cluster-x-1 to 1.4.10-asm.18, 4 lines:"}
    assert [len(body["log"]) for body in engine.bodies("answer")] == [4, 4]
