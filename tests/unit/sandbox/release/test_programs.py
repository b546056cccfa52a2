from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sandbox
from sandbox.release.programs import program, stand_in_kubectl
from tests.skips import NOT_FORKED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=NOT_FORKED)
LOOK = """\
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from sandbox.release.tools.forked_program import read_forked
print(*(read_forked(Path(path)).shares for path in sys.argv[2:]))
"""


def test_istioctl_shares_its_modules_with_the_kubectl_of_its_own_sandbox_alone(tmp_path: Path) -> None:
    """A kubectl that stands in another checkout finds its own."""
    (tmp_path / "istioctl").write_bytes(program("istioctl", "1.4.10-asm.18", sys.executable))
    own, other = tmp_path / "own", tmp_path / "other"
    own.write_text(stand_in_kubectl())
    other.write_text(stand_in_kubectl().replace(f"'{Path(sandbox.__file__).parent.parent}'", "'/another/checkout'"))
    command = [sys.executable, "-I", "-S", "-c", LOOK, *map(str, (tmp_path / "istioctl", own, other))]
    answered = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert answered.stdout.split() == ["True", "False"]
