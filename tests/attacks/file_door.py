"""Files that people give the bot: overlays of the start form, and where they are said to lie."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slack_sdk import WebClient

from bot.clicks.clicks import Click
from bot.clicks.orders import Start, StartOptions
from bot.slack.api.shared_files import FileRefused, read_shared_text
from tests.attacks.table import Attack, Kind
from tests.unit.bot.gateways.loopback import Loopback, Reply
from tests.unit.bot.people.test_rights import stand
from tests.unit.bot.workbench import ANA, Engine

MOST_BYTES = 50 * 2**20
HEAD = "apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\nspec:\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)


@dataclass
class Desk:
    """An engine without an upgrade, and a host that isn't Slack's."""

    engine: Engine
    elsewhere: Loopback
    number: int = 0

    def give(self, name: str, text: str) -> str:
        """What became of a start with this file: nothing may begin, within bounds."""
        self.number += 1
        order = Start("cluster-x", StartOptions(overlay_texts={name: text}))
        click = Click(f"file-{self.number}", ANA, self.engine.clock.now(), order, channel="C0", door="file")
        weighed = tracemalloc.is_tracing()
        tracemalloc.start()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            self.engine.upgrades.receive(click)
            self.engine.upgrades.settle_clicks()
            most = tracemalloc.get_traced_memory()[1] - before
        finally:
            if not weighed:
                tracemalloc.stop()
        if self.engine.journal.list_upgrades():
            return "an upgrade began"
        if self.engine.store.read("select 1 from clicks where settled_at is null or answer like '%incident%'"):
            return "the bot failed at it"
        return f"it took {most // 2**20} MB" if most > MOST_BYTES else ""

    def fetch(self, url: str, size: object = 5) -> str:
        """What became of a file that is said to lie there: its host must never see the token."""
        self.elsewhere.requests.clear()
        client = WebClient("xoxb-secret", base_url="https://slack.example.slack.com/api/")
        address = url.replace("ELSEWHERE", self.elsewhere.address)
        try:
            read_shared_text(client, "xoxb-secret", {"url_private": address, "size": size})
        except FileRefused:
            return "the host was asked" if self.elsewhere.requests else ""
        return "it was read"


@contextmanager
def open_desk(_folder: Path) -> Iterator[Desk]:
    """Nothing is under way."""
    with stand("none") as engine, Loopback(lambda _request: Reply(200, b"x")) as elsewhere:
        yield Desk(engine, elsewhere)


def give(kind: Kind, name: str, text: str, file: str = "mesh.yaml") -> Attack:
    """An attack by what stands in a file."""
    return Attack("file", kind, name, lambda desk: desk.give(file, text))


def fetch(kind: Kind, name: str, url: str) -> Attack:
    """An attack by where a file is."""
    launch: Callable[[Desk], str] = lambda desk: desk.fetch(url)  # noqa: E731 - a name with a type
    return Attack("file", kind, name, launch)


ATTACKS: list[Attack] = [
    give("overload", "a bomb of aliases", BOMB),
    give("overload", "too deep in brackets", HEAD + "  a: " + "[" * 20_000),
    give("overload", "too deep in keys", HEAD + "".join(" " * (n + 2) + "a:\n" for n in range(3_000))),
    give("overload", "larger than a file may be", HEAD + "  # " + "x" * 2_000_000),
    give("overload", "a number without an end", HEAD + "  a: " + "9" * 100_000),
    give("overload", "sixty to the power of many", HEAD + "  a: " + ":".join(["59"] * 20_000)),
    give("overload", "merges of merges", "a: &a {x: 1}\nb: {<<: *a, <<: *a}\n"),
    give("break", "no YAML", "\x00\x01\x02"),
    give("break", "a day that never was", HEAD + "  a: 2026-02-30"),
    give("break", "a list", "- 1\n- 2\n"),
    give("break", "nothing", ""),
    give("break", "a name without an end", HEAD + "  profile: [", "n" * 5_000),
    give("inject", "a Python object", "!!python/object/apply:os.system ['touch owned']\n"),
    give("inject", "another kind", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"),
    give("inject", "several documents", HEAD + "  tag: x\n---\nkind: Secret\n"),
    give("inject", "a field that nobody knows", HEAD + "  hostNetwork: true\n"),
    fetch("lead astray", "another host", "http://ELSEWHERE/file"),
    fetch("lead astray", "a host before a backslash", "https://ELSEWHERE\\.slack.com/file"),
    fetch("lead astray", "a host after a name", "https://files.slack.com@ELSEWHERE/file"),
    fetch("lead astray", "a name that only ends so", "https://evilslack.com/file"),
    fetch("lead astray", "a file of the machine", "file:///etc/passwd"),
    fetch("lead astray", "the metadata of the cloud", "http://169.254.169.254/computeMetadata/v1/"),
    fetch("break", "no address", "\x00"),
]
