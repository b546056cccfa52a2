"""The rooms of the house: how large they are, what they say of themselves, and their mirror in the tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.unit.house.sources import list_nodes, list_sources, parse_source, read_source

PACKAGES = ("bot", "handlers", "steps", "sandbox")
MOST_MODULES = 15
MOST_KNOWN = 14
# Joins all parts, and does nothing else.
WIRING = "bot.app.wiring"
FEW_LINES = 60
MOST_LINES = 400
# Small, known to one neighbour that has room for them, and apart all the same.
APART = {
    "bot.gateways.google.kubeconfig_identity": "asks Kubernetes, where its neighbour asks Google",
    "bot.gateways.google.token_source": "Google's library takes long to import, and only a client needs it",
    "handlers.permissions": "what may enter at all is read by itself",
    "sandbox.__main__": "where a program starts",
    "sandbox.cluster.weather.crowds": "a module for each weather",
    "sandbox.cluster.weather.disks": "a module for each weather",
    "sandbox.cluster.weather.limits": "a module for each weather",
    "sandbox.cluster.weather.server": "a module for each weather",
    "sandbox.release.kubectl.program": "its neighbour takes long to import, and a version needs none of it",
    "steps.phases.control_plane.removing": "it deletes, where its neighbour only judges",
}


def list_rooms(root: Path) -> Iterator[Path]:
    """All folders with Python modules, relative to the root."""
    for package in PACKAGES:
        for folder in sorted({path.parent for path in list_sources(root, package)}):
            yield folder.relative_to(root)


def list_modules(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]


def name_modules(root: Path, *packages: str) -> dict[str, Path]:
    """Every module of the packages by its dotted name."""
    paths = list_sources(root, *packages)
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def list_known(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of ours that a module imports anywhere in it, for its types alone included."""
    found: set[str] = set()
    for node in list_nodes(parse_source(path)):
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
        said = ast.get_docstring(parse_source(project_root / room / "__init__.py")) or ""
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


def count_lines(path: Path) -> int:
    return len(read_source(path).splitlines())


def list_crumbs(root: Path) -> set[str]:
    """The small modules that one neighbour in their own room alone knows, and that would fit into it."""
    modules = name_modules(root, *PACKAGES)
    small = {name for name, path in modules.items() if path.name != "__init__.py" and count_lines(path) < FEW_LINES}
    known = {name: list_known(path, modules) for name, path in modules.items()}
    crumbs = set()
    for name in small:
        users = [user for user, names in known.items() if name in names]
        if len(users) > 1 or any(user.rpartition(".")[0] != name.rpartition(".")[0] for user in users):
            continue
        together = (known[name] | known[users[0]]) - {name, users[0]} if users else set()
        lines = count_lines(modules[name]) + (count_lines(modules[users[0]]) if users else 0)
        if lines <= MOST_LINES and len(together) <= MOST_KNOWN:
            crumbs.add(name)
    return crumbs


def test_a_small_module_has_an_idea_of_its_own(project_root: Path) -> None:
    """Two modules or another room know it, or its one neighbour has no room for it; all others stand above."""
    assert list_crumbs(project_root) == APART.keys()
