"""The scene of a channel that takes nothing."""

from __future__ import annotations

from datetime import timedelta

from bot.journal.deliveries import UNWRITABLE
from tests.journals.clicks import order
from tests.journals.filming import Film
from tests.scenarios.rig import CAI, CHANNEL, DEE
from tests.unit.bot.workbench import write_click


def film_unheard(film: Film) -> None:
    """A channel that takes nothing, of which people were told directly; somebody without the right orders a move."""
    with film.go_back("plan-23-sidecars-approve", speaks=False) as rig:
        order(rig, "pause", CAI)
        order(rig, "resume", CAI)
        now = film.world.clock.now()
        for message in rig.bot.outbox.list_unsent(now):
            rig.bot.outbox.mark_posting(message.id)
            until = now + timedelta(seconds=30)
            rig.bot.outbox.defer_message(message.id, until, f"{UNWRITABLE}Slack refused: is_archived")
        for tick in rig.bot.ticks:
            tick()
        words = {"choice": "C0GENERAL1", "channel": CHANNEL}
        assert rig.bot.upgrades.receive(write_click("unsettled-move", "move", DEE, now, "cluster-x", **words))
        film.freeze("unheard")
