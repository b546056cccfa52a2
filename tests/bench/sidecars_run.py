"""Take cluster-x through a whole upgrade as the bot does, approving everything: `python -m tests.bench.sidecars_run`.

Prints the peak memory of the process, and what the restarts of the sidecars phase sent and took.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import click

from bot.app.log import configure_log
from bot.app.serving import import_clients
from bot.app.wiring import Bot, build_bot
from bot.clock import SystemClock
from bot.gateways.kubernetes.api_server import ApiServer, HttpAnswer
from bot.settings.environment import read_settings
from tests.bench.pod_readers import read_peak
from tests.unit.bot.workbench import write_click

REQUESTER, APPROVER = "U0ANA00001", "U0BEN00002"
CLUSTER = "cluster-x"
RESTART = "sidecars/restart"
SECONDS = 1500.0
PAUSE = 0.1


@dataclass
class Sent:
    """Requests to the API server: all, and those of the restarts."""

    all: int = 0
    restarts: int = 0
    seconds: float = 0.0

    def count(self) -> None:
        """Count every request of this program from now on."""
        send = ApiServer.send

        def counted(server: ApiServer, *request: Any, **more: Any) -> HttpAnswer:
            self.all += 1
            return send(server, *request, **more)

        ApiServer.send = counted  # type: ignore[assignment, method-assign]


def run_upgrade(bot: Bot, sent: Sent) -> None:
    """Work until the upgrade has ended. Raises TimeoutError where it stops or takes too long."""
    begun = time.monotonic()
    bot.upgrades.receive(write_click("start", "start", REQUESTER, bot.clock.now(), target=CLUSTER))
    bot.upgrades.settle_clicks()
    while row := bot.journal.find_open_upgrade(CLUSTER):
        if row.state not in ("running", "asking") or time.monotonic() - begun > SECONDS:
            raise TimeoutError(f"{row.step} is {row.state}: {row.sentence}")
        if row.state == "asking":
            approve(bot, row.id, row.step, row.generation)
        turn(bot, sent, row.step == RESTART)


def turn(bot: Bot, sent: Sent, restarting: bool) -> None:
    """Let everything work once, and wait a moment."""
    before, begun = sent.all, time.monotonic()
    bot.upgrades.settle_clicks()
    bot.runner.turn()
    bot.announcer.turn()
    time.sleep(PAUSE)
    if restarting:
        sent.restarts += sent.all - before
        sent.seconds += time.monotonic() - begun


def approve(bot: Bot, upgrade: str, step: str, generation: int) -> None:
    """Take the first choice of what is asked."""
    question = bot.views.read_view(upgrade).question
    choice = question.choices[0].id if question else "approve"
    now, name = bot.clock.now(), f"{step}-{generation}"
    bot.upgrades.receive(
        write_click(
            name,
            "decide",
            APPROVER,
            now,
            target=upgrade,
            step=step,
            generation=generation,
            choice=choice,
            reason="Accepted by the benchmark.",
        )
    )


def measure() -> dict[str, float]:
    """Run the upgrade; numbers as the benchmark wants them."""
    configure_log("error", sys.stderr)
    import_clients()
    sent = Sent()
    sent.count()
    bot = build_bot(read_settings(), SystemClock(), lambda: None)
    run_upgrade(bot, sent)
    counts = bot.journal.count_ledger(f"{CLUSTER}-1")
    return {
        "memory": read_peak(), "requests": sent.restarts, "seconds": sent.seconds, "upgraded": counts["upgraded"],
        "unaccounted": sum(number for state, number in counts.items() if state in ("pending", "failed")),
    }  # fmt: skip


if __name__ == "__main__":
    click.echo(json.dumps(measure()))
