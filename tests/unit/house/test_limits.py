"""No test waits without a limit for a fifo, a socket, a thread or a child."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# Without an argument each of these waits for ever.
ENDLESS = {"accept", "communicate", "join", "result", "wait"}
# Waiting of our own that has a limit inside.
BOUNDED = {"lab.wait()"}
TIMED = {"subprocess.run", "subprocess.check_call", "subprocess.check_output", "urllib.request.urlopen"}
# What has one place that bounds it.
PLACES = {"os.mkfifo": "tests/fifo.py", "readline": "tests/children.py", "recv": "tests/fifo.py"}


def read_calls(root: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a method or of a module's function in the tests; benchmarks are watched by whoever starts them."""
    for path in sorted((root / "tests").rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place.startswith("tests/bench/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield place, node


def is_endless(place: str, call: ast.Call) -> bool:
    """Whether the call has no limit that a reader could see."""
    assert isinstance(call.func, ast.Attribute)
    name, method = ast.unparse(call.func), call.func.attr
    if name in TIMED:
        return all(keyword.arg != "timeout" for keyword in call.keywords)
    if home := PLACES.get(name) or PLACES.get(method):
        return place != home
    bare = not call.args and not call.keywords
    return bare and method in ENDLESS and ast.unparse(call) not in BOUNDED


def test_every_wait_has_a_limit(project_root: Path) -> None:
    """A test that hangs tells nobody why."""
    endless = [
        f"{place}:{call.lineno} {ast.unparse(call)}"
        for place, call in read_calls(project_root)
        if is_endless(place, call)
    ]
    assert endless == []


@pytest.mark.parametrize(
    ("code", "endless"),
    [
        ("thread.join()", True),
        ("thread.join(5)", False),
        ("', '.join(names)", False),
        ("subprocess.run(['a'])", True),
        ("subprocess.run(['a'], timeout=5)", False),
        ("os.mkfifo(path)", True),
        ("child.stdout.readline()", True),
    ],
)
def test_an_endless_wait_is_seen(code: str, endless: bool) -> None:
    """By the call alone."""
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert is_endless("tests/unit/test_x.py", call) == endless
