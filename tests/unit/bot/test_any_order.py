"""Whatever somebody types as a command is settled and answered, and ends nothing."""

from __future__ import annotations

import random

from bot.clicks.clicks import Click, Clicks
from handlers.grammar import Misread, read_order
from handlers.usage import USAGE
from tests.unit.bot.workbench import ANA, BEN, Build
from tests.unit.house.test_any_text import PIECES

COMMANDS = 400
TARGETS = ("cluster-x", "cluster-x-1", "cluster-y", "")


def write_command(chosen: random.Random) -> str:
    """A command that exists, about a cluster that mostly does, with anything behind it."""
    rest = (chosen.choice(PIECES) + chosen.choice(("", " ", " ")) for _ in range(chosen.randint(0, 9)))
    return f"{chosen.choice(list(USAGE))} {chosen.choice(TARGETS)} {''.join(rest)}"


def test_any_command_is_settled_and_answered(build: Build) -> None:
    """None is a fault of the bot."""
    engine, chosen = build({}), random.Random("any order")
    engine.add_upgrade(["access/approve"])
    answers: list[str] = []
    for number in range(COMMANDS):
        order = read_order(write_command(chosen))
        if isinstance(order, Misread):
            continue
        click = Click(f"any-{number}", chosen.choice((ANA, BEN)), engine.clock.now(), order, channel="C0")
        engine.upgrades.receive(click)
        engine.upgrades.settle_clicks()
        answer = Clicks(engine.store).find_answer(click.id)
        answers.append(f"unsettled: {order}" if answer is None else answer)
    assert [answer for answer in answers if "unsettled" in answer or "incident" in answer] == []
    assert len(answers) > COMMANDS / 4
