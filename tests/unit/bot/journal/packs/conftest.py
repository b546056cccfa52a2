"""An ended upgrade's journal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.journal.store import Store
from tests.unit.bot.journal.packs.shelves import open_ended
from tests.unit.bot.keys import KEY


@pytest.fixture(scope="package")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a journal of a whole upgrade of 56 pods."""
    folder = tmp_path_factory.mktemp("ended")
    open_ended("plan-ended", folder).close()
    return folder


@pytest.fixture
def store(ended: Path, tmp_path: Path) -> Iterator[Store]:
    """That journal, for one test."""
    shutil.copytree(ended, tmp_path, dirs_exist_ok=True)
    store = Store(tmp_path / "asm-upgrade.db", KEY)
    yield store
    store.close()
