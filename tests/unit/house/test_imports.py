"""The import rules hold, and no module escapes them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_contracts_hold(project_root: Path) -> None:
    """lint-imports passes."""
    run = lint_imports(project_root)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_broken_rule_is_noticed(tmp_path: Path, project_root: Path) -> None:
    """The contracts fail when a step imports a vendor's client."""
    for package in ("bot", "handlers", "steps", "sandbox"):
        shutil.copytree(project_root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project_root / "pyproject.toml", tmp_path)
    (tmp_path / "steps" / "intruder.py").write_text("import kubernetes\n")
    (tmp_path / "sandbox" / "intruder.py").write_text("import steps\n")
    run = lint_imports(tmp_path)
    assert "steps is not allowed to import kubernetes" in run.stdout
    assert "sandbox is not allowed to import steps" in run.stdout
    assert "- steps.intruder" in run.stdout  # the layers are exhaustive
