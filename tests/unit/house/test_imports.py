"""The import rules hold, and no module escapes them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

# Modules that hold constants or nothing and may be imported from anywhere in their package.
UNLAYERED = {"bot"}


def read_contracts(root: Path) -> list[dict[str, Any]]:
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    contracts: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return contracts


def layered_modules(root: Path) -> set[str]:
    layers = next(contract["layers"] for contract in read_contracts(root) if contract["type"] == "layers")
    return {name.strip() for layer in layers for name in layer.split(":")}


def modules_of(root: Path, package: str) -> set[str]:
    """List the package's modules by dotted name, packages by their own name."""
    names = set()
    for path in (root / package).rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        names.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def is_under(module: str, layers: set[str]) -> bool:
    return any(module == layer or module.startswith(layer + ".") for layer in layers)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_every_module_has_a_layer(project_root: Path) -> None:
    """A new module of the application must be given its place in the layers contract."""
    layers = {name.strip("()") for name in layered_modules(project_root)}
    modules = {name for package in ("bot", "handlers", "steps") for name in modules_of(project_root, package)}
    missing = sorted(name for name in modules - UNLAYERED if not is_under(name, layers))
    assert not missing, f"add {missing} to [tool.importlinter] layers in pyproject.toml"


def test_every_layer_exists(project_root: Path) -> None:
    """A layer whose module is gone would keep nothing apart."""
    modules = {name for package in ("bot", "handlers", "steps") for name in modules_of(project_root, package)}
    required = {name for name in layered_modules(project_root) if not name.startswith("(")}
    assert sorted(required - modules) == []


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
