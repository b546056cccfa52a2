"""What the command line tells of an upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.journal.bodies import FileBody, MilestoneBody
from bot.journal.store import StoredCopy
from bot.telling.told import read_history, read_told
from tests.unit.bot.workbench import START, Build


@pytest.fixture
def copy(build: Build) -> Iterator[StoredCopy]:
    """A journal with one upgrade, of which a sentence and a file are kept."""
    engine = build({})
    engine.add_upgrade(["prepare/identify"])
    engine.outbox.keep_message("cluster-x-1", "C1", MilestoneBody("backup: 28 objects"), START)
    engine.outbox.keep_message("cluster-x-1", "C1", FileBody("manifest.yaml", "kind: Service"), START)
    with closing(StoredCopy(Path(engine.store.read("pragma database_list")[0]["file"]))) as opened:
        yield opened


@pytest.mark.parametrize("target", ["cluster-x", "cluster-x-1"])
def test_the_log_is_named_by_cluster_or_upgrade(copy: StoredCopy, target: str) -> None:
    """Each line with its time."""
    assert read_told(copy, target, "").splitlines()[0] == "2026-12-01 02:00:00 UTC  Backup: 28 objects"


def test_a_kept_file_is_printed(copy: StoredCopy) -> None:
    """By the name that the log has."""
    assert read_told(copy, "cluster-x", "manifest.yaml") == "kind: Service"


@pytest.mark.parametrize(("target", "file"), [("cluster-y", ""), ("", ""), ("cluster-x", "other.txt")])
def test_what_there_is_not_is_told(copy: StoredCopy, target: str, file: str) -> None:
    """In one sentence, never as a traceback."""
    with pytest.raises(LookupError, match=r"there is no upgrade|has no file"):
        read_told(copy, target, file)


@pytest.mark.parametrize("target", ["", "cluster-x", "cluster-x-1"])
def test_the_history_is_that_of_all_of_a_cluster_or_of_one(copy: StoredCopy, target: str) -> None:
    """With who asked."""
    assert read_history(copy, target).splitlines()[0].startswith("cluster-x-1: ")
    assert "Asked for by" in read_history(copy, target)


def test_a_history_that_there_is_not_is_told(copy: StoredCopy) -> None:
    """In one sentence, never as a traceback."""
    with pytest.raises(LookupError, match="there is no upgrade cluster-y"):
        read_history(copy, "cluster-y")
