"""The command line with whatever is wrong: a line that says so, exit code 1, and nothing else."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.app.cli import main
from bot.settings.environment import SETTINGS
from tests.unit.bot.workbench import Build

GOOD = '[clusters.cluster-x]\nkubeconfig = "config"\nchannel = "C0MESHOPS1"\napprovers = ["U0BEN00002"]\n'
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://127.0.0.1:PORT", insecure-skip-tls-verify: true}}]
users: [{name: a, user: {token: t}}]
"""
TOKEN = {"SLACK_BOT_TOKEN": "xoxb-some"}
# What stands in clusters.toml, in the kubeconfig, and in the environment; then what is said of it.
BROKEN: Mapping[str, tuple[str, str, Mapping[str, str], str]] = {
    "no TOML": ("[clusters", "", {}, "clusters.toml"),
    "no clusters": ("", "", {}, "is empty"),
    "a bad skip_label": (GOOD + 'skip_label = "a b"\n', "", {}, "skip_label must be a label"),
    "an unknown release": (GOOD + 'release = "1.9"\n', "", {}, "names the release 1.9"),
    "an unknown field": (GOOD + 'relase = "1.9"\n', "", {}, "did you mean `release`?"),
    "a wrong number": (GOOD, "", {"ASM_UPGRADE_GRACE": "soon"}, "ASM_UPGRADE_GRACE is 'soon'"),
    "a key in the state folder": (GOOD, "", {"ASM_UPGRADE_KEY_FILE": "STATE/key"}, "must not lie in the state folder"),
    "no address of Slack": (GOOD, KUBECONFIG, {"SLACK_API_URL": "nonsense"}, "SLACK_API_URL must begin with"),
    "nobody at Slack's": (GOOD, KUBECONFIG, {"SLACK_API_URL": "http://127.0.0.1:PORT/", **TOKEN}, "can't be reached"),
    "swapped tokens": (GOOD, KUBECONFIG, {"SLACK_BOT_TOKEN": "xapp-1-A-1-b"}, "SLACK_BOT_TOKEN: it is an app-level"),
    "a token of two lines": (GOOD, KUBECONFIG, {"SLACK_BOT_TOKEN": "xoxb-a\nb"}, "SLACK_BOT_TOKEN has blanks"),
    "a token of other letters": (
        GOOD,
        KUBECONFIG,
        {"SLACK_BOT_TOKEN": "xoxb-ключ"},
        "SLACK_BOT_TOKEN has blanks or letters",
    ),
    "no kubeconfig": (GOOD, "", {}, "can't be used"),
    "a kubeconfig that is no YAML": (GOOD, "a: [", {}, "can't be used"),
    "a kubeconfig that is a list": (GOOD, "- a", {}, "can't be used"),
    "a kubeconfig without users": (GOOD, KUBECONFIG.replace("users:", "losers:"), {}, "ERROR"),
    "a kubeconfig of other types": (GOOD, KUBECONFIG.replace("[{name: a, user", "{name: a, user"), {}, "can't be used"),
    "a kubeconfig with a broken CA": (
        GOOD,
        KUBECONFIG.replace("insecure-skip-tls-verify: true", "certificate-authority-data: bm9uZQ=="),
        {},
        "ERROR",
    ),
    "a kubeconfig with no base64": (
        GOOD,
        KUBECONFIG.replace("insecure-skip-tls-verify: true", "certificate-authority-data: '%%%'"),
        {},
        "ERROR",
    ),
    "an unknown context": (GOOD + 'context = "b"\n', KUBECONFIG, {}, "can't be used"),
    "a server that is nowhere": (GOOD, KUBECONFIG, {}, "could not be reached"),
}


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine on which nobody listens."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def run(*arguments: str, environment: Mapping[str, str]) -> Result:
    """The command with this environment and nothing of the machine's own."""
    names = dict.fromkeys(setting.name for setting in SETTINGS)
    return CliRunner().invoke(main, list(arguments), env={**names, **environment}, catch_exceptions=True)


