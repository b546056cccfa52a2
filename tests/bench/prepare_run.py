"""Run prepare once as the bot does, and print what it cost: `python -m tests.bench.prepare_run`."""

from __future__ import annotations

import json
import sys
import time

import click

from bot.app.log import configure_log
from bot.app.serving import import_clients
from bot.app.wiring import Bot, build_bot
from bot.clock import SystemClock
from bot.settings.environment import read_settings
from steps.notes.prepare import SIDECARS
from tests.bench.pod_readers import read_peak
from tests.unit.bot.workbench import write_click

REQUESTER = "U0ANA00001"
CLUSTER = "cluster-x"
SECONDS = 240.0


def run_prepare(bot: Bot) -> dict[str, float]:
    """Seconds until the proposal stands, the pods it counts, and bytes of peak memory from the program's start."""
    begun = time.monotonic()
    bot.upgrades.receive(write_click("click-1", "start", REQUESTER, bot.clock.now(), target=CLUSTER))
    bot.upgrades.settle_clicks()
    while (row := bot.journal.find_open_upgrade(CLUSTER)) and row.step.startswith("prepare/"):
        if row.state != "running" or time.monotonic() - begun > SECONDS:
            raise TimeoutError(f"{row.step} is {row.state}: {row.sentence}")
        bot.runner.turn()
    took = time.monotonic() - begun
    counts = bot.journal.recall(f"{CLUSTER}-1", SIDECARS)
    pods = counts.pods if counts else 0
    return {"seconds": took, "pods": float(pods), "memory": read_peak()}


if __name__ == "__main__":
    configure_log("error", sys.stderr)
    import_clients()
    click.echo(json.dumps(run_prepare(build_bot(read_settings(), SystemClock(), lambda: None))))
