"""What the doctor asks of Slack: each token by its own name, scopes, the time there, what it says of our blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import msgspec

from bot.app.checks.drawn import list_latest
from bot.app.checks.people import PeopleChecks
from bot.orders.cluster_views import ClusterView, write_place
from bot.settings.clusters import Cluster
from bot.settings.environment import SlackSettings
from bot.slack.api.answers import REMEDIES, Answered, Refused, SlackAnswer, TooFast, Unclear, call_slack
from bot.slack.api.clients import build_posting_client
from bot.slack.api.directory import SlackDirectory
from bot.slack.drawing.home import draw_home
from bot.slack.drawing.root import draw_root
from bot.slack.drawing.text import Pen
from handlers.transport.headcount import CONNECTIONS
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.wording import count_things, describe_seconds

if TYPE_CHECKING:
    pass

# No upgrade needs this one.
MENTIONS = "app_mentions:read"
# Why each is needed stands beside it in manifests/slack-app.yaml.
SCOPES = (
    "commands",
    MENTIONS,
    "chat:write",
    "im:write",
    "usergroups:read",
    "users:read",
    "files:read",
    "files:write",
    "channels:history",
    "groups:history",
    "im:history",
)

SKEW_WARNING_SECONDS = 30
SKEW_ERROR_SECONDS = 240
BOT_TOKEN, APP_TOKEN, SECRET = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"
KINDS: Mapping[str, str] = {
    "xoxb-": "a bot token",
    "xapp-": "an app-level token",
    "xoxp-": "a user's token",
    "xoxe": "a token that expires",
}
SHOWN_CLUSTERS = 5
HELLO_SECONDS = 5


class SlackChecks:
    """Asks Slack about the app. `client` is for whatever else is asked, once the bot token was found to be right."""

    def __init__(self, slack: SlackSettings) -> None:
        self._slack = slack
        self.client = build_posting_client(slack.bot_token, slack.api_url)

    def check_bot_token(self) -> Iterator[Check]:
        """The bot token, its scopes and the clock, which is compared with Slack's; an error leaves nothing to ask."""
        if wrong := check_kind(BOT_TOKEN, self._slack.bot_token, "xoxb-"):
            yield wrong
            return
        headers: dict[str, str] = {}
        answer = call_slack(lambda: self._ask_identity(headers))
        if not isinstance(answer, Answered):
            yield _judge(BOT_TOKEN, answer, "Set SLACK_BOT_TOKEN to the app's xoxb- token.")
            return
        yield passed(BOT_TOKEN, f"{answer.fields.get('user')} in {answer.fields.get('team')}")
        yield check_scopes(headers.get("x-oauth-scopes", ""))
        yield check_clock(headers.get("date", ""), datetime.now(UTC))

    def open_people(self) -> PeopleChecks:
        """What asks about people and groups."""
        return PeopleChecks(SlackDirectory(self.client))

    def check_entrance(self) -> Check:
        """How Slack's requests come in: the app token in Socket Mode, the signing secret in HTTP mode."""
        return self._check_app_token() if self._slack.mode == "socket" else check_secret(self._slack.signing_secret)

    def _ask_identity(self, headers: dict[str, str]) -> object:
        """auth.test, whose headers tell scopes and time."""
        response = self.client.auth_test()
        headers |= {str(name).lower(): str(value) for name, value in response.headers.items()}
        return response

    def check_blocks(self, clusters: Mapping[str, Cluster], state: Path) -> Check:
        """Whether Slack takes what the bot draws; asked of Slack itself, and posted nowhere."""
        pen = Pen(lambda _user: False)
        home = draw_home([_show_idle(cluster) for cluster in list(clusters.values())[:SHOWN_CLUSTERS]], pen)
        roots = [draw_root(view, "rich", "doctor", pen) for view in list_latest(state)]
        answers = [call_slack(lambda: self.client.blocks_validate(view=home))]
        answers += [call_slack(lambda: self.client.blocks_validate(blocks=roots[0])) for _ in roots]
        answer = next((one for one in answers if not isinstance(one, Answered)), answers[0])
        match answer:
            case Answered():
                root = " and the latest upgrade's root message" if roots else ""
                return passed("blocks", f"Slack takes the bot's Home tab{root} as drawn")
            case Refused("unknown_method"):
                return passed("blocks", "this Slack does not say beforehand whether it takes them")
            case _:
                return _judge("blocks", answer, "Take a version of the bot that Slack's rules of this day allow.")

    def _check_app_token(self) -> Check:
        token = self._slack.app_token
        if wrong := check_kind(APP_TOKEN, token, "xapp-"):
            return wrong
        answer = call_slack(lambda: self.client.apps_connections_open(app_token=token))
        if isinstance(answer, Answered):
            return judge_connections(APP_TOKEN, count_connections(str(answer.fields.get("url"))))
        return _judge(APP_TOKEN, answer, "Set SLACK_APP_TOKEN to an app-level token with connections:write.")


