"""The table of what is legal, held against Slack's own payloads: forged, stale and plain ones, by every kind of person.

The table and the states are those of the use cases (tests/unit/bot/people/test_rights.py); here everything enters as
Slack sends it, through the real app over Socket Mode, and people are asked for at the stand-in.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from hypothesis import given, settings

from bot.clicks.clicks import Click
from bot.orders.fleet import Fleet
from bot.slack.api.directory import SlackDirectory
from bot.slack.sending.home_tabs import HomeTabs
from handlers.app import build_app
from handlers.desk import Reception
from handlers.forms.modals import REASON_FORM
from handlers.transport.socket_mode import build_socket_handler
from sandbox.slack.workspace.cast import Cast, Person, UserGroup
from tests.unit.bot.people.test_rights import ACTIONS, CLICKS, LEGAL, MAY, PEOPLE, judge, read_deeds, stand
from tests.unit.bot.slack.stand_in import CHANNEL, HandClock, LocalSlack, run_slack
from tests.unit.bot.society import BOT, EVE, GONE, GROUP, GUEST, HOME, OTHER, OUTSIDER
from tests.unit.bot.workbench import CAI, Engine

STRANGERS = (
    Person(EVE, "eve", "Somebody who may break the glass alone"),
    Person(OUTSIDER, "outsider", "An outsider", team=OTHER),
    Person(GUEST, "guest", "A guest", is_restricted=True),
    Person(GONE, "gone", "Somebody who left", deleted=True),
    Person(BOT, "robot", "A robot", is_bot=True),
)
APP = Cast().app.id
CODED = ("approve", "decide", "break-glass")
BUTTONS = ("approve", "deny", "pause", "resume", "retry", "abort", "decide", "break-glass", "rollback")


@dataclass
class OneDesk:
    """A desk in front of the engine that a test stands at."""

    engine: Engine | None = None
    received: list[str] = field(default_factory=list)

    def receive(self, click: Click) -> bool:
        """Hand the click on."""
        assert self.engine
        self.received.append(click.order.action)
        return self.engine.upgrades.receive(click)


class Names:
    """Clusters go by the name that is typed."""

    def read_name(self, target: str) -> str:
        """The same name."""
        return target


@dataclass
class Office:
    """The real app, connected to a Slack with people of every kind."""

    slack: LocalSlack
    desk: OneDesk
    numbers: Iterator[int]

    @contextmanager
    def stand(self, state: str) -> Iterator[Engine]:
        """An engine in this state, which asks this Slack about people."""
        with stand(state, SlackDirectory(self.slack.reading())) as engine:
            self.desk.engine = engine
            yield engine

    def changes(self, engine: Engine, kind: str, payload: dict[str, Any]) -> bool:
        """Whether a payload changed anything."""
        before = read_deeds(engine)
        self.slack.act("payload", kind=kind, payload=payload)
        engine.upgrades.settle_clicks()
        return read_deeds(engine) != before


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    """Connected; the approvers' group has a guest and somebody who left."""
    group = UserGroup(GROUP, "mesh-approvers", "Mesh approvers", (CAI, GUEST, GONE))
    people = replace(Cast().with_people(*STRANGERS), groups=(group,))
    clock, desk = HandClock(), OneDesk()
    with run_slack(clock, people) as slack:
        # Neither forms nor tabs are opened here.
        reception = Reception(desk, cast(Fleet, Names()), cast(HomeTabs, None), slack.identity(), clock, frozenset())
        handler = build_socket_handler(build_app(reception, slack.posting()), people.app.app_token)
        handler.connect()
        slack.wait_for_socket()
        yield Office(slack, desk, itertools.count(1))
        handler.close()


def write_command(office: Office, click: dict[str, Any]) -> dict[str, Any]:
    """A slash command for what the click wants, always with a reason, and with the open card's code."""
    engine = office.desk.engine
    question = engine.journal.find_open_question("cluster-x-1") if engine else None
    code = f" {question.code if question else 'K7Q2MD'}" if click["action"] in CODED else ""
    choice = f" {click['choice'] or 'none'}" if click["action"] == "decide" else ""
    reason = {"start": "", "move": " <#C0OTHER001|mesh-ops>"}.get(click["action"], " because")
    return {
        "token": "t",
        "team_id": click["team"] or HOME,
        "team_domain": "sandbox",
        "channel_id": CHANNEL,
        "channel_name": "mesh-upgrades",
        "user_id": click["user"],
        "user_name": "somebody",
        "command": "/asm-upgrade",
        "text": f"{click['action']} cluster-x{code}{choice}{reason}",
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": "",
        "trigger_id": f"{next(office.numbers)}.2.3",
    }


