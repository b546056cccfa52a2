"""The use cases: what people may do with upgrades. Slack, the command line and reminders all come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import assert_never

from bot.clock import Clock
from bot.discovery.found import NOT_CONFIGURED, Found, NothingFound
from bot.incidents import note_incident
from bot.journal.bodies import AgendaSection, AnswerBody
from bot.journal.journal import BadRow, Journal
from bot.journal.records import OPERATOR, OPERATOR_ACTIONS, Action, Click
from bot.journal.rows import UpgradeRow
from bot.journal.store import Store, StoreBroken
from bot.orders.board import Fleet, describe_fleet
from bot.orders.decisions import Decisions
from bot.orders.intake import Intake
from bot.orders.refusals import Refusal
from bot.orders.scheduling import Scheduling
from bot.orders.starts import Starts
from bot.people.rights import READING, list_legal_actions, refuse_channel, refuse_person
from bot.people.roster import NamedPeople, People
from bot.schedule.agenda import show_agenda
from bot.settings.clusters import Cluster
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import describe_state, list_names, mention
from bot.telling.reports import describe_history, describe_status
from bot.telling.views import Views
from steps.plan import build_plan, reads_only

# For so long a start of an unknown cluster waits for a look into GKE.
LOOK_PATIENCE = timedelta(seconds=30)


class Upgrades:
    """Settles clicks: each is decided and answered in one transaction, once, in order of arrival.

    `wake` is called when there is something new to settle or to run.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        chronicle: Chronicle,
        views: Views,
        clock: Clock,
        clusters: Mapping[str, Cluster],
        scheduling: Scheduling,
        wake: Callable[[], None] = lambda: None,
        people: People | None = None,
        found: Found | None = None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._intake = Intake(store, journal)
        self._chronicle = chronicle
        self._views = views
        self._clock = clock
        self._clusters = clusters
        self._scheduling = scheduling
        self._wake = wake
        self._people = people or NamedPeople()
        self._found = found or NothingFound()
        self._decisions = Decisions(journal, chronicle, clock)
        self._fleet = Fleet(journal, views, clusters, lambda _upgrade: ("", ""), scheduling, self._found)
        self._starts = Starts(journal, chronicle, clock, self._found)

    def receive(self, click: Click) -> bool:
        """Commit a click as it came; False where it was seen before. Nothing is decided yet."""
        fresh = self._intake.receive(click)
        if fresh:
            self._wake()
        return fresh

    def is_crowded(self) -> bool:
        """Whether clicks pour in at this moment, so that deciding them can wait for a blink."""
        return self._intake.is_crowded()

    def settle_clicks(self) -> int:
        """Decide and answer every click that waits, but for those that first need a look into GKE; answers how many."""
        return sum(self._settle_row(number, click) for number, click in self._journal.list_unsettled_clicks())

    def _settle_row(self, number: str, click: Click | BadRow) -> bool:
        """Settle one click whatever happens, unless it waits for a look; whether it is settled now."""
        try:
            if isinstance(click, BadRow):
                raise click.fault
            if self._needs_look(click):
                return False
            self._settle(click)
        except StoreBroken:
            raise
        except Exception as fault:
            self._settle_failed(number, None if isinstance(click, BadRow) else click, fault)
        return True

    def _settle_failed(self, number: str, click: Click | None, fault: Exception) -> None:
        """The click is over, in a transaction of its own, and the person is told under which number to look it up."""
        incident = note_incident("click_failed", fault, click=number)
        answer = f"Nothing was done: a fault of the bot itself (incident {incident}, see the bot's log)."
        with self._store.transact():
            self._journal.settle_click(number, answer, self._clock.now())
            if click:
                self._answer(click, answer)

    def _needs_look(self, click: Click) -> bool:
        """Whether a start names a cluster that nobody knows yet; the others needn't wait for Google's answer."""
        if click.action != "start" or not click.target or self._look_up(click.target) or self._found.is_fresh():
            return False
        self._found.want()
        return abs(self._clock.now() - click.received_at) < LOOK_PATIENCE

    def _settle(self, click: Click) -> None:
        refused = self._refuse_entry(click)
        with self._store.transact():
            agenda: tuple[AgendaSection, ...] = ()
            try:
                answer = refused or self._handle(click)
                if click.action == "calendar" and not refused:
                    agenda = show_agenda(self._scheduling.read_agenda(click.target))
            except Refusal as refusal:
                answer = str(refusal)
            self._journal.settle_click(click.id, answer, self._clock.now())
            self._answer(click, answer, agenda)

    def _answer(self, click: Click, answer: str, agenda: tuple[AgendaSection, ...] = ()) -> None:
        if answer and (click.channel or click.answer_to):
            body = AnswerBody(click.user, click.channel, click.answer_to, answer, agenda)
            self._chronicle.answer(body, self._clock.now())

    def _refuse_entry(self, click: Click) -> str:
        """Why nothing may be ordered by this kind of person or from this channel, "" where it may. Asks Slack."""
        if click.user == OPERATOR:
            # whoever may write the bot's own folder may end the bot as well: these orders are the gentler way
            return "" if click.action in OPERATOR_ACTIONS else f"{click.action} is not done from the command line"
        row = self._journal.find_upgrade(click.target) if click.target else None
        key = row.cluster if row else click.target or (next(iter(self._clusters)) if len(self._clusters) == 1 else "")
        cluster = self._look_up(key)
        refused = self._people.admit(click, cluster)
        if refused or cluster is None:
            return refused
        return refuse_channel(cluster.policy, click.action, click.channel, row.channel if row else cluster.channel)

    def _handle(self, click: Click) -> str:
        match click.action:
            case "start":
                return self._start(click)
            case "approve" | "deny" | "decide" | "break-glass":
                return self._decide(click)
            case "pause":
                return self._pause(click)
            case "resume":
                return self._resume(click)
            case "retry":
                return self._retry(click)
            case "abort":
                return self._abort(click)
            case "status" | "history" | "help":
                return self._tell(click)
            case "schedule" | "extend" | "snooze" | "windows" | "calendar":
                return self._scheduling.settle(click, self._start)
            case _:
                assert_never(click.action)

    def _start(self, click: Click) -> str:
        answer = self._starts.start(click, self._find_cluster(click.target))
        self._wake()
        return answer

    def _decide(self, click: Click) -> str:
        row, cluster = self._find_upgrade(click)
        answer = self._decisions.decide(click, row, cluster)
        self._wake()
        return answer

    def _pause(self, click: Click) -> str:
        row, cluster = self._find_upgrade(click)
        self._check_person(cluster, "pause", click.user, row)
        self._check_legal(row, "pause")
        now = self._clock.now()
        self._journal.change_upgrade(row.id, paused_by=click.user)
        self._record(click, row, f"paused by {mention(click.user)}; a program that already runs is let end")
        self._chronicle.draw_root(row.id, now)
        return f"Paused {row.id}. `/asm-upgrade resume {row.cluster}` goes on."

    def _resume(self, click: Click) -> str:
        row, cluster = self._find_upgrade(click)
        self._check_person(cluster, "resume", click.user, row)
        self._check_legal(row, "resume")
        now = self._clock.now()
        self._journal.change_upgrade(row.id, paused_by="", waiting_since=None)
        if row.state == "running":
            self._journal.change_upgrade(row.id, due=now)
        self._record(click, row, f"resumed by {mention(click.user)}")
        self._chronicle.draw_root(row.id, now)
        self._wake()
        return f"Resumed {row.id}."

    def _retry(self, click: Click) -> str:
        row, cluster = self._find_upgrade(click)
        self._check_person(cluster, "retry", click.user, row)
        self._check_legal(row, "retry")
        now = self._clock.now()
        question = self._decisions.find_question(click, row)
        self._journal.decide_question(question, "retry", click.user, click.reason, now)
        self._journal.change_upgrade(row.id, state="running", due=now, waiting_since=None, remedy="")
        self._journal.record_audit(row.id, click.user, "retry", {"step": row.step}, now)
        self._chronicle.close_card(row, f"retried by <@{click.user}>")
        self._chronicle.draw_root(row.id, now)
        self._wake()
        return f"Retrying {row.step} of {row.id}."

    def _abort(self, click: Click) -> str:
        row, cluster = self._find_upgrade(click)
        self._check_person(cluster, "abort", click.user, row)
        self._check_legal(row, "abort")
        now = self._clock.now()
        self._journal.close_question(row.id, "voided")
        self._chronicle.close_card(row, f"aborted by {mention(click.user)}")
        self._chronicle.close_reminders(row, f"aborted by {mention(click.user)}")
        self._chronicle.close_progress(row)
        self._record(click, row, f"aborted by {mention(click.user)}" + (f": {click.reason}" if click.reason else ""))
        if row.aborted_by:
            self._journal.change_upgrade(row.id, state="aborted", due=None, ended_at=now)
        else:
            begun = row.plan[: row.plan.index(row.step) + 1]
            ending = build_plan("abort", row.options)
            self._journal.change_upgrade(
                row.id,
                aborted_by=click.user,
                paused_by="",
                state="running",
                plan=begun + ending,
                step=ending[0],
                due=now,
                waiting_since=None,
                remedy="",
            )
            self._scheduling.attach_calendar(row)
        self._chronicle.draw_root(row.id, now)
        self._wake()
        return f"Aborting {row.id}: nothing more is started, and the thread says what is left behind."

    def _tell(self, click: Click) -> str:
        if click.action == "history":
            return describe_history([self._views.build_view(row) for row in self._list_rows(click.target)])
        return self._status(click) if click.action == "status" else ""

    def _status(self, click: Click) -> str:
        if click.target:
            row, _ = self._find_upgrade(click)
            return describe_status([self._views.build_view(row)], [])
        self._found.want()
        return describe_fleet(self._fleet.list_clusters(click.user), self._found.list_faults())

    def _list_rows(self, cluster: str) -> list[UpgradeRow]:
        if cluster:
            self._find_cluster(cluster)
        return self._journal.list_upgrades(cluster, 20)

    def _record(self, click: Click, row: UpgradeRow, sentence: str) -> None:
        now = self._clock.now()
        self._journal.record_audit(row.id, click.user, click.action, {"step": row.step, "reason": click.reason}, now)
        self._chronicle.tell(row, sentence, now)

    def _find_cluster(self, key: str) -> Cluster:
        known = list_names(self._clusters)
        if not key:
            raise Refusal(f"Which cluster? Known ones: {known}.")
        cluster = self._look_up(key)
        if cluster is None:
            raise Refusal(
                " ".join([f"There is no cluster `{key}` in clusters.toml. Known ones: {known}.", *self._tell_found()])
            )
        return cluster

    def _look_up(self, key: str) -> Cluster | None:
        return self._clusters.get(key) or self._found.find(key)

    def _tell_found(self) -> list[str]:
        names = list_names(cluster.key for cluster in self._found.list_clusters())
        found = [] if names == "none" else [f"Found in GKE and not in clusters.toml: {names}."]
        return [*found, *(f"{fault}." for fault in self._found.list_faults())]

    def _find_upgrade(self, click: Click) -> tuple[UpgradeRow, Cluster]:
        by_id = self._journal.find_upgrade(click.target) if click.target else None
        if by_id:
            return by_id, self._find_cluster_of(by_id)
        if not click.target and len(self._clusters) == 1:
            cluster = next(iter(self._clusters.values()))
        else:
            cluster = self._find_cluster(click.target)
        row = self._journal.find_open_upgrade(cluster.key)
        if row:
            return row, self._find_cluster_of(row)
        if cluster.found and click.action not in READING:
            raise Refusal(f"{cluster.key} {NOT_CONFIGURED} it. `/asm-upgrade start {cluster.key}` proposes.")
        raise Refusal(
            f"No upgrade of {cluster.key} is under way. `/asm-upgrade start {cluster.key}` starts one, "
            f"`/asm-upgrade history {cluster.key}` lists the ended ones."
        )

    def _find_cluster_of(self, row: UpgradeRow) -> Cluster:
        """The cluster of an upgrade. One that clusters.toml has lost counts only where nothing can be changed."""
        if row.cluster not in self._clusters and not reads_only(row.plan):
            known = list_names(self._clusters)
            raise Refusal(f"There is no cluster `{row.cluster}` in clusters.toml any more. Known ones: {known}.")
        return self._find_cluster(row.cluster)

    def _check_person(self, cluster: Cluster, action: Action, user: str, row: UpgradeRow | None = None) -> None:
        if user == OPERATOR:
            return
        refused = refuse_person(cluster.policy, action, user, row.requester if row else "", approving=False)
        if refused:
            raise Refusal(refused)

    def _check_legal(self, row: UpgradeRow, action: Action) -> None:
        legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
        if action not in legal:
            possible = f" Possible now: {list_names(legal)}." if legal else ""
            raise Refusal(f"Can't {action} {row.id}: {describe_state(row)}.{possible}")
