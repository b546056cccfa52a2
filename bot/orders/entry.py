"""Whether an order may be considered at all: through this door, by this kind of person, from this channel."""

from __future__ import annotations

from datetime import timedelta

from bot.clicks.clicks import DOORS, Click
from bot.clicks.orders import Start
from bot.clock import Clock
from bot.journal.records import OPERATOR
from bot.orders.targets import Targets
from bot.people.rights import refuse_channel
from bot.people.roster import Roster

# For so long a start of an unknown cluster waits for a look into GKE.
LOOK_PATIENCE = timedelta(seconds=30)


class Entry:
    """Looks at clicks before they are decided. May ask Slack, so it stands outside of any transaction."""

    def __init__(self, targets: Targets, roster: Roster, clock: Clock) -> None:
        self._targets = targets
        self._roster = roster
        self._clock = clock

    def needs_look(self, click: Click) -> bool:
        """Whether a start names a cluster that nobody knows yet; the others needn't wait for Google's answer."""
        target = click.order.target
        if not isinstance(click.order, Start) or not target:
            return False
        if self._targets.look_up(target) or self._targets.found.is_fresh():
            return False
        self._targets.found.want()
        return abs(self._clock.now() - click.received_at) < LOOK_PATIENCE

    def refuse(self, click: Click) -> str:
        """Why nothing is done about this click, "" where what it orders is looked at."""
        action = click.order.action
        if action not in DOORS[click.door]:
            return f"{action} is not done from the {click.door}"
        if click.user == OPERATOR:
            # whoever may write the bot's own folder may end the bot as well: these orders are the gentler way
            return ""
        row, cluster = self._targets.guess(click.order.target)
        refused = self._roster.admit(click, cluster)
        if refused or cluster is None:
            return refused
        return refuse_channel(cluster.policy, action, click.channel, row.channel if row else cluster.channel)
