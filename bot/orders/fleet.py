"""The fleet as one person sees it: every cluster with its upgrade, and what that person may do there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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

# So many of a cluster's upgrades are looked at for what was last seen of its mesh.
LOOKED_AT = 5
# In threads of upgrades before these the cluster has to be named.
THREADS_KNOWN = 50


@dataclass(frozen=True)
class Board:
    """One cluster: its open upgrade and the latest that ended, the mesh as last seen, and who has approved already."""

    upgrade: UpgradeView | None
    last: UpgradeView | None
    version: str
    mtls: str
    thread: tuple[str, str]
    given: tuple[str, ...]


@dataclass(frozen=True)
class _Kept:
    changes: tuple[int, int]
    boards: dict[str, Board] = field(default_factory=dict)


class Boards:
    """Reads boards. `read_thread` tells where the thread of an upgrade is."""

    def __init__(self, journal: Journal, views: Views, read_thread: Callable[[str], tuple[str, str]]) -> None:
        self._journal = journal
        self._views = views
        self._read_thread = read_thread
        self._kept = _Kept((-1, -1))

    def read(self, cluster: str) -> Board:
        """The board of one cluster. Any change of the journal has all of them read again."""
        changes, kept = self._journal.count_changes(), self._kept
        if kept.changes != changes:
            # one of its own for each state: a slower thread adds what it read to the one that it began with
            kept = self._kept = _Kept(changes)
        if cluster not in kept.boards:
            kept.boards[cluster] = self._read(cluster)
        return kept.boards[cluster]

    def _read(self, cluster: str) -> Board:
        rows = self._journal.list_upgrades(cluster, LOOKED_AT)
        upgrade = next((self._views.build_view(row) for row in rows if row.ended_at is None), None)
        last = next((self._views.build_view(row) for row in rows if row.ended_at is not None), None)
        mode = self._journal.recall(rows[0].id, MTLS) if rows else None
        return Board(
            upgrade=upgrade,
            last=last,
            version=read_mesh_version(upgrade, last, self._recall_mesh([row.id for row in rows])),
            mtls=mode or "",
            thread=self._read_thread(upgrade.id) if upgrade else ("", ""),
            given=tuple(self._list_given(upgrade)) if upgrade else (),
        )

    def _recall_mesh(self, upgrades: Sequence[str]) -> SeenMesh | None:
        """What the latest upgrade that looked saw of the mesh."""
        found = (self._journal.recall(upgrade, MESH_SEEN) for upgrade in upgrades)
        return next((seen for seen in found if seen), None)

    def _list_given(self, upgrade: UpgradeView) -> list[str]:
        """Who has approved the open question already, where it takes several."""
        question = self._journal.find_open_question(upgrade.id)
        return self._journal.list_consents(question, APPROVE.id) if question else []


@dataclass(frozen=True)
class History:
    """What became of upgrades, and where their threads are."""

    text: str
    threads: tuple[ThreadPlace, ...]


@dataclass(frozen=True)
class State:
    """The journal's changes, the clusters with their rights, the modes last read of them, and what is wrong."""

    changes: tuple[int, int]
    clusters: tuple[Cluster, ...]
    modes: tuple[str, ...]
    faults: tuple[str, ...]


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
        self._boards = Boards(journal, views, read_thread)

    def list_clusters(self, user: str) -> tuple[ClusterView, ...]:
        """Every cluster, those with an open upgrade first, else by name; those found in GKE after all others."""
        views = [self._build_view(cluster, user) for cluster in self._targets.list_clusters()]
        return tuple(sorted(views, key=lambda view: (view.found, view.upgrade is None, view.key)))

    def read_state(self) -> State:
        """What all that is shown of the clusters follows from, whoever looks: equal while that is the same."""
        clusters = self._targets.list_clusters()
        modes = tuple(self._readings.recall(cluster.address).mode for cluster in clusters)
        return State(self._journal.count_changes(), tuple(clusters), modes, self.list_faults())

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
        # most who are mentioned did something, which one look at an index tells
        if self._journal.has_actor(user):
            return True
        return any(cluster.policy.names(user) for cluster in self._targets.list_clusters())

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
        board = self._boards.read(cluster.key)
        read = self._readings.recall(cluster.address).mode
        return ClusterView(
            key=cluster.key,
            place=write_place(cluster.address),
            channel=board.upgrade.channel if board.upgrade else cluster.channel,
            release=cluster.release,
            production=cluster.policy.production,
            version=board.version,
            mtls=read or board.mtls,
            testing_workloads=cluster.options.testing_workloads,
            upgrade=board.upgrade,
            last=board.last,
            may_start=board.upgrade is None and not refuse_start(cluster, user),
            allowed=list_allowed(cluster, board.upgrade, user, board.given) if board.upgrade else (),
            thread=board.thread,
            found=cluster.found,
            asked=list_asked(cluster, board.upgrade, board.given) if board.upgrade else (),
        )


def _name_overlay_fault(name: str, text: str) -> tuple[str, str]:
    """What is wrong with one overlay, under a name of its own: it is told where this one came from."""
    return f"overlay_texts:{name}", " ".join(find_argument_faults("overlay_texts", {name: text}))
