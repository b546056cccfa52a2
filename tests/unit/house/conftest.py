"""What the tests of the house share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.house.release import build_release
from tests.unit.house.sources import forget_sources


@pytest.fixture(scope="package", autouse=True)
def sources() -> Iterator[None]:
    """What was read of the project is kept for as long as a test of the house may ask for it."""
    yield
    forget_sources()


@pytest.fixture(scope="package")
def release(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a release, as `./dev release` builds it."""
    folder = tmp_path_factory.mktemp("release")
    build_release(project_root, folder)
    return folder
