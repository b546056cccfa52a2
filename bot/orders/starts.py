"""How an upgrade begins: its row, its plan and its root message; for a cluster only found in GKE a proposal."""

from __future__ import annotations

from bot.clicks.orders import Start
from bot.clock import Clock
from bot.discovery.found import NOT_CONFIGURED
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow, open_row
from bot.orders.targets import Refusal, Targets
from bot.people.rights import refuse_person
from bot.settings.clusters import Cluster, read_start_options
from bot.telling.phrases import mention
from bot.transitions import Transitions
from steps.contract.options import UpgradeOptions
from steps.notes.prepare import PROPOSAL_LINES
from steps.plan import build_plan


class Starts:
    """Settles starts; each joins the transaction of its caller. Raises Refusal."""

    def __init__(self, targets: Targets, journal: Journal, transitions: Transitions, clock: Clock) -> None:
        self._targets = targets
        self._journal = journal
        self._transitions = transitions
        self._clock = clock

    def start(self, order: Start, by: str) -> str:
        """Begin what the person asked for; answers what is told to them."""
        cluster = self._targets.find_cluster(order.target)
        refused = refuse_start(cluster, by)
        if refused:
            raise Refusal(refused)
        running = self._journal.find_open_upgrade(cluster.key)
        if running:
            raise Refusal(
                f"{cluster.key} already has the upgrade {running.id}, started by {mention(running.requester)}. "
                f"`/asm-upgrade status {cluster.key}` shows where it stands."
            )
        options, faults = read_start_options(cluster.options, order.options.list_given())
        if faults:
            raise Refusal("The upgrade was not started. " + " ".join(faults))
        row = self._add_upgrade(cluster, options, by)
        if cluster.found:
            self._journal.remember(row.id, PROPOSAL_LINES, self._targets.found.write_table(cluster.address, options))
            return f"{cluster.key} {NOT_CONFIGURED} it. The proposal {row.id} will be in <#{cluster.channel}>."
        return f"Started {row.id}. Its thread is in <#{cluster.channel}>."

    def _add_upgrade(self, cluster: Cluster, options: UpgradeOptions, by: str) -> UpgradeRow:
        row = open_row(
            cluster=cluster.key,
            number=self._journal.next_number(cluster.key),
            requester=by,
            channel=cluster.channel,
            release=cluster.release,
            options=options,
            address=cluster.address,
            plan=build_plan("proposal" if cluster.found else "upgrade", options),
            now=self._clock.now(),
        )
        what, done = ("proposal", "asked for") if cluster.found else ("upgrade", "started")
        self._transitions.start(row, f"{what} of {cluster.key} to {row.release} {done} by {mention(by)}")
        return row


def refuse_start(cluster: Cluster, user: str) -> str:
    """Why this person may not start an upgrade of this cluster, or propose one, "" where they may."""
    if not cluster.found:
        return refuse_person(cluster.policy, "start", user, "", approving=False)
    if not cluster.channel or not cluster.policy.requesters:
        missing = "channel" if not cluster.channel else "requesters"
        return (
            f"{cluster.key} was found in GKE and is not in clusters.toml. To propose its upgrade the bot needs "
            f"`{missing}` in [defaults] of clusters.toml."
        )
    return refuse_person(cluster.policy, "start", user, "", approving=False)
