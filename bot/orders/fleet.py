"""The fleet as one person sees it: every cluster with its upgrade, and what that person may do there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.clicks.orders import History, StartOptions, Status
from bot.discovery.modes import MeshModes
from bot.journal.bodies import AgendaSection
from bot.journal.journal import JournalView
from bot.journal.records import Action
from bot.orders.scheduling import Scheduling
from bot.orders.starts import refuse_start
from bot.orders.targets import Targets
from bot.people.rights import refuse_person
from bot.schedule.agenda import show_agenda
from bot.settings.clusters import Cluster, find_argument_faults, read_start_options
from bot.telling.phrases import list_names, mention
from bot.telling.reports import describe_history, describe_status
from bot.telling.views import UpgradeView, Views
from bot.windows.appointments import Appointment, Written
from steps.contract.cards import APPROVE
from steps.mesh import ClusterAddress
from steps.notes.prepare import MTLS


@dataclass(frozen=True)
class ClusterView:
    """One cluster for one person: of clusters.toml, or only `found` in GKE.

    `upgrade` is the open one, `last` the latest that ended. `version` is the one last seen, "" before any upgrade; so
    is `mtls`. `may_start` and `allowed` are what this person may do now. `thread` is channel and ts of the open one,
    `asked` who has to decide its question and has not yet.
    """

    key: str
    place: str
    channel: str
    release: str
    production: bool
    version: str
    mtls: str
    testing_workloads: bool
    upgrade: UpgradeView | None
    last: UpgradeView | None
    may_start: bool
    allowed: tuple[Action, ...]
    thread: tuple[str, str] = ("", "")
    found: bool = False
    asked: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether the open upgrade waits for a decision that this person may take."""
        return "approve" in self.allowed


class Fleet:
    """Reads; decides nothing."""

    def __init__(
        self,
        targets: Targets,
        journal: JournalView,
        views: Views,
        read_thread: Callable[[str], tuple[str, str]],
        scheduling: Scheduling,
        modes: MeshModes,
    ) -> None:
        self._targets = targets
        self._journal = journal
        self._views = views
        self._read_thread = read_thread
        self._scheduling = scheduling
        self._modes = modes

    def list_clusters(self, user: str) -> tuple[ClusterView, ...]:
        """Every cluster, those with an open upgrade first, else by name; those found in GKE after all others."""
        views = [self._build_view(cluster, user) for cluster in self._targets.list_clusters()]
        return tuple(sorted(views, key=lambda view: (view.found, view.upgrade is None, view.key)))

    def list_search_faults(self) -> tuple[str, ...]:
        """A sentence for each Google project that didn't tell all of its clusters."""
        return self._targets.found.list_faults()

    def is_searched(self) -> bool:
        """Whether GKE was asked for clusters lately."""
        return self._targets.found.is_fresh()

    def search(self, then: Callable[[], None] | None = None) -> None:
        """Have GKE asked for clusters, unless it was lately; `then` is called afterwards, from another thread."""
        self._targets.found.want(then)

    def knows(self, user: str) -> bool:
        """Whether a sentence may mention this person: somebody of clusters.toml, or somebody on the record."""
        policies = [cluster.policy for cluster in self._targets.list_clusters()]
        configured = any(user in policy.requesters or user in policy.approvers for policy in policies)
        return configured or self._journal.has_actor(user)

    def read_mode(self, cluster: str, then: Callable[[], None]) -> None:
        """Have a cluster's mTLS mode read, unless it was lately; `then` is called afterwards, from another thread."""
        known = self._targets.look_up(cluster)
        if known:
            self._modes.want(known.address, then)

    def describe(self, order: Status | History, user: str) -> str:
        """Where one upgrade stands, or all; or the latest upgrades of a cluster, or of all."""
        if isinstance(order, History):
            return describe_history([self._views.build_view(row) for row in self._targets.list_upgrades(order.target)])
        if order.target:
            row, _ = self._targets.find_upgrade(order)
            return describe_status([self._views.build_view(row)], [])
        self._targets.found.want()
        return describe_fleet(self.list_clusters(user), self.list_search_faults())

    def find_schedule_faults(self, target: str, written: Written) -> dict[str, str]:
        """What is wrong with an appointment, by date, time, zone or for."""
        return self._scheduling.find_faults(target, written)

    def read_agenda(self) -> tuple[AgendaSection, ...]:
        """The next 30 days over the fleet."""
        return show_agenda(self._scheduling.read_agenda())

    def refuse_schedule(self, target: str, user: str) -> str:
        """Why this person may not set when an upgrade may act, "" where they may."""
        return self._scheduling.refuse(target, user)

    def propose_appointment(self, target: str) -> Appointment:
        """What a form for a cluster or an upgrade starts from."""
        return self._scheduling.propose(target)

    def find_start_faults(self, cluster: str, options: StartOptions) -> dict[str, str]:
        """What is wrong with each argument of a start, by its name."""
        known = self._targets.look_up(cluster)
        if known is None:
            return {"cluster": f"There is no cluster {cluster} in clusters.toml, nor was it found in GKE."}
        arguments = options.list_given()
        found = {name: " ".join(find_argument_faults(name, value)) for name, value in arguments.items()}
        if faults := {name: text for name, text in found.items() if text}:
            return faults
        # What is wrong with them together is said at the last of those that may not go together.
        together = " ".join(read_start_options(known.options, arguments)[1])
        return {"skip_namespaces": together} if together else {}

    def _build_view(self, cluster: Cluster, user: str) -> ClusterView:
        rows = self._journal.list_upgrades(cluster.key, 5)
        built = [self._views.build_view(row) for row in rows]
        upgrade = next((view for view in built if view.ended_at is None), None)
        last = next((view for view in built if view.ended_at is not None), None)
        read = self._modes.recall(cluster.address)
        kept = self._journal.recall(built[0].id, MTLS) if built else None
        given = self._list_given(upgrade) if upgrade else []
        return ClusterView(
            key=cluster.key,
            place=_write_place(cluster.address),
            channel=cluster.channel,
            release=cluster.release,
            production=cluster.policy.production,
            version=_read_version(upgrade, last),
            mtls=read or kept or "",
            testing_workloads=cluster.options.testing_workloads,
            upgrade=upgrade,
            last=last,
            may_start=upgrade is None and not refuse_start(cluster, user),
            allowed=_list_allowed(cluster, upgrade, user, given) if upgrade else (),
            thread=self._read_thread(upgrade.id) if upgrade else ("", ""),
            found=cluster.found,
            asked=_list_asked(cluster, upgrade, given) if upgrade else (),
        )

    def _list_given(self, upgrade: UpgradeView) -> list[str]:
        """Who has approved the open question already, where it takes several."""
        question = self._journal.find_open_question(upgrade.id)
        return self._journal.list_consents(question, APPROVE.id) if question else []


