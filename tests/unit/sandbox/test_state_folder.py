"""The folder that a sandbox keeps its state in."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.state_folder import hold_folder


def test_a_folder_in_use_says_so(tmp_path: Path) -> None:
    """To the second sandbox; once the first has ended it may be had."""
    with hold_folder(tmp_path):
        with pytest.raises(RuntimeError, match="in use by another sandbox"), hold_folder(tmp_path):
            pass
    with hold_folder(tmp_path) as held:
        assert held.root == tmp_path.resolve()
