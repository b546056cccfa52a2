"""Nothing waits without a limit for a fifo, a socket, a thread, a queue or a child: no test, and no program."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.unit.house.sources import list_nodes, list_sources, parse_source, write_name

PROGRAMS = ("bot", "handlers", "steps", "sandbox")
# Without an argument each of these waits for ever.
ENDLESS = {"accept", "acquire", "communicate", "exception", "get", "join", "receive", "recv", "result", "wait"}
# Each waits for as long as its `timeout` says, or by the argument of this place; without one, for ever.
TIMED: dict[str, int | None] = {
    "asyncio.wait": None,
    "concurrent.futures.as_completed": 1,
    "concurrent.futures.wait": 1,
    "http.client.HTTPConnection": 2,
    "http.client.HTTPSConnection": 2,
    "requests.get": None,
    "requests.post": None,
    "requests.request": None,
    "select.select": 3,
    "socket.create_connection": 1,
    "subprocess.call": None,
    "subprocess.check_call": None,
    "subprocess.check_output": None,
    "subprocess.run": None,
    "urllib.request.urlopen": 2,
    "websocket.create_connection": 1,
}
# What one place alone does in the tests, where it is bounded.
PLACES = {"mkfifo": "tests/fifo.py", "readline": "tests/children.py", "recv": "tests/fifo.py"}
DONE = "it is done, or was waited for with a limit"
IMITATES = "the program that it stands in for has no limit either"
# Every other call that shows no limit, and why it ends.
STATED: Mapping[str, Mapping[str, str]] = {
    "bot/app/checks/slack.py": {"connection.recv()": "the connection was opened with a limit for all of it"},
    "bot/app/health.py": {"self._listener.accept()": "the listener's socket has a limit"},
    "bot/app/loops.py": {"flight.future.result()": DONE},
    "bot/engine/renewals.py": {"future.result()": DONE},
    "bot/discovery/readings.py": {"future.exception()": DONE, "future.result()": DONE},
    "bot/discovery/search.py": {"future.exception()": DONE, "future.result()": DONE},
    "bot/slack/api/shared_files.py": {"asked.exception()": DONE, "asked.result()": DONE},
    "sandbox/cluster/http/server.py": {"ticking.exception()": DONE},
    "sandbox/release/tools/installer.py": {"thread.join()": IMITATES},
    "sandbox/release/tools/istioctl.py": {"sys.stdin.readline()": "it asks a person, as the real one does"},
    "sandbox/release/tools/kubectl_calls.py": {"subprocess.run(": IMITATES},
    "sandbox/supervisor.py": {
        "asyncio.wait(": "it is the program itself, and ends with it",
        "ended.result()": DONE,
        "stopped.wait()": "a person ends the sandbox",
    },
    "tests/realcluster/test_requests.py": {"lab.wait()": "a wait of our own, with a limit inside"},
}


def read_modules(root: Path, *folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module; benchmarks are watched by whoever starts them."""
    for path in sorted(list_sources(root, *folders)):
        place = path.relative_to(root).as_posix()
        if not place.startswith("tests/bench/"):
            yield place, parse_source(path)


def name_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """The calls that nobody else bounds: what is handed to `asyncio.wait_for` has the limit given there."""
    imported = read_imports(tree)
    nodes = list_nodes(tree)
    bounded = {
        id(node.args[0])
        for node in nodes
        if isinstance(node, ast.Call) and write_name(node.func) == "asyncio.wait_for" and len(node.args) > 1
    }
    for node in nodes:
        if isinstance(node, ast.Call) and id(node) not in bounded:
            head, dot, rest = write_name(node.func).partition(".")
            yield node, f"{imported.get(head, head)}{dot}{rest}"


def read_imports(tree: ast.AST) -> dict[str, str]:
    """What each name stands for that was imported from a module, or under another name."""
    names: dict[str, str] = {}
    for node in list_nodes(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return names


def is_endless(place: str, call: ast.Call, name: str) -> bool:
    """Whether the call has no limit that a reader could see."""
    limits = {keyword.arg: keyword.value for keyword in call.keywords}
    given = limits.get("timeout")
    if isinstance(given, ast.Constant) and given.value is None:
        return True
    if name in TIMED:
        at = TIMED[name]
        return given is None and None not in limits and (at is None or len(call.args) <= at)
    if not isinstance(call.func, ast.Attribute):
        return False
    method = call.func.attr
    if place.startswith("tests/") and method in PLACES:
        return place != PLACES[method]
    return not call.args and not call.keywords and method in ENDLESS | {"readline"}


def list_awaited(tree: ast.Module) -> set[int]:
    """The lines in which a module awaits: whoever ends its event loop ends the wait as well."""
    return {node.lineno for node in list_nodes(tree) if isinstance(node, ast.Await)}


def list_endless(root: Path, *folders: str) -> list[str]:
    """Each call without a limit that is not stated above."""
    found = []
    for place, tree in read_modules(root, *folders):
        endless = [call for call, name in name_calls(tree) if is_endless(place, call, name)]
        cancelled = list_awaited(tree) if endless and place.startswith("sandbox/") else set()
        for call in endless:
            written = ast.unparse(call)
            stated = any(written.startswith(one) for one in STATED.get(place, ()))
            if not stated and call.lineno not in cancelled:
                found.append(f"{place}:{call.lineno} {written}")
    return found


def test_every_wait_of_a_test_has_a_limit(project_root: Path) -> None:
    """A test that hangs tells nobody why."""
    assert list_endless(project_root, "tests") == []


def test_every_wait_of_a_program_has_a_limit(project_root: Path) -> None:
    """A thread that hangs holds up what waits for it; the sandbox's event loop cancels what it awaits."""
    assert list_endless(project_root, *PROGRAMS) == []


def test_each_call_that_is_stated_is_there(project_root: Path) -> None:
    """A reason goes with the call that it was given for."""
    gone = [
        (place, one)
        for place, reasons in STATED.items()
        for one in reasons
        if one not in (project_root / place).read_text()
    ]
    assert gone == []


@pytest.mark.parametrize(
    ("code", "endless"),
    [
        ("thread.join()", True),
        ("thread.join(5)", False),
        ("thread.join(timeout=None)", True),
        ("', '.join(names)", False),
        ("event.wait()", True),
        ("event.wait(5)", False),
        ("answers.get()", True),
        ("answers.get(timeout=5)", False),
        ("found.get('name')", False),
        ("lock.acquire()", True),
        ("subprocess.run(['a'])", True),
        ("subprocess.run(['a'], timeout=5)", False),
        ("subprocess.run(['a'], **options)", False),
        ("from subprocess import run\nrun(['a'])", True),
        ("from urllib.request import urlopen\nurlopen('http://x')", True),
        ("import requests as r\nr.get('http://x')", True),
        ("requests.get('http://x', timeout=5)", False),
        ("socket.create_connection(place)", True),
        ("socket.create_connection(place, 5)", False),
        ("asyncio.wait_for(event.wait(), 5)", False),
        ("os.mkfifo(path)", True),
        ("child.stdout.readline()", True),
    ],
)
def test_an_endless_wait_is_seen(code: str, endless: bool) -> None:
    """By the call alone, however its function was imported."""
    calls = list(name_calls(ast.parse(code)))
    assert any(is_endless("tests/unit/test_x.py", call, name) for call, name in calls) == endless