def describe_fleet(clusters: Sequence[ClusterView], search_faults: Sequence[str] = ()) -> str:
    """The board in words: each cluster with its version, state, phase and who is asked; plain text."""
    running = [cluster.upgrade for cluster in clusters if cluster.upgrade]
    none = "No upgrade is under way. `/asm-upgrade start CLUSTER` starts one."
    lines = [describe_status(running, [])] if running else [none]
    lines += [f"asked on {one.key}: {list_names(map(mention, one.asked))}" for one in clusters if one.asked]
    lines += [_describe_idle(cluster) for cluster in clusters if cluster.upgrade is None]
    return "\n".join([*lines, *(f"⚠️ {fault}" for fault in search_faults)])


def _describe_idle(cluster: ClusterView) -> str:
    version = cluster.version or "version not read yet"
    if cluster.last and cluster.last.ended_at:
        since = f"{cluster.last.id} {cluster.last.state} {cluster.last.ended_at:%Y-%m-%d %H:%M} UTC"
    else:
        since = "never proposed" if cluster.found else "never upgraded by this bot"
    where = ", found in GKE and not in clusters.toml" if cluster.found else ""
    return f"*{cluster.key}*: {version}, {since}{where}"


def _write_place(address: ClusterAddress) -> str:
    if address.kubeconfig:
        return f"{address.kubeconfig} {address.context}".strip()
    return f"{address.project}/{address.location}/{address.name}"


def _read_version(upgrade: UpgradeView | None, last: UpgradeView | None) -> str:
    if upgrade and upgrade.source_version:
        return upgrade.source_version
    if last is None:
        return ""
    return last.release if last.state == "upgraded" else last.source_version


def _list_asked(cluster: Cluster, upgrade: UpgradeView, given: Sequence[str]) -> tuple[str, ...]:
    if upgrade.state != "asking" or upgrade.paused_by:
        return ()
    may = (
        user
        for user in sorted(cluster.policy.approvers)
        if not refuse_person(cluster.policy, "approve", user, upgrade.requester, approving=True)
    )
    return tuple(user for user in may if user not in given)


def _list_allowed(cluster: Cluster, upgrade: UpgradeView, user: str, given: Sequence[str]) -> tuple[Action, ...]:
    return tuple(
        action
        for action in upgrade.legal
        if not (action == "approve" and user in given)
        and not refuse_person(cluster.policy, action, user, upgrade.requester, approving=action == "approve")
    )
