"""The rooms of the house: how large they are, what they say of themselves, and their mirror in the tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("bot", "handlers", "steps", "sandbox")
MOST_MODULES = 15
MOST_KNOWN = 14
# Joins all parts, and does nothing else.
WIRING = "bot.app.wiring"


def list_rooms(root: Path) -> Iterator[Path]:
    """All folders with Python modules, relative to the root."""
    for package in PACKAGES:
        for folder in sorted({path.parent for path in (root / package).rglob("*.py")}):
            yield folder.relative_to(root)


def list_modules(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]


def name_modules(root: Path, *packages: str) -> dict[str, Path]:
    """Every module of the packages by its dotted name."""
    paths = (path for package in packages for path in sorted((root / package).rglob("*.py")))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def list_known(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of ours that a module imports anywhere in it, for its types alone included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found & modules.keys() if modules[name].name != "__init__.py"}


def test_no_room_is_crowded(project_root: Path) -> None:
    """A folder is read at a glance."""
    counts = {str(room): len(list_modules(project_root / room)) for room in list_rooms(project_root)}
    assert {room: count for room, count in counts.items() if count > MOST_MODULES} == {}


def test_every_room_says_what_it_is_for(project_root: Path) -> None:
    """One plain sentence in its `__init__.py`."""
    silent = []
    for room in list_rooms(project_root):
        said = ast.get_docstring(ast.parse((project_root / room / "__init__.py").read_text())) or ""
        if len(said.split()) < 3 or not said.endswith(".") or "\n" in said:
            silent.append(str(room))
    assert silent == []


def test_the_unit_tests_mirror_the_rooms(project_root: Path) -> None:
    """Every room with modules has its folder of tests, and no folder stands for a room that is gone."""
    rooms = {str(room): list_modules(project_root / room) for room in list_rooms(project_root)}
    units = project_root / "tests" / "unit"
    mirrored = {
        str(path.parent.relative_to(units))
        for path in units.rglob("test_*.py")
        if path.relative_to(units).parts[0] in PACKAGES
    }
    untested = sorted(room for room, modules in rooms.items() if modules and room not in mirrored)
    assert (untested, sorted(mirrored - rooms.keys())) == ([], [])


def test_no_module_knows_too_many_others(project_root: Path) -> None:
    """What imports more of ours than this has more than one idea; only the wiring may."""
    modules = name_modules(project_root, "bot", "handlers", "steps")
    known = {name: len(list_known(path, modules)) for name, path in modules.items()}
    assert known[WIRING] > MOST_KNOWN
    assert {name: count for name, count in known.items() if count > MOST_KNOWN and name != WIRING} == {}