def expect_line(result: Result, told: str, code: int = 1) -> None:
    """That the program ended by itself, with this in its words."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, told in result.output, "Traceback" in result.output) == (code, True, False), result.output


@pytest.mark.parametrize("name", BROKEN)
def test_doctor_says_what_is_broken(name: str, tmp_path: Path, closed_port: int) -> None:
    """In lines of its own alone: neither a traceback nor a warning of a library."""
    clusters, kubeconfig, changes, told = BROKEN[name]
    (tmp_path / "clusters.toml").write_text(clusters)
    if kubeconfig:
        (tmp_path / "config").write_text(kubeconfig.replace("PORT", str(closed_port)))
    given = {
        "ASM_UPGRADE_CLUSTERS": str(tmp_path / "clusters.toml"),
        "ASM_UPGRADE_STATE": str(tmp_path / "state"),
        "ASM_UPGRADE_KEY_FILE": str(tmp_path / "key"),
        "SLACK_BOT_TOKEN": "xoxp-a-user",
        "SLACK_APP_TOKEN": "xoxb-swapped",
        "ASM_UPGRADE_MIRROR": "http://127.0.0.1:PORT/",
        **changes,
    }
    places = {"PORT": str(closed_port), "STATE": str(tmp_path / "state")}
    for word, place in places.items():
        given = {key: value.replace(word, place) for key, value in given.items()}
    result = run("doctor", environment=given)
    expect_line(result, told)
    lines = result.output.splitlines()
    assert all(line.startswith(("ok ", "warning ", "ERROR ", "asm-upgrade: ")) for line in lines), result.output


def test_doctor_writes_json_for_programs(tmp_path: Path, closed_port: int) -> None:
    """One line, whatever is wrong, and the same exit code."""
    (tmp_path / "clusters.toml").write_text(GOOD)
    given = {
        "ASM_UPGRADE_CLUSTERS": str(tmp_path / "clusters.toml"),
        "ASM_UPGRADE_STATE": str(tmp_path / "state"),
        "ASM_UPGRADE_KEY_FILE": str(tmp_path / "key"),
        "ASM_UPGRADE_MIRROR": f"http://127.0.0.1:{closed_port}/",
        "SLACK_BOT_TOKEN": "xoxp-a-user",
        "SLACK_APP_TOKEN": "xoxb-swapped",
    }
    result = run("doctor", "--json", environment=given)
    read = json.loads(result.output)
    assert (result.exit_code, read["ok"]) == (1, False)
    assert {"name", "severity", "sentence", "remedy"} == set(read["checks"][0])
    assert {"memory", "disk", "writing"} <= {check["name"] for check in read["checks"]}


ORDERS = (
    ("status",),
    ("status", "nope"),
    ("history", "nope"),
    ("export", "nope", "--audit", "md"),
    ("export", "nope", "--ledger", "csv"),
    ("export", "--ledger", "csv"),
    ("export",),
    ("verify",),
    ("verify", "--journal"),
    ("verify", "--journal", "--head", "nope"),
    ("backup", "/nowhere/at/all"),
    ("pause", "nope"),
    ("resume", "nope"),
    ("abort", "nope", "why", "--yes"),
    ("rollback", "nope", "why", "--yes"),
    ("move", "nope", "C0OTHER001"),
    ("serve",),
    ("doctor",),
    ("doctor", "nope"),
)


@pytest.mark.parametrize("journal", ["none", "no database", "a folder", "damaged"])
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_no_command_ends_in_a_traceback(order: tuple[str, ...], journal: str, tmp_path: Path) -> None:
    """With no journal, or with something else in its place."""
    place = tmp_path / "asm-upgrade.db"
    match journal:
        case "no database":
            place.write_text("this is no database" * 1000)
        case "a folder":
            place.mkdir()
        case "damaged":
            place.write_bytes(b"SQLite format 3\x00" + b"\xff" * 8000)
        case _:
            pass
    result = run(*order, environment={"ASM_UPGRADE_STATE": str(tmp_path), "ASM_UPGRADE_KEY_FILE": "/nowhere/key"})
    expect_line(result, "asm-upgrade: ")


@pytest.mark.parametrize("order", [order for order in ORDERS if order not in (("status",), ("verify", "--journal"))])
def test_nothing_that_is_not_there_ends_well(build: Build, order: tuple[str, ...], tmp_path: Path) -> None:
    """Also where the journal is whole: exit code 1, and a line."""
    build({})
    result = run(*order, environment={"ASM_UPGRADE_STATE": str(tmp_path), "ASM_UPGRADE_KEY_FILE": "/nowhere/key"})
    expect_line(result, "asm-upgrade: ")
