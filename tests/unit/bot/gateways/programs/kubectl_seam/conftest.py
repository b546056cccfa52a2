from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.bot.gateways.programs.kubectl_seam.rig import Yard, make_yard


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    """A place for runs, with a kubectl that succeeds."""
    return make_yard(tmp_path)