def write_value(engine: Engine, card: str) -> str:
    """The value of a button: the open question's, an older or newer one's, or another's."""
    row = engine.journal.find_upgrade("cluster-x-1")
    step, generation = (row.step, row.generation) if row else ("asking", 1)
    return {
        "none": "cluster-x||0",
        "right": f"cluster-x-1|{step}|{generation}",
        "older": f"cluster-x-1|{step}|0",
        "newer": f"cluster-x-1|{step}|99",
        "another": "cluster-x-1|control-plane/approve|1",
    }[card]


def write_interaction(engine: Engine, office: Office, click: dict[str, Any]) -> dict[str, Any]:
    """A click on a button, or for what needs a reason the form in which it was given."""
    action = str(click["action"])
    action_id = f"asm:decide:{click['choice']}" if action == "decide" else f"asm:{action}"
    value, number = write_value(engine, click["card"]), next(office.numbers)
    value += "||because" if action == "break-glass" else ""
    common = {
        "team": {"id": HOME, "domain": "sandbox"},
        "user": {"id": click["user"], "username": "somebody", "team_id": click["team"] or HOME},
        "api_app_id": APP,
        "trigger_id": f"{number}.2.3",
    }
    if action in ("deny", "abort", "rollback") or click["choice"] == "deny":
        metadata = json.dumps({"value": value + "|reason", "action_id": action_id, "channel": CHANNEL})
        reason = {"reason": {"reason": {"type": "plain_text_input", "value": "because"}}}
        view = {"id": f"V{number}", "hash": "h", "type": "modal", "callback_id": REASON_FORM}
        return {
            **common,
            "type": "view_submission",
            "view": {**view, "team_id": HOME, "private_metadata": metadata, "state": {"values": reason}},
        }
    return {
        **common,
        "type": "block_actions",
        "container": {"type": "message", "message_ts": "1.000001", "channel_id": CHANNEL},
        "channel": {"id": CHANNEL, "name": "mesh-upgrades"},
        "actions": [
            {"type": "button", "action_id": action_id, "block_id": "b", "value": value, "action_ts": f"{number}.0"}
        ],
    }


def judge_button(state: str, click: dict[str, Any]) -> bool:
    """The table for buttons: start has none, and the choice is the button's own."""
    action = click["action"]
    if action not in BUTTONS or (action == "decide" and not click["choice"]):
        return False
    return judge(state, click if action == "decide" else click | {"choice": ""})


def judge_command(state: str, click: dict[str, Any]) -> bool:
    """The table for commands, which are about the open question; retry is one, and no choice of `decide`.

    On a production cluster a command that would approve is answered with a button.
    """
    chosen = click["choice"] or "none" if click["action"] == "decide" else ""
    return judge(state, click | {"card": "right" if click["action"] in CODED else "none", "choice": chosen})


def list_plain_clicks() -> list[dict[str, Any]]:
    """Every action by every person, on the open question's card."""
    return [
        {"action": action, "user": user, "choice": "accept" if action == "decide" else "", "card": "right", "team": ""}
        for action in ACTIONS
        for user in PEOPLE
    ]


@pytest.mark.parametrize("state", LEGAL)
def test_no_command_does_what_the_table_forbids(office: Office, state: str) -> None:
    """Every command by every kind of person."""
    with office.stand(state) as engine:
        refused = [click for click in list_plain_clicks() if not judge_command(state, click)]
        changed = [click for click in refused if office.changes(engine, "slash_commands", write_command(office, click))]
    assert changed == []


@pytest.mark.parametrize("state", LEGAL)
def test_no_button_does_what_the_table_forbids(office: Office, state: str) -> None:
    """Every button by every kind of person, whether or not a card shows it to them."""
    with office.stand(state) as engine:
        refused = [click for click in list_plain_clicks() if not judge_button(state, click)]
        changed = [
            click
            for click in refused
            if office.changes(engine, "interactive", write_interaction(engine, office, click))
        ]
    assert changed == []


@pytest.mark.parametrize("state", [state for state in LEGAL if LEGAL[state]])
def test_all_that_the_table_allows_is_possible_in_slack(office: Office, state: str) -> None:
    """By command, and where there is a button by it as well; what approves in production is its button's alone."""
    failed = []
    for deed in sorted(LEGAL[state]):
        click = {"action": "decide" if deed == "accept" else deed, "choice": "accept" if deed == "accept" else ""}
        for user in sorted(MAY[deed]):
            whole = {**click, "user": user, "card": "right", "team": HOME}
            with office.stand(state) as engine:
                changed = office.changes(engine, "slash_commands", write_command(office, whole))
                if changed == (deed in ("approve", "accept", "break-glass")):
                    failed.append(("command", whole))
            if deed in ("start", "move"):
                continue
            with office.stand(state) as engine:
                if not office.changes(engine, "interactive", write_interaction(engine, office, whole)):
                    failed.append(("button", whole))
    assert failed == []


