"""The written style that ruff has no rule for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.house.sources import list_nodes, list_sources, parse_source, read_source

PACKAGES = ("bot", "handlers", "steps", "sandbox")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
MOST_ARGUMENTS = 6
BANNED_WORDS = {"task", "job", "stage", "manager", "helper", "util", "utils", "process", "data"}
# A machine's own clocks: what is asked of them is how long something took.
CLOCKS = ("time.monotonic", "time.time", "time.sleep")
# Defaults that are what the bot runs with (`retries`, `load`, `write`), or that wake nobody (`on_commit`).
HARMLESS = {
    "bot/gateways/google/credentials.py: load",
    "bot/gateways/clusters.py: retries",
    "bot/gateways/google/gke.py: retries",
    "bot/gateways/google/google_rest.py: retries",
    "bot/gateways/kubernetes/api_server.py: retries",
    "bot/journal/store.py: on_commit",
    "steps/contract/notes.py: write",
}
# Words that Slack, Kubernetes and Python chose.
BORROWED = ("task_card", "taskcard", "cronjob", "dataclass", "metadata")


def read_modules(root: Path, *packages: str) -> Iterator[tuple[Path, str]]:
    for path in list_sources(root, *packages):
        yield path.relative_to(root), read_source(path)


def parse_modules(root: Path, *packages: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in list_sources(root, *packages):
        yield path.relative_to(root), parse_source(path)


def definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in list_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def words_of(name: str) -> set[str]:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for borrowed in BORROWED:
        plain = plain.replace(borrowed, "")
    return set(plain.split("_"))


def test_modules_are_short(project_root: Path) -> None:
    """A module fits in one reading."""
    lengths = {str(path): text.count("\n") for path, text in read_modules(project_root, *PACKAGES, "tests")}
    long = {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE}
    assert not long, f"split these modules (at most {LONGEST_MODULE} lines): {long}"


def test_functions_are_short(project_root: Path) -> None:
    """A function fits on one screen."""
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in parse_modules(project_root, *PACKAGES)
        for node in definitions(tree)
        if not isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long, f"split these functions (at most {LONGEST_FUNCTION} lines): {long}"


def count_arguments(built: ast.ClassDef) -> int:
    """What a class takes when it is made: by its own `__init__`, or by the fields of a dataclass that isn't frozen."""
    kinds = [ast.unparse(decorator) for decorator in built.decorator_list if "dataclass" in ast.unparse(decorator)]
    if kinds and not any("frozen=True" in kind for kind in kinds):
        return sum(isinstance(node, ast.AnnAssign) and "init=False" not in ast.unparse(node) for node in built.body)
    for node in built.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs) - 1
    return 0


def test_services_are_made_of_few_parts(project_root: Path) -> None:
    """No constructor takes more than six arguments; frozen values are as wide as what they hold."""
    wide = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in parse_modules(project_root, "bot", "handlers", "steps")
        for node in definitions(tree)
        if isinstance(node, ast.ClassDef) and count_arguments(node) > MOST_ARGUMENTS
    ]
    assert not wide, f"group what these are made of (at most {MOST_ARGUMENTS} arguments): {wide}"


def list_parts(node: ast.AST) -> Iterator[tuple[str, str, str]]:
    """The arguments and fields that have a default, each with its annotation and that default."""
    if isinstance(node, ast.FunctionDef) and node.name == "__init__":
        places = [*node.args.posonlyargs, *node.args.args]
        given = zip(places[len(places) - len(node.args.defaults) :], node.args.defaults, strict=True)
        named = ((one, default) for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
        for argument, default in (*given, *named):
            if default is not None and argument.annotation is not None:
                yield argument.arg, ast.unparse(argument.annotation), ast.unparse(default)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), ast.unparse(node.annotation), ast.unparse(node.value)


def list_services(root: Path) -> set[str]:
    """The classes that do something: all but frozen values, exceptions and forms of JSON."""
    found = set()
    for _, tree in parse_modules(root, "bot", "handlers", "steps"):
        for node in definitions(tree):
            if isinstance(node, ast.ClassDef):
                told = " ".join(map(ast.unparse, (*node.decorator_list, *node.bases, *node.keywords)))
                found |= set() if re.search(r"frozen=True|Struct|TypedDict|Exception|Error", told) else {node.name}
    return found


def test_no_default_stands_in_for_a_part(project_root: Path) -> None:
    """A part that is left out by mistake would leave a check out; each service gets all of its parts, in tests too."""
    services = re.compile(rf"\b({'|'.join(sorted(list_services(project_root)))}|Callable)\b")
    found = {
        f"{path}: {name}"
        for path, tree in parse_modules(project_root, "bot", "handlers", "steps")
        for built in definitions(tree)
        if isinstance(built, ast.ClassDef)
        for node in built.body
        for name, annotation, default in list_parts(node)
        if services.search(annotation) and default not in CLOCKS
    }
    assert found == HARMLESS


def list_annotations(built: ast.ClassDef) -> list[str]:
    """The types of a class's fields."""
    return [ast.unparse(one.annotation) for one in built.body if isinstance(one, ast.AnnAssign)]


def test_no_frozen_service_is_made_of_many_parts(project_root: Path) -> None:
    """A frozen value may be wide; what is made of services counts like any other service."""
    services = re.compile(rf"\b({'|'.join(sorted(list_services(project_root)))})\b")
    wide = {
        node.name
        for _, tree in parse_modules(project_root, "bot", "handlers", "steps")
        for node in definitions(tree)
        if isinstance(node, ast.ClassDef)
        and sum(bool(services.search(annotation)) for annotation in list_annotations(node)) > MOST_ARGUMENTS
    }
    assert wide == {"Bot", "Context"}


def test_names_use_the_words_of_the_product(project_root: Path) -> None:
    """Public modules, classes and functions avoid words that say nothing here."""
    named = [
        (str(path), name)
        for path, tree in parse_modules(project_root, *PACKAGES)
        for name in [path.stem, *(node.name for node in definitions(tree))]
    ]
    wrong = sorted(
        {f"{path}: {name}" for path, name in named if not name.startswith("_") and words_of(name) & BANNED_WORDS}
    )
    assert not wrong, f"find the product's word for: {wrong}"


def test_every_test_says_what_it_shows(project_root: Path) -> None:
    """Each test has a docstring of one line."""
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in parse_modules(project_root, "tests")
        for node in definitions(tree)
        if not isinstance(node, ast.ClassDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not silent, f"give these tests a one-line docstring: {silent}"


def test_every_file_of_tests_has_a_test(project_root: Path) -> None:
    """An empty one makes its room look tested."""
    found = [
        str(path)
        for path, tree in parse_modules(project_root, "tests")
        if path.name.startswith("test_") and not any(node.name.startswith("test_") for node in definitions(tree))
    ]
    assert found == []


def test_files_speak_of_the_project_alone(project_root: Path) -> None:
    """No file names a machine's own path."""
    machine_path = re.compile(r"(?<![\w.])/(?:work|root)/")
    wrong = [str(path) for path, text in read_modules(project_root, *PACKAGES, "tests") if machine_path.search(text)]
    assert not [path for path in wrong if not path.endswith("test_style.py")], f"machine paths in {wrong}"
