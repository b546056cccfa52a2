"""How an upgrade begins: its row, its plan and its root message; for a cluster only found in GKE a proposal."""

from __future__ import annotations

from bot.clock import Clock
from bot.discovery.found import NOT_CONFIGURED, Found
from bot.journal.journal import Journal
from bot.journal.records import Click
from bot.journal.rows import UpgradeRow
from bot.orders.refusals import Refusal
from bot.people.rights import refuse_person
from bot.settings.clusters import Cluster, read_start_options
from bot.telling.chronicle import Chronicle
from steps.contract.options import UpgradeOptions
from steps.notes.prepare import PROPOSAL_LINES
from steps.plan import build_plan


class Starts:
    """Settles starts; each joins the transaction of its caller. Raises Refusal."""

    def __init__(self, journal: Journal, chronicle: Chronicle, clock: Clock, found: Found) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock
        self._found = found

    def start(self, click: Click, cluster: Cluster) -> str:
        """Begin what the person asked for; answers what is told to them."""
        refused = refuse_start(cluster, click.user)
        if refused:
            raise Refusal(refused)
        running = self._journal.find_open_upgrade(cluster.key)
        if running:
            raise Refusal(
                f"{cluster.key} already has the upgrade {running.id}, started by <@{running.requester}>. "
                f"`/asm-upgrade status {cluster.key}` shows where it stands."
            )
        options, faults = read_start_options(cluster.options, click.arguments)
        if faults:
            raise Refusal("The upgrade was not started. " + " ".join(faults))
        row = self._add_upgrade(click, cluster, options)
        if cluster.found:
            self._journal.remember(row.id, PROPOSAL_LINES, self._found.write_table(cluster.address, options))
            return f"{cluster.key} {NOT_CONFIGURED} it. The proposal {row.id} will be in <#{cluster.channel}>."
        return f"Started {row.id}. Its thread is in <#{cluster.channel}>."

    def _add_upgrade(self, click: Click, cluster: Cluster, options: UpgradeOptions) -> UpgradeRow:
        now = self._clock.now()
        number = self._journal.next_number(cluster.key)
        plan = build_plan("proposal" if cluster.found else "upgrade", options)
        row = UpgradeRow(
            id=f"{cluster.key}-{number}",
            cluster=cluster.key,
            number=number,
            requester=click.user,
            channel=cluster.channel,
            release=cluster.release,
            options=options,
            address=cluster.address,
            plan=plan,
            step=plan[0],
            generation=0,
            state="running",
            paused_by="",
            aborted_by="",
            due=now,
            waiting_since=None,
            sentence="",
            remedy="",
            created_at=now,
            ended_at=None,
        )
        what = "asked for a proposal for" if cluster.found else "started"
        self._journal.add_upgrade(row)
        self._journal.record_audit(row.id, click.user, "start", {"release": row.release}, now)
        self._chronicle.draw_root(row.id, now)
        self._chronicle.tell(row, f"<@{click.user}> {what} the upgrade of {cluster.key} to {row.release}", now)
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
