"""The bot behind the doors of Slack, and what comes to them in the form that Slack gives it."""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

from slack_bolt.adapter.wsgi import SlackRequestHandler

from bot.clicks.clicks import Click
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from handlers.app import build_app
from handlers.transport.signatures import EVENTS_PATH, Refusals, SignedSite
from sandbox.slack.to_bot.http_mode import sign
from tests.unit.bot.people.test_rights import read_deeds, stand
from tests.unit.bot.slack.stand_in import CHANNEL, HandClock, run_slack
from tests.unit.bot.society import HOME
from tests.unit.bot.workbench import ANA, BEN, CAI, Engine
from tests.unit.handlers.front import GuestBook, build_reception

SECRET = "s" * 32
# Of the processor, for one attack.
MOST_SECONDS = 1.0
APP = "A0ASMUPG01"
Payload = dict[str, Any]
# What may not stand in anything that Slack is given of somebody's words.
KNOWING = Pen(lambda user: user in (ANA, BEN, CAI))
OBEYED = ("<!channel", "<!here", "<!everyone", "<https://evil", "<@U0EVERYBODY", "\x1b", "\u202e")


@dataclass
class Counter:
    """A desk that hands clicks on to the engine."""

    engine: Engine
    clicks: list[Click] = field(default_factory=list)

    def receive(self, click: Click) -> bool:
        """Hand the click on."""
        self.clicks.append(click)
        return self.engine.upgrades.receive(click)


@dataclass
class House:
    """The app, and the engine behind it."""

    site: SignedSite
    engine: Engine
    numbers: Iterator[int]
    judged: int = 0

    def send(self, body: str, kind: str = "application/x-www-form-urlencoded") -> int:
        """The status that a signed request is answered with."""
        content = body.encode()
        signed = sign(SECRET, content, int(time.time()))
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": EVENTS_PATH,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": io.BytesIO(content),
            **{f"HTTP_{name.upper().replace('-', '_')}": text for name, text in signed.items()},
        }
        statuses: list[str] = []
        self.site(environ, cast(Any, lambda status, _headers: statuses.append(status)))
        return int(statuses[0].split()[0])

    def judge(self, send: Callable[[], int], *, may_fail: bool = False) -> str:
        """What an attack did: changed something, left a row unsettled, took too long, or had Slack obey its words.

        `may_fail`: only Slack itself could sign it, and it is answered as a fault under a number, with nothing done.
        """
        before, began = read_deeds(self.engine), time.thread_time()
        status = send()
        self.engine.upgrades.settle_clicks()
        took = time.thread_time() - began
        if status >= 500 and not may_fail:
            return f"it was answered {status}"
        if read_deeds(self.engine) != before:
            return "it changed something"
        if self.engine.store.read("select 1 from clicks where settled_at is null"):
            return "it was left unsettled"
        if took > MOST_SECONDS:
            return f"it took {took:.1f} s of the processor"
        answers = self.engine.store.read("select seq, answer from clicks where seq > ? order by seq", [self.judged])
        self.judged = max((row["seq"] for row in answers), default=self.judged)
        if any("incident" in row["answer"] for row in answers):
            return "the bot failed at it"
        return self._find_obeyed() or self._find_deafness()

    def _find_obeyed(self) -> str:
        """What Slack is given and would obey; it takes the answers, so that each is looked at once."""
        now = self.engine.clock.now()
        messages = self.engine.outbox.list_unsent(now)
        for one in messages:
            if one.kind == "answer":
                self.engine.outbox.mark_sent(one.id, "answered", one.revision, now)
        drawn = [draw_message(one, None, "rich", KNOWING) for one in messages if one.kind == "answer"]
        told = json.dumps([[one.text, one.blocks] for one in drawn], ensure_ascii=False)
        return next((f"Slack is given {word!r}" for word in OBEYED if word in told), "")

    def _find_deafness(self) -> str:
        answer = self.engine.click("status", ANA, "cluster-x")
        return "" if answer.startswith("*cluster-x-1*") else f"the next click is answered {answer!r}"


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """The app over an upgrade that asks; every kind of person is known."""
    with stand("asking") as engine, run_slack(HandClock()) as slack:
        desk = cast(GuestBook, Counter(engine))
        with build_reception(slack, desk, folder) as (reception, _front):
            app = build_app(reception, slack.posting(), SECRET)
            site = SignedSite(SlackRequestHandler(app, path=EVENTS_PATH), SECRET, Refusals())
            yield House(site, engine, itertools.count(1))


def write_command(house: House, text: str, user: str = CAI, **changes: str) -> str:
    """A slash command as Slack sends it."""
    fields = {
        "team_id": HOME,
        "channel_id": CHANNEL,
        "user_id": user,
        "command": "/asm-upgrade",
        "text": text.replace("CODE", find_code(house)),
        "api_app_id": APP,
        "trigger_id": f"{next(house.numbers)}.2.3",
    }
    return urlencode({**fields, **changes}, errors="replace")


def find_code(house: House) -> str:
    """The code of the card that is open."""
    question = house.engine.journal.find_open_question("cluster-x-1")
    return question.code if question else ""


def write_interaction(house: House, user: str = CAI, /, **parts: Any) -> Payload:
    """What all clicks and forms have in common."""
    number = next(house.numbers)
    return {
        "team": {"id": HOME, "domain": "sandbox"},
        "user": {"id": user, "username": "somebody", "team_id": HOME},
        "api_app_id": APP,
        "trigger_id": f"{number}.2.3",
        **parts,
    }


def write_button(house: House, action_id: str, value: str, user: str = CAI, **parts: Any) -> Payload:
    """A click on a button of a card."""
    number = next(house.numbers)
    action = {"type": "button", "action_id": action_id, "block_id": "b", "value": value, "action_ts": f"{number}.0"}
    whole: Payload = {
        "type": "block_actions",
        "container": {"type": "message", "message_ts": "1.000001", "channel_id": CHANNEL},
        "channel": {"id": CHANNEL, "name": "mesh-upgrades"},
        "actions": [action],
    }
    return write_interaction(
        house,
        user,
        **whole | parts,
    )


def write_form(house: House, callback: str, metadata: object, values: object, user: str = CAI, **parts: Any) -> Payload:
    """A submitted form."""
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    known = {"id": f"V{next(house.numbers)}", "hash": "h", "type": "modal", "callback_id": callback, "team_id": HOME}
    view: Payload = {**known, "private_metadata": text, "state": {"values": values}}
    return write_interaction(house, user, **{"type": "view_submission", "view": view, **parts})


def send_payload(house: House, payload: Payload) -> int:
    """The status that an interaction is answered with."""
    return house.send("payload=" + quote(json.dumps(payload)))
