"""The environment, clusters.toml and the programs on PATH: what is wrong there is told before anything begins."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.settings.environment import ConfigError, read_settings
from tests.attacks.table import Attack, Kind

GOOD = '[clusters.cluster-x]\nproject = "p"\nlocation = "l"\nname = "x"\nchannel = "C0MESHOPS1"\n'
WEBHOOK = '[webhooks.pager]\nurl = "URL"\nsecret = "PAGER"\n'


@dataclass
class Shell:
    """Starts of the bot with settings of an attack."""

    folder: Path

    def start(self, text: bytes, changes: Mapping[str, str], word: str) -> str:
        """Whether the start is refused, with a sentence that names what is wrong."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            path = Path(name) / "clusters.toml"
            path.write_bytes(text)
            environment = {
                "SLACK_BOT_TOKEN": "xoxb-1",
                "SLACK_APP_TOKEN": "xapp-1",
                "ASM_UPGRADE_CLUSTERS": str(path),
                "ASM_UPGRADE_STATE": name,
                "ASM_UPGRADE_KEY": "k" * 32,
                "PAGER": "s" * 32,
                **{key: value.replace("STATE", name) for key, value in changes.items()},
            }
            try:
                read_settings(environment)
            except ConfigError as error:
                told = "\n".join(error.faults)
                return "" if word in told else f"it is told as {told!r}"
        return "the bot starts"


@contextmanager
def open_environment(folder: Path) -> Iterator[Shell]:
    """A folder for files; what is right starts, or nothing would be proved."""
    shell = Shell(folder)
    assert shell.start(GOOD.encode(), {}, "") == "the bot starts"
    assert shell.start((WEBHOOK.replace("URL", "https://a.example/") + GOOD).encode(), {}, "") == "the bot starts"
    yield shell


def write(kind: Kind, name: str, text: str | bytes, word: str) -> Attack:
    """An attack by clusters.toml."""
    content = text if isinstance(text, bytes) else text.encode()
    return Attack("environment", kind, name, lambda shell: shell.start(content, {}, word))


def set_to(kind: Kind, name: str, word: str, **changes: str) -> Attack:
    """An attack by variables."""
    return Attack("environment", kind, name, lambda shell: shell.start(GOOD.encode(), changes, word))


def hook(kind: Kind, name: str, url: str) -> Attack:
    """An attack by where events are sent."""
    return write(kind, name, WEBHOOK.replace("URL", url) + GOOD, "must be an https address")


ATTACKS: list[Attack] = [
    write("break", "no TOML", "[clusters.x\n", "is not TOML"),
    write("overload", "lists without an end", GOOD + "set = " + "[" * 3_000, "is nested too deep"),
    write("overload", "a number without an end", GOOD + "approvals_needed = " + "9" * 5_000, "is not TOML"),
    write("break", "no UTF-8", b"\xff\xfe", "is not UTF-8"),
    write("break", "clusters that are a number", "clusters = 5\n", "must be tables"),
    write("break", "an empty file", "", "is empty"),
    write("break", "a field that nobody knows", GOOD + 'aprovers = ["U0BEN00002"]\n', "has aprovers"),
    write("break", "approvers that are a text", GOOD + 'approvers = "U0BEN00002"\n', "approvers"),
    write("take rights", "approvers that are everybody", GOOD + 'approvers = ["*"]\n', "approvers"),
    write("take rights", "no approval at all", GOOD + "approvals_needed = 0\n", "approvals_needed"),
    write("take rights", "four eyes switched off by a word", GOOD + 'production = "false"\n', "production"),
    write("inject", "a cluster whose name is a path", GOOD.replace("cluster-x]", '"../x"]'), "has a name that is not"),
    write("inject", "a flag without a value", GOOD + 'set = ["--force"]\n', "set"),
    write("lead astray", "an overlay that isn't there", GOOD + 'overlays = ["../../none.yaml"]\n', "can't be read"),
    write(
        "overload",
        "a window without an end",
        GOOD + 'windows = [{days = "mon", hours = "00:00-99:99", zone = "UTC"}]\n',
        "windows",
    ),
    write("overload", "a reminder beyond all", GOOD + 'reminders = ["99999999999999d"]\n', "reminders"),
    set_to("break", "a number in words", "ASM_UPGRADE_RETRY_CAP", ASM_UPGRADE_RETRY_CAP="soon"),
    set_to("overload", "hours beyond all", "ASM_UPGRADE_APPROVAL_HOURS", ASM_UPGRADE_APPROVAL_HOURS="1e300"),
    set_to("break", "no number", "ASM_UPGRADE_CACHE_GB", ASM_UPGRADE_CACHE_GB="nan"),
    set_to("break", "a port below zero", "ASM_UPGRADE_HEALTH_PORT", ASM_UPGRADE_HEALTH_PORT="-1"),
    set_to("break", "a mode that is none", "ASM_UPGRADE_SLACK_MODE", ASM_UPGRADE_SLACK_MODE="carrier pigeon"),
    set_to("forge", "a key that is guessed", "ASM_UPGRADE_KEY is shorter", ASM_UPGRADE_KEY="k"),
    set_to(
        "forge",
        "a key beside what it proves",
        "must not lie in the state folder",
        ASM_UPGRADE_KEY="",
        ASM_UPGRADE_KEY_FILE="STATE/key",
    ),
    set_to("lead astray", "releases that are no folder", "not a folder", ASM_UPGRADE_RELEASES="/dev/null"),
    set_to("lead astray", "clusters that aren't there", "can't be read", ASM_UPGRADE_CLUSTERS="STATE/none.toml"),
    set_to("break", "no token", "SLACK_BOT_TOKEN is not set", SLACK_BOT_TOKEN=""),
    hook("lead astray", "events in the clear", "http://events.example/"),
    hook("lead astray", "events to a name like the machine's own", "http://localhost.evil.example/"),
    hook("lead astray", "events with a password in the address", "https://a:b@events.example/"),
    hook("lead astray", "events into a file", "file:///tmp/events"),
    write(
        "forge",
        "events signed with nothing",
        WEBHOOK.replace("PAGER", "NONE").replace("URL", "https://a.example/") + GOOD,
        "not set in the environment",
    ),
    write(
        "forge",
        "a secret that stands in the file",
        WEBHOOK.replace("PAGER", "my secret").replace("URL", "https://a.example/") + GOOD,
        "name of an environment variable",
    ),
]
