"""No file of tests hands its environment to the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LEAVING = """
import os
import pytest

@pytest.fixture(scope="module")
def world():
    os.environ.update(PATH="/stand-ins:" + os.environ["PATH"], NEW="set")
    del os.environ["OLD"]

def test_it_is_there_for_the_file(world):
    pass

def test_and_for_its_next_test():
    assert (os.environ["PATH"][:11], os.environ["NEW"]) == ("/stand-ins:", "set")
"""
FINDING = """
import os

def test_it_is_as_in_the_beginning():
    assert (os.environ["PATH"], os.environ["OLD"], "NEW" in os.environ) == ("/usr/bin:/bin", "kept", False)
"""


def test_what_a_file_sets_ends_with_it(project_root: Path, tmp_path: Path) -> None:
    """Though nobody gave it back."""
    for name, content in (("a", LEAVING), ("b", FINDING)):
        (tmp_path / f"test_{name}.py").write_text(content)
    options = ["-q", "-p", "tests.variables", "-p", "no:cacheprovider", "-c", "/dev/null"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=project_root,
        env={"PATH": "/usr/bin:/bin", "OLD": "kept"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "3 passed in" in ended.stdout
