"""Write docs/weather.md from the tests that carry the mark `weather`: `./dev docs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.weather.table import WEATHERS
from sandbox.google.weathers import METADATA_WEATHERS
from tests.unit.house.tables import as_code, render_table

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "weather.md"
MARK = "pytest.mark.weather"
HEAD = """# Bad weather, and the tests that hold the bot to it

What can go wrong while sidecars move, made from the tests by `./dev docs`: a test says by `@pytest.mark.weather("…")` \
what it holds the bot to. The contracts run the bot's own steps and gateway on the simulated cluster, and with \
`--real-cluster` unchanged on a real kube-apiserver; the others run on the simulated cluster or on paper, those in \
`tests/scenarios` as whole upgrades. [Field notes](field-notes.md) has the incidents behind them.

"""
SANDBOX = """
## To watch it

Each of these can be brought over the simulated cluster, by `./dev sandbox --weather NAME` or while it runs by \
`/control/weather`:

<!-- held by `tests/unit/sandbox/cluster/weather/test_table.py::\
test_each_begins_and_ends_on_cluster_x_without_fields` -->

"""
METADATA = """
And each of these over the metadata server of a bot with `--credentials workload-identity`; while it runs, by the \
switches of `/control/metadata`:

<!-- held by `tests/unit/bot/gateways/google/test_credentials.py::\
test_each_weather_of_the_metadata_server_is_met` -->

"""


@dataclass(frozen=True)
class Marked:
    """A test that carries the mark."""

    weather: str
    path: str
    name: str

    @property
    def is_contract(self) -> bool:
        """Whether it runs on both clusters."""
        return self.path.startswith("tests/contracts/")

    @property
    def link(self) -> str:
        """As the document names it."""
        return f"`{self.path}::{self.name}`"


def list_marked(root: Path) -> list[Marked]:
    """The marked tests of the project, by weather and place."""
    found = (marked for path in sorted((root / "tests").rglob("test_*.py")) for marked in _read_marks(root, path))
    return sorted(found, key=lambda one: (one.weather, one.path, one.name))


def _read_marks(root: Path, path: Path) -> Iterator[Marked]:
    text = path.read_text()
    if MARK not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                for named in mark.args:
                    yield Marked(str(ast.literal_eval(named)), path.relative_to(root).as_posix(), node.name)


def render_weather(root: Path) -> str:
    """The document's text."""
    marked = list_marked(root)
    rows = []
    for weather in dict.fromkeys(one.weather for one in marked):
        own = [one for one in marked if one.weather == weather]
        both = ", ".join(one.link for one in own if one.is_contract)
        alone = ", ".join(one.link for one in own if not one.is_contract)
        rows.append((weather, both, alone))
    tests = render_table(("weather", "on both clusters", "on the simulated cluster alone"), rows)
    kinds = render_table(("name", "what happens"), ((as_code(kind.name), kind.sentence) for kind in WEATHERS))
    metadata = render_table(("name", "what happens"), ((as_code(one.name), one.sentence) for one in METADATA_WEATHERS))
    return HEAD + tests + SANDBOX + kinds + METADATA + metadata


if __name__ == "__main__":
    DOCUMENT.write_text(render_weather(ROOT))
