"""What the tests of the house share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.house.sources import forget_sources


@pytest.fixture(scope="package", autouse=True)
def sources() -> Iterator[None]:
    """What was read of the project is kept for as long as a test of the house may ask for it."""
    yield
    forget_sources()
