"""Tests are skipped for listed reasons only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import NO_CHROMIUM, NO_KUBECTL, is_listed

SKIPPING = """
import pytest

@pytest.mark.skip(reason={reason!r})
def test_something():
    pass
"""


def run_skipping(root: Path, folder: Path, reason: str) -> str:
    """What pytest prints of a test that is skipped for this reason."""
    path = folder / "test_skipping.py"
    path.write_text(SKIPPING.format(reason=reason))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.strictness",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        str(path),
    ]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.parametrize(("reason", "summary"), [(NO_KUBECTL, "1 skipped in"), ("it is Tuesday", "1 error in")])
def test_only_listed_reasons_skip(project_root: Path, tmp_path: Path, reason: str, summary: str) -> None:
    """A skip that nobody wrote down fails, and says where to."""
    said = run_skipping(project_root, tmp_path, reason)
    assert summary in said
    assert ("tests/skips.py does not list: it is Tuesday" in said) == (reason != NO_KUBECTL)


def test_a_hosted_run_has_a_browser() -> None:
    """There its absence is a fault of the run."""
    assert is_listed(NO_CHROMIUM, hosted=False)
    assert not is_listed(NO_CHROMIUM, hosted=True)
