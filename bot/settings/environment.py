"""Environment and clusters.toml turned into frozen settings; every fault is reported at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeAlias, cast

from bot.settings.clusters import Cluster, parse_clusters
from bot.settings.projects import NO_DISCOVERY, DiscoverySettings, parse_discovery
from bot.settings.way_out import STRAIGHT, WayOut, parse_way_out
from bot.settings.webhooks import Webhook, parse_webhooks
from steps.contract.documents import BadDocument

SlackMode: TypeAlias = Literal["socket", "http"]


class ConfigError(Exception):
    """The settings are wrong; `faults` has one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


# No calendar has years for more hours than this.
LARGEST_NUMBER = 1_000_000
SHORTEST_KEY = 32


@dataclass(frozen=True)
class Setting:
    """One environment variable; docs/settings.md and --help list them from here."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("SLACK_BOT_TOKEN", "", "The bot token (xoxb-...) of the Slack app."),
    Setting("SLACK_APP_TOKEN", "", "The app-level token (xapp-...) with connections:write, for Socket Mode."),
    Setting("SLACK_SIGNING_SECRET", "", "The signing secret, for HTTP mode."),
    Setting("SLACK_API_URL", "https://slack.com/api/", "Where Slack's Web API answers."),
    Setting("ASM_UPGRADE_SLACK_MODE", "socket", "How Slack reaches the bot: socket or http."),
    Setting("ASM_UPGRADE_HTTP_PORT", "3000", "The port of HTTP mode."),
    Setting("ASM_UPGRADE_LISTEN", "127.0.0.1", "The address of HTTP mode and the health port; 0.0.0.0 in a container."),
    Setting("ASM_UPGRADE_HEALTH_PORT", "0", "The port of /livez, /readyz and /metrics; 0 turns them off."),
    Setting("ASM_UPGRADE_LIVE_PORT", "0", "A port of /livez alone, which nobody can keep busy; 0 turns it off."),
    Setting("ASM_UPGRADE_CLUSTERS", "clusters.toml", "The file that names the clusters and who may do what on them."),
    Setting("ASM_UPGRADE_STATE", "state", "The folder of the journal, the downloads and what child programs print."),
    Setting("ASM_UPGRADE_KEY", "", "The key that decisions are authenticated with, 32 letters or more; else a file."),
    Setting(
        "ASM_UPGRADE_KEY_FILE",
        "~/.config/asm-upgrade/key",
        "Where that key is kept without ASM_UPGRADE_KEY; made at the first start, never in the state folder.",
    ),
    Setting("ASM_UPGRADE_RELEASES", "", "A folder of release files that add to the shipped ones or replace them."),
    Setting("ASM_UPGRADE_MIRROR", "", "An address to download archives from in place of the release's own."),
    Setting("ASM_UPGRADE_CACHE_GB", "5", "How much room downloaded releases may take; those in use count, but stay."),
    Setting(
        "ASM_UPGRADE_BACKUPS", "", "A folder that gets a copy of the journal a day, the last 14 stay; empty for none."
    ),
    Setting(
        "ASM_UPGRADE_RETENTION_DAYS",
        "400",
        "How long after its end an upgrade is kept whole; 0 keeps all. Audit, decisions and ledgers stay for ever.",
    ),
    Setting(
        "ASM_UPGRADE_RETENTION_FOLDER",
        "",
        "Where what is no longer kept goes, compressed; empty for `parcels` in the state folder.",
    ),
    Setting("ASM_UPGRADE_RETENTION_GB", "1", "How much room that folder may take; what came there first goes first."),
    Setting(
        "ASM_UPGRADE_GRACE",
        "0",
        "How many seconds a bot that is told to stop waits for programs that run; in a container over 1800.",
    ),
    Setting(
        "ASM_UPGRADE_PROGRAMS",
        "0",
        "How many of istioctl and asmctl run at once; 0 for one to four, as memory allows. Others wait for a place; "
        "a way back, and an apply that was begun and has to be repeated, may take one more (with 0 only where memory "
        "holds it).",
    ),
    Setting("ASM_UPGRADE_RETRY_CAP", "15", "The longest pause between two looks at the same thing, in seconds."),
    Setting("ASM_UPGRADE_APPROVAL_HOURS", "24", "How long an approval counts where no window ends it."),
    Setting("ASM_UPGRADE_ROLLBACK_HOURS", "72", "How long a report has the button that takes the upgrade back."),
    Setting("ASM_UPGRADE_GKE_ENDPOINT", "", "Where the GKE API answers; empty for Google's own address."),
    Setting(
        "ASM_UPGRADE_RESOURCE_MANAGER_ENDPOINT", "", "Where Cloud Resource Manager answers; empty for Google's own."
    ),
    Setting("ASM_UPGRADE_SERVICE_USAGE_ENDPOINT", "", "Where Service Usage answers; empty for Google's own address."),
    Setting(
        "ASM_UPGRADE_PROXY",
        "",
        "The HTTP proxy that every client and child program uses; NO_PROXY names hosts beside it.",
    ),
    Setting("ASM_UPGRADE_CA", "", "A PEM file of CAs that all of them trust besides the public ones."),
    Setting("GOOGLE_APPLICATION_CREDENTIALS", "", "Application-default credentials, as for every Google client."),
    Setting("ASM_UPGRADE_LOG", "info", "How much is logged: debug, info, warning or error."),
)

# The journal's file and the folder of backups in the state folder.
JOURNAL = "asm-upgrade.db"
BACKUPS = "backups"
PARCELS = "parcels"


@dataclass(frozen=True)
class SlackSettings:
    """How the bot reaches Slack and Slack the bot."""

    bot_token: str
    app_token: str
    signing_secret: str
    api_url: str
    mode: SlackMode
    http_port: int
    listen: str = "127.0.0.1"


@dataclass(frozen=True)
class GoogleSettings:
    """Addresses of Google's APIs; "" for Google's own."""

    gke: str
    resource_manager: str
    service_usage: str


@dataclass(frozen=True)
class KeyPlace:
    """Where the key of decisions is: its text, "" where it is in the file."""

    text: str = field(repr=False)
    file: Path


@dataclass(frozen=True)
class RetentionSettings:
    """How long an upgrade is kept whole after its end (0: for ever), where it goes then, and how many bytes stay."""

    age: timedelta
    folder: Path
    limit: int


@dataclass(frozen=True)
class Settings:
    """Everything that the bot is told from outside."""

    slack: SlackSettings
    google: GoogleSettings
    clusters: Mapping[str, Cluster]
    state: Path
    key: KeyPlace
    releases: Path | None
    mirror: str
    retry_cap: float
    approval_life: timedelta
    health_port: int
    live_port: int
    log_level: str
    retention: RetentionSettings
    listen: str = "127.0.0.1"
    cache_bytes: int = 5 * 10**9
    backups: Path | None = None
    grace: float = 0.0
    programs: int = 0
    rollback_button: timedelta = timedelta(hours=72)
    discovery: DiscoverySettings = NO_DISCOVERY
    webhooks: tuple[Webhook, ...] = ()
    way_out: WayOut = STRAIGHT

    @property
    def workspaces(self) -> frozenset[str]:
        """The workspaces besides the bot's own whose people count on some cluster."""
        policies = (*(cluster.policy for cluster in self.clusters.values()), self.discovery.template.policy)
        return frozenset[str]().union(*(policy.workspaces for policy in policies))


