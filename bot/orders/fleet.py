"""The fleet as one person sees it: every cluster with its upgrade, and what that person may do there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.clicks.orders import ReadHistory, ReadStatus, StartOptions
from bot.discovery.readings import ClusterReadings
from bot.journal.bodies import AgendaSection, ThreadPlace
from bot.journal.journal import Journal
from bot.orders.cluster_views import (
    ClusterView,
    describe_fleet,
    list_allowed,
    list_asked,
    read_mesh_version,
    write_place,
)
from bot.orders.starts import refuse_start
from bot.orders.targets import Targets
from bot.orders.timetable import Timetable
from bot.settings.clusters import Cluster, find_argument_faults, read_start_options
from bot.telling.reports import describe_history, describe_status, describe_troubles
from bot.telling.views import UpgradeView, Views
from bot.windows.appointments import Appointment, Written
from steps.contract.cards import APPROVE
from steps.notes.prepare import MESH_SEEN, MTLS, SeenMesh

# In threads of upgrades before these the cluster has to be named.
THREADS_KNOWN = 50


@dataclass(frozen=True)
class History:
    """What became of upgrades, and where their threads are."""

    text: str
    threads: tuple[ThreadPlace, ...]


class Fleet:
    """Reads; decides nothing."""

    def __init__(
        self,
        targets: Targets,
        journal: Journal,
        views: Views,
        read_thread: Callable[[str], tuple[str, str]],
        timetable: Timetable,
        readings: ClusterReadings,
    ) -> None:
        self._targets = targets
        self._journal = journal
        self._views = views
        self._read_thread = read_thread
        self._timetable = timetable
        self._readings = readings

    def list_clusters(self, user: str) -> tuple[ClusterView, ...]:
        """Every cluster, those with an open upgrade first, else by name; those found in GKE after all others."""
        views = [self._build_view(cluster, user) for cluster in self._targets.list_clusters()]
        return tuple(sorted(views, key=lambda view: (view.found, view.upgrade is None, view.key)))

    def list_faults(self) -> tuple[str, ...]:
        """A sentence for each fault of clusters.toml, and each Google project that didn't tell all of its clusters."""
        return self._targets.list_faults()

    def is_searched(self) -> bool:
        """Whether GKE was asked for clusters lately."""
        return self._targets.found.is_fresh()

    def find_in_thread(self, channel: str, ts: str) -> tuple[str, str] | None:
        """The cluster and the upgrade whose root message this is, among the latest; None where it is none."""
        latest = self._journal.list_upgrades(limit=THREADS_KNOWN)
        return next(((row.cluster, row.id) for row in latest if self._read_thread(row.id) == (channel, ts)), None)

    def read_name(self, target: str) -> str:
        """What an order names; a channel stands for its cluster."""
        return self._targets.read_name(target)

    def search(self, then: Callable[[], None] | None = None) -> None:
        """Have GKE asked for clusters, unless it was lately; `then` is called afterwards, from another thread."""
        self._targets.found.want(then)

    def knows(self, user: str) -> bool:
        """Whether a sentence may mention this person: somebody of clusters.toml, or somebody on the record."""
        policies = [cluster.policy for cluster in self._targets.list_clusters()]
        configured = any(user in policy.everybody for policy in policies)
        return configured or self._journal.has_actor(user)

    def read_cluster(self, cluster: str, then: Callable[[], None]) -> None:
        """Have a cluster read for a form, unless it was lately; `then` is called afterwards, from another thread."""
        known = self._targets.look_up(cluster)
        if known:
            self._readings.want(known.address, then)

    def read_history(self, order: ReadHistory) -> History:
        """The latest upgrades of a cluster, or of all, or one by its id, with what is left to do after it."""
        views = [self._views.build_view(row) for row in self._targets.list_upgrades(order.target)]
        left = self._views.list_left(views[0].id) if len(views) == 1 else ()
        places = (ThreadPlace(view.id, *self._read_thread(view.id)) for view in views)
        return History(describe_history(views, left), tuple(place for place in places if place.ts))

    def describe(self, order: ReadStatus, user: str) -> str:
        """Where one upgrade stands, or all."""
        if order.target:
            row, _ = self._targets.find_upgrade(order)
            failing = [one for one in self._views.list_failing_channels() if row.channel in one]
            return "\n".join([describe_status([self._views.build_view(row)], []), *describe_troubles(failing)])
        self._targets.found.want()
        troubles = [*self.list_faults(), *self._views.list_troubles()]
        return describe_fleet(self.list_clusters(user), troubles)

    def list_failing_channels(self) -> list[str]:
        """The channels that take nothing of what the bot says, a sentence each."""
        return self._views.list_failing_channels()

    def find_schedule_faults(self, target: str, written: Written) -> dict[str, str]:
        """What is wrong with an appointment, by date, time, zone or for."""
        return self._timetable.find_faults(target, written)

    def read_agenda(self) -> tuple[AgendaSection, ...]:
        """The next 30 days over the fleet."""
        return self._timetable.show_agenda()

    def refuse_schedule(self, target: str, user: str) -> str:
        """Why this person may not set when an upgrade may act, "" where they may."""
        return self._timetable.refuse(target, user)

    def propose_appointment(self, target: str) -> Appointment:
        """What a form for a cluster or an upgrade starts from."""
        return self._timetable.propose(target)

    def find_start_faults(self, cluster: str, options: StartOptions) -> dict[str, str]:
        """What is wrong with each argument of a start, by its name."""
        known = self._targets.look_up(cluster)
        if known is None:
            return {"cluster": f"There is no cluster {cluster} in clusters.toml, nor was it found in GKE."}
        arguments = options.list_given()
        found = {name: " ".join(find_argument_faults(name, value)) for name, value in arguments.items()}
        found.pop("overlay_texts", None)
        overlays = (_name_overlay_fault(name, text) for name, text in options.overlay_texts.items())
        faults = {name: text for name, text in (*found.items(), *overlays) if text}
        fine = {name: value for name, value in arguments.items() if name not in found or not found[name]}
        fine.pop("overlay_texts", None)
        # What is wrong with them together is said at the last of those that may not go together.
        together = " ".join(read_start_options(known.options, fine)[1])
        reading = self._readings.recall(known.address)
        named = {"canary_namespaces": options.canary_namespaces, "skip_namespaces": options.skip_namespaces}
        unknown = {name: text for name, given in named.items() if (text := reading.find_unknown(given))}
        return {**unknown, **faults, **({"skip_namespaces": together} if together else {})}

    def _build_view(self, cluster: Cluster, user: str) -> ClusterView:
        rows = self._journal.list_upgrades(cluster.key, 5)
        built = [self._views.build_view(row) for row in rows]
        upgrade = next((view for view in built if view.ended_at is None), None)
        last = next((view for view in built if view.ended_at is not None), None)
        read = self._readings.recall(cluster.address).mode
        kept = self._journal.recall(built[0].id, MTLS) if built else None
        given = self._list_given(upgrade) if upgrade else []
        return ClusterView(
            key=cluster.key,
            place=write_place(cluster.address),
            channel=upgrade.channel if upgrade else cluster.channel,
            release=cluster.release,
            production=cluster.policy.production,
            version=read_mesh_version(upgrade, last, self._recall_mesh(built)),
            mtls=read or kept or "",
            testing_workloads=cluster.options.testing_workloads,
            upgrade=upgrade,
            last=last,
            may_start=upgrade is None and not refuse_start(cluster, user),
            allowed=list_allowed(cluster, upgrade, user, given) if upgrade else (),
            thread=self._read_thread(upgrade.id) if upgrade else ("", ""),
            found=cluster.found,
            asked=list_asked(cluster, upgrade, given) if upgrade else (),
        )

    def _recall_mesh(self, upgrades: Sequence[UpgradeView]) -> SeenMesh | None:
        """What the latest upgrade that looked saw of the mesh."""
        found = (self._journal.recall(upgrade.id, MESH_SEEN) for upgrade in upgrades)
        return next((seen for seen in found if seen), None)

    def _list_given(self, upgrade: UpgradeView) -> list[str]:
        """Who has approved the open question already, where it takes several."""
        question = self._journal.find_open_question(upgrade.id)
        return self._journal.list_consents(question, APPROVE.id) if question else []


def _name_overlay_fault(name: str, text: str) -> tuple[str, str]:
    """What is wrong with one overlay, under a name of its own: it is told where this one came from."""
    return f"overlay_texts:{name}", " ".join(find_argument_faults("overlay_texts", {name: text}))