@pytest.mark.parametrize("state", LEGAL)
@given(click=CLICKS)
@settings(max_examples=12)
def test_a_forged_button_changes_something_exactly_where_the_table_allows_it(
    office: Office, state: str, click: dict[str, Any]
) -> None:
    """Made-up choices, stale and foreign cards, people of another workspace."""
    with office.stand(state) as engine:
        changed = office.changes(engine, "interactive", write_interaction(engine, office, click))
    assert (click, changed) == (click, judge_button(state, click))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "cluster-x-1",
        "cluster-x-1|asking",
        "cluster-x-1|asking|1|reason|more",
        "cluster-x-1|asking|-1",
        "cluster-x-1|asking|1 or 1=1",
        "cluster-x-1|asking|" + "9" * 400,
        "' or 1=1 --|asking|1",
        "cluster-x-1' --|asking|1",
        "../cluster-x-1|asking|1",
        "{}",
        "\x00|asking|1",
    ],
)
def test_a_value_that_the_bot_never_wrote_does_nothing(office: Office, value: str) -> None:
    """By somebody who may approve."""
    with office.stand("asking") as engine:
        click = {"action": "approve", "user": CAI, "choice": "", "card": "right", "team": HOME}
        payload = write_interaction(engine, office, click)
        payload["actions"][0]["value"] = value
        assert not office.changes(engine, "interactive", payload)


@pytest.mark.parametrize("action_id", ["asm:deny", "asm:abort", "asm:rollback"])
def test_what_takes_a_reason_does_nothing_without_the_form(office: Office, action_id: str) -> None:
    """A value without the mark that asks for the reason saves nobody the reason."""
    with office.stand("asking") as engine:
        click = {"action": "approve", "user": CAI, "choice": "", "card": "right", "team": HOME}
        payload = write_interaction(engine, office, click)
        payload["actions"][0]["action_id"] = action_id
        assert not office.changes(engine, "interactive", payload)


@pytest.mark.parametrize("action", ["approve", "deny", "pause", "abort"])
def test_a_replayed_envelope_does_nothing(office: Office, action: str) -> None:
    """The very same payload, sent again after it was settled."""
    with office.stand("asking") as engine:
        click = {"action": action, "user": CAI, "choice": "", "card": "right", "team": HOME}
        payload = write_interaction(engine, office, click)
        changed = [office.changes(engine, "interactive", payload) for _ in range(2)]
    assert changed == [True, False]


def test_a_replayed_command_does_nothing(office: Office) -> None:
    """Its trigger is its identity."""
    with office.stand("asking") as engine:
        click = {"action": "pause", "user": CAI, "choice": "", "card": "right", "team": HOME}
        payload = write_command(office, click)
        changed = [office.changes(engine, "slash_commands", payload)]
        engine.click("resume", CAI)
        changed.append(office.changes(engine, "slash_commands", payload))
    assert changed == [True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"api_app_id": "A0OTHER001"},
        {"team": {"id": OTHER, "domain": "other"}},
        {"team": None},
        {"user": {"id": "", "team_id": HOME}},
        {"user": None},
        {"actions": []},
    ],
)
def test_an_envelope_with_foreign_or_missing_ids_does_nothing(office: Office, change: dict[str, Any]) -> None:
    """The app token is the only proof of Socket Mode, so every id is checked."""
    with office.stand("asking") as engine:
        click = {"action": "approve", "user": CAI, "choice": "", "card": "right", "team": HOME}
        payload = write_interaction(engine, office, click) | change
        assert not office.changes(engine, "interactive", payload)


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "{}",
        "[]",
        '{"value": "cluster-x-1|asking|1|reason"}',
        '{"value": "x", "action_id": "asm:deny", "channel": "C0MESHOPS1"}',
        '{"value": "cluster-x-1|asking|1|reason", "action_id": "asm:start", "channel": "C0MESHOPS1"}',
        '{"value": "cluster-x-1|asking|99|reason", "action_id": "asm:deny", "channel": "C0MESHOPS1"}',
        '{"value": ["cluster-x-1"], "action_id": {"a": 1}, "channel": 1}',
    ],
)
def test_a_form_with_forged_metadata_does_nothing(office: Office, metadata: str) -> None:
    """What a form is about is only a claim as well."""
    with office.stand("asking") as engine:
        click = {"action": "deny", "user": CAI, "choice": "", "card": "right", "team": HOME}
        payload = write_interaction(engine, office, click)
        payload["view"]["private_metadata"] = metadata
        assert not office.changes(engine, "interactive", payload)