def check_kind(name: str, token: str, prefix: str) -> Check | None:
    """What is wrong with a token by its first letters alone: the two are often mixed up."""
    if token.startswith(prefix):
        return None
    found = next((kind for start, kind in KINDS.items() if token.startswith(start)), "nothing that Slack gives out")
    return failed(name, f"it is {found}, not {KINDS[prefix]}", f"Set {name} to the one that begins with {prefix}.")


def check_secret(secret: str) -> Check:
    """What a signing secret shows by itself; only a request from Slack proves it right."""
    if re.fullmatch(r"[0-9a-f]{32}", secret):
        return passed(SECRET, "it has the form of one; only a request of Slack's proves it")
    remedy = "Copy it anew from Basic Information, App Credentials."
    return warned(SECRET, "Slack's are 32 digits and letters a to f, and this is not", remedy)


def _judge(name: str, answer: SlackAnswer, remedy: str) -> Check:
    match answer:
        case Refused(code):
            advice = f"{REMEDIES[code][0].upper()}{REMEDIES[code][1:]}." if code in REMEDIES else remedy
            return failed(name, f"Slack refuses it: {code}", remedy if name == APP_TOKEN else advice)
        case TooFast(seconds):
            return warned(name, f"Slack asks to wait {describe_seconds(seconds)}", "Run doctor again then.")
        case Unclear(why):
            return failed("Slack", f"Slack can't be reached: {why}", "Check the network and SLACK_API_URL.")
        case Answered():
            return passed(name, "Slack takes it")
        case _:
            assert_never(answer)


def _show_idle(cluster: Cluster) -> ClusterView:
    """The cluster as it stands in a Home tab before any upgrade."""
    return ClusterView(
        key=cluster.key,
        place=write_place(cluster.address),
        channel=cluster.channel,
        release=cluster.release,
        production=cluster.policy.production,
        version="",
        mtls="",
        testing_workloads=cluster.options.testing_workloads,
        upgrade=None,
        last=None,
        may_start=True,
        allowed=(),
    )


def check_scopes(granted: str) -> Check:
    """The scopes of the bot token, as Slack's header x-oauth-scopes lists them."""
    names = {name.strip() for name in granted.split(",") if name.strip()}
    if not names:
        return warned("Slack scopes", "Slack did not tell the token's scopes")
    missing = [scope for scope in SCOPES if scope not in names]
    remedy = "Install the app again from manifests/slack-app.yaml."
    if missing == [MENTIONS]:
        return warned("Slack scopes", f"the bot token lacks {MENTIONS}: mentions of the bot are not heard", remedy)
    if missing:
        return failed("Slack scopes", f"the bot token lacks {', '.join(missing)}", remedy)
    return passed("Slack scopes", f"all {len(SCOPES)} are granted")


def check_clock(told: str, now: datetime) -> Check:
    """This machine's clock against an HTTP Date header."""
    try:
        there = parsedate_to_datetime(told)
    except ValueError:
        return warned("clock", "Slack told no time to compare with")
    skew = abs((now - there).total_seconds())
    sentence = f"{describe_seconds(skew)} apart from Slack's"
    remedy = "Set the clock (NTP): signatures, tokens and approvals' expiry depend on it."
    if skew > SKEW_ERROR_SECONDS:
        return failed("clock", sentence, remedy)
    return warned("clock", sentence, remedy) if skew > SKEW_WARNING_SECONDS else passed("clock", sentence)


class Hello(msgspec.Struct):
    """What Slack says first on a connection."""

    type: str
    num_connections: int = 0


def count_connections(url: str) -> int | None:
    """How many connections the app's token has besides this one; None where Slack does not say.

    A click that Slack hands to this one in that moment is lost, and the person is shown that.
    """
    import websocket

    try:
        connection = websocket.create_connection(url, timeout=HELLO_SECONDS)
        try:
            hello = msgspec.json.decode(connection.recv(), type=Hello)
        finally:
            connection.close()
    except (websocket.WebSocketException, OSError, msgspec.MsgspecError):
        return None
    return hello.num_connections - 1 if hello.type == "hello" else None


def judge_connections(name: str, others: int | None) -> Check:
    """One bot holds so many; more are another's."""
    opens = "Socket Mode can be opened"
    if others is None:
        return passed(name, opens)
    if others <= CONNECTIONS:
        return passed(name, f"{opens}; Slack counts {count_things(others, 'other connection')}")
    return warned(
        name,
        f"Slack counts {others} other connections, and one bot has {CONNECTIONS}: each click goes to one of them",
        "Find the other program that uses the app's token and end it, or give it a Slack app of its own.",
    )