@dataclass
class _Reader:
    """Reads variables and collects what is wrong with them."""

    environment: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        default = next(setting.default for setting in SETTINGS if setting.name == name)
        return self.environment.get(name, "").strip() or default

    def required(self, name: str, why: str) -> str:
        value = self.text(name)
        if not value:
            self.faults.append(f"{name} is not set; {why}.")
        return value

    def number(self, name: str, convert: Callable[[str], float], lowest: float) -> float:
        value = self.text(name)
        try:
            number = convert(value)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= LARGEST_NUMBER:
            self.faults.append(
                f"{name} is {value!r}; it must be a number of at least {lowest:g} and at most {LARGEST_NUMBER}."
            )
            return lowest
        return number

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name)
        if value not in choices:
            self.faults.append(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
        return value


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment and clusters.toml. Raises ConfigError with every fault."""
    reader = _Reader(os.environ if environment is None else environment)
    slack = _read_slack(reader)
    clusters, discovery = _read_clusters(reader)
    releases = reader.text("ASM_UPGRADE_RELEASES")
    if releases and not Path(releases).is_dir():
        reader.faults.append(f"ASM_UPGRADE_RELEASES is {releases!r}, which is not a folder.")
    settings = Settings(
        slack=slack,
        google=GoogleSettings(
            gke=reader.text("ASM_UPGRADE_GKE_ENDPOINT"),
            resource_manager=reader.text("ASM_UPGRADE_RESOURCE_MANAGER_ENDPOINT"),
            service_usage=reader.text("ASM_UPGRADE_SERVICE_USAGE_ENDPOINT"),
        ),
        clusters=clusters,
        discovery=discovery,
        webhooks=_read_webhooks(reader),
        way_out=_read_way_out(reader),
        state=Path(reader.text("ASM_UPGRADE_STATE")),
        key=_read_key(reader),
        releases=Path(releases) if releases else None,
        mirror=reader.text("ASM_UPGRADE_MIRROR"),
        retry_cap=reader.number("ASM_UPGRADE_RETRY_CAP", float, 0.01),
        approval_life=timedelta(hours=reader.number("ASM_UPGRADE_APPROVAL_HOURS", float, 0.01)),
        health_port=int(reader.number("ASM_UPGRADE_HEALTH_PORT", int, 0)),
        live_port=int(reader.number("ASM_UPGRADE_LIVE_PORT", int, 0)),
        listen=reader.text("ASM_UPGRADE_LISTEN"),
        cache_bytes=int(reader.number("ASM_UPGRADE_CACHE_GB", float, 0) * 10**9),
        retention=_read_retention(reader),
        programs=int(reader.number("ASM_UPGRADE_PROGRAMS", int, 0)),
        grace=reader.number("ASM_UPGRADE_GRACE", float, 0),
        rollback_button=timedelta(hours=reader.number("ASM_UPGRADE_ROLLBACK_HOURS", float, 0)),
        backups=Path(folder) if (folder := reader.text("ASM_UPGRADE_BACKUPS")) else None,
        log_level=reader.choice("ASM_UPGRADE_LOG", ("debug", "info", "warning", "error")),
    )
    if reader.faults:
        raise ConfigError(reader.faults)
    return settings


def read_clusters(environment: Mapping[str, str] | None = None) -> Mapping[str, Cluster]:
    """The clusters alone, for commands that need no Slack. Raises ConfigError with every fault."""
    reader = _Reader(os.environ if environment is None else environment)
    clusters, _ = _read_clusters(reader)
    if reader.faults:
        raise ConfigError(reader.faults)
    return clusters


def find_clusters_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where clusters.toml is."""
    return Path(_Reader(os.environ if environment is None else environment).text("ASM_UPGRADE_CLUSTERS"))


def find_settings_faults() -> list[str]:
    """What is wrong with clusters.toml as it stands, where there is one; for commands beside the bot."""
    if not find_clusters_file().is_file():
        return []
    try:
        read_clusters()
    except ConfigError as error:
        return describe_file_faults(error.faults)
    return []


def describe_file_faults(faults: Iterable[str]) -> list[str]:
    """The faults of a file that was right when the bot last took it."""
    return [f"Not in force, the last one that was right is: {one}" for one in faults]


def read_state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The state folder alone, for commands that only read the journal."""
    return Path(_Reader(os.environ if environment is None else environment).text("ASM_UPGRADE_STATE"))


def read_key_place(environment: Mapping[str, str] | None = None) -> KeyPlace:
    """Where the key of decisions is, for orders of the command line. Raises ConfigError."""
    reader = _Reader(os.environ if environment is None else environment)
    place = _read_key(reader)
    if reader.faults:
        raise ConfigError(reader.faults)
    return place


def _read_key(reader: _Reader) -> KeyPlace:
    text, file = reader.text("ASM_UPGRADE_KEY"), Path(reader.text("ASM_UPGRADE_KEY_FILE")).expanduser()
    if text and len(text) < SHORTEST_KEY:
        reader.faults.append(f"ASM_UPGRADE_KEY is shorter than {SHORTEST_KEY} letters.")
    state = Path(reader.text("ASM_UPGRADE_STATE")).absolute()
    if not text and file.absolute().is_relative_to(state):
        reader.faults.append(f"ASM_UPGRADE_KEY_FILE is {str(file)!r}; it must not lie in the state folder, {state}.")
    return KeyPlace(text, file)


def _read_retention(reader: _Reader) -> RetentionSettings:
    folder = reader.text("ASM_UPGRADE_RETENTION_FOLDER")
    return RetentionSettings(
        age=timedelta(days=reader.number("ASM_UPGRADE_RETENTION_DAYS", float, 0)),
        folder=Path(folder) if folder else Path(reader.text("ASM_UPGRADE_STATE")) / PARCELS,
        limit=int(reader.number("ASM_UPGRADE_RETENTION_GB", float, 0) * 10**9),
    )


def _read_slack(reader: _Reader) -> SlackSettings:
    mode = cast(SlackMode, reader.choice("ASM_UPGRADE_SLACK_MODE", ("socket", "http")))
    token = reader.required("SLACK_BOT_TOKEN", "Slack shows it under OAuth & Permissions as Bot User OAuth Token")
    if mode == "socket":
        reader.required(
            "SLACK_APP_TOKEN", "Socket Mode needs it; Slack shows it under Basic Information, App-Level Tokens"
        )
    else:
        reader.required("SLACK_SIGNING_SECRET", "HTTP mode needs it; Slack shows it under Basic Information")
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        if not re.fullmatch(r"[!-~]*", reader.text(name)):
            reader.faults.append(f"{name} has blanks or letters that Slack's have not; copy it anew.")
    if not re.fullmatch(r"https?://[!-~]+", reader.text("SLACK_API_URL")):
        reader.faults.append("SLACK_API_URL must begin with https://, or with http:// for a stand-in of Slack.")
    return SlackSettings(
        bot_token=token,
        app_token=reader.text("SLACK_APP_TOKEN"),
        signing_secret=reader.text("SLACK_SIGNING_SECRET"),
        api_url=reader.text("SLACK_API_URL"),
        mode=mode,
        http_port=int(reader.number("ASM_UPGRADE_HTTP_PORT", int, 1)),
        listen=reader.text("ASM_UPGRADE_LISTEN"),
    )


def _read_way_out(reader: _Reader) -> WayOut:
    way, faults = parse_way_out(reader.text("ASM_UPGRADE_PROXY"), reader.text("ASM_UPGRADE_CA"))
    reader.faults.extend(faults)
    return way


def _read_webhooks(reader: _Reader) -> tuple[Webhook, ...]:
    """Those of a clusters.toml that `_read_clusters` could read; it told of any other already."""
    path = Path(reader.text("ASM_UPGRADE_CLUSTERS"))
    try:
        webhooks, faults = parse_webhooks(path.read_text(encoding="utf-8"), path, reader.environment)
    except (OSError, ValueError, BadDocument):
        return ()
    reader.faults.extend(faults)
    return webhooks


def _read_clusters(reader: _Reader) -> tuple[Mapping[str, Cluster], DiscoverySettings]:
    path = Path(reader.text("ASM_UPGRADE_CLUSTERS"))
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reader.faults.append(f"ASM_UPGRADE_CLUSTERS is {str(path)!r}, which can't be read: {error.strerror}.")
        return {}, NO_DISCOVERY
    except UnicodeDecodeError as error:
        reader.faults.append(f"ASM_UPGRADE_CLUSTERS is {str(path)!r}, which is not UTF-8: {error}.")
        return {}, NO_DISCOVERY
    clusters, faults = parse_clusters(text, path)
    discovery = NO_DISCOVERY
    if not faults:
        discovery, faults = parse_discovery(text, path, clusters)
    reader.faults.extend(faults)
    return clusters, discovery
