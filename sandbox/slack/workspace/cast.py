"""Who and what the Slack stand-in knows before anybody acts: people, channels, groups, the app and its tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

TEAM = "T0SANDBOX1"
BOT_USER = "U0ASMBOT01"
SLACKBOT = "USLACKBOT"
MAIN_CHANNEL = "C0MESHOPS1"


@dataclass(frozen=True)
class Person:
    """A member as users.info shows one. A team other than the cast's makes an outsider of a shared channel."""

    id: str
    name: str
    real_name: str
    title: str = ""
    timezone: str = "Europe/Berlin"
    team: str = TEAM
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False


@dataclass(frozen=True)
class Shortcut:
    """An entry of the app in the menu of a message."""

    callback_id: str
    name: str


@dataclass(frozen=True)
class Channel:
    """A channel; the bot may post only where it is a member."""

    id: str
    name: str
    topic: str = ""
    has_bot: bool = True
    private: bool = False


@dataclass(frozen=True)
class UserGroup:
    """A user group (`@handle`) and its members' ids."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class SlackApp:
    """The Slack app: ids, tokens and the scopes that its bot token carries."""

    id: str = "A0ASMUPG01"
    name: str = "ASM Upgrade Bot"
    bot_id: str = "B0ASMBOT01"
    bot_user: str = BOT_USER
    bot_name: str = "asm-upgrade"
    command: str = "/asm-upgrade"
    description: str = "Upgrade Anthos Service Mesh, phase by phase"
    usage_hint: str = "start|status|pause cluster-x"
    bot_token: str = "xoxb-sandbox-123456789012-asmupgrade"
    app_token: str = "xapp-1-A0ASMUPG01-123456789012-sandbox"
    signing_secret: str = "5a4e2f0c9b8d7e6f1a2b3c4d5e6f7081"
    scopes: tuple[str, ...] = (
        "app_mentions:read",
        "channels:history",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "im:history",
        "im:write",
        "usergroups:read",
        "users:read",
    )
    app_scopes: tuple[str, ...] = ("connections:write",)
    shortcuts: tuple[Shortcut, ...] = (Shortcut("asm-about", "Mesh upgrade"),)


PEOPLE = (
    Person("U0ANA00001", "ana", "Ana Torres", "Site reliability engineer", "Europe/Madrid"),
    Person("U0BEN00002", "ben", "Ben Okafor", "Site reliability engineer", "America/New_York"),
    Person("U0CAI00003", "cai", "Cai Lin", "Platform lead", "Asia/Seoul"),
    Person("U0DEE00004", "dee", "Dee Novak", "Product designer", "Europe/Prague"),
)
CHANNELS = (
    Channel(MAIN_CHANNEL, "mesh-upgrades", "Service mesh upgrades, one thread each"),
    Channel("C0GENERAL1", "general", "The bot is not a member here", has_bot=False),
)
GROUPS = (UserGroup("S0APPROVE1", "mesh-approvers", "Mesh approvers", ("U0BEN00002", "U0CAI00003")),)


@dataclass(frozen=True)
class Cast:
    """Everything the stand-in starts with; tests replace parts of it."""

    team: str = TEAM
    team_domain: str = "sandbox"
    team_name: str = "Sandbox"
    app: SlackApp = field(default_factory=SlackApp)
    people: tuple[Person, ...] = PEOPLE
    channels: tuple[Channel, ...] = CHANNELS
    groups: tuple[UserGroup, ...] = GROUPS

    def with_people(self, *people: Person) -> Cast:
        """Return the cast with more members."""
        return replace(self, people=(*self.people, *people))

    def person(self, user: str) -> Person | None:
        """Return the member with this id or name."""
        return next((person for person in self.members() if user in (person.id, person.name)), None)

    def members(self) -> tuple[Person, ...]:
        """Return all people, then the app's own bot user."""
        bot = Person(self.app.bot_user, self.app.bot_name, self.app.name, timezone="Etc/UTC", is_bot=True)
        return (*self.people, bot)
