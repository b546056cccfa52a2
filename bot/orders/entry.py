"""Whether an order may be considered at all: through this door, by this kind of person, from this channel."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from msgspec.structs import replace

from bot.clicks.clicks import DOORS, Click
from bot.clicks.orders import Approve, Decide, Order, Schedule, Start
from bot.clock import Clock
from bot.journal.journal import Journal
from bot.journal.records import OPERATOR, mark_journal
from bot.journal.rows import UpgradeRow
from bot.orders.judging import name_choice
from bot.orders.targets import Targets
from bot.people.rights import refuse_channel
from bot.people.roster import Roster
from bot.settings.clusters import Cluster

# For so long a start of an unknown cluster waits for a look into GKE.
LOOK_PATIENCE = timedelta(seconds=30)
ANOTHER_BOTS = (
    "Nothing was done: that button belongs to an upgrade of another bot (journal {}) with the same Slack app, or of a "
    "journal that this bot has no more. Slack hands each click to one of the bots: click again until it comes to its "
    "own. Each bot wants a Slack app of its own."
)


class Entry:
    """Looks at clicks before they are decided. May ask Slack, so it stands outside of any transaction."""

    def __init__(self, targets: Targets, journal: Journal, roster: Roster, clock: Clock) -> None:
        self._targets = targets
        self._journal = journal
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

    def complete(self, order: Order, user: str) -> Order:
        """The order, with a time that names no zone read in that of whoever wrote it."""
        if not isinstance(order, Schedule) or order.when.zone or not order.when.time or user == OPERATOR:
            return order
        return replace(order, when=dataclasses.replace(order.when, zone=self._roster.read_zone(user)))

    def refuse(self, click: Click) -> str:
        """Why nothing is done about this click, "" where what it orders is looked at."""
        action = click.order.action
        if action not in DOORS[click.door]:
            return f"`{action}` is not done from the {click.door}."
        if click.user == OPERATOR:
            # whoever may write the bot's own folder may end the bot as well: these orders are the gentler way
            return ""
        if click.journal not in ("", mark_journal(self._journal.read_id())):
            return ANOTHER_BOTS.format(click.journal)
        row, cluster = self._targets.guess(click.order.target)
        refused = self._roster.admit(click, cluster)
        if refused or cluster is None:
            return refused
        if cluster.policy.approvals_needed > 1 and isinstance(click.order, Approve | Decide):
            self._roster.read_accounts(self._list_givers(click.order, row, cluster))
        told = row or self._journal.find_open_upgrade(cluster.key)
        own = {cluster.channel, told.channel} if told else {cluster.channel}
        return refuse_channel(cluster.policy, action, click.channel, own)

    def _list_givers(self, order: Approve | Decide, row: UpgradeRow | None, cluster: Cluster) -> list[str]:
        """Who has approved what is asked already, where that takes several people."""
        asked = row or self._journal.find_open_upgrade(cluster.key)
        question = self._journal.find_open_question(asked.id) if asked else None
        return self._journal.list_consents(question, name_choice(order)) if question else []
