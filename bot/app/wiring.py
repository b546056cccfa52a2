"""Builds the real objects and joins them; nothing else does."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.app.keys import open_key
from bot.app.known_releases import read_releases
from bot.app.upkeep import Archives, JournalCopies, JournalPacks
from bot.clicks.clicks import Clicks
from bot.clock import Clock
from bot.discovery.found import Found
from bot.discovery.readings import ClusterReadings, FormReading
from bot.discovery.search import GkeSearch
from bot.engine.asides import Asides
from bot.engine.outages import Outages
from bot.engine.own_bindings import OwnBindings
from bot.engine.plans import Pace, Plans, Ports, PortsFor
from bot.engine.renewals import Renewals
from bot.engine.runner import Runner
from bot.engine.step_runs import StepRuns
from bot.evidence.reports import ChangeRecords
from bot.files import measure_room
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import count_places, read_memory
from bot.gateways.releases.archive_cache import ArchiveCache
from bot.gateways.webhook_posts import WebhookPosts
from bot.journal.deliveries import Deliveries
from bot.journal.journal import Journal
from bot.journal.measured import Paces
from bot.journal.outbox import Outbox
from bot.journal.records import mark_journal
from bot.journal.store import Store
from bot.orders.cards import Cards
from bot.orders.consents import Consents
from bot.orders.controls import Controls, Rollbacks
from bot.orders.decisions import Decisions
from bot.orders.entry import Entry
from bot.orders.fleet import Fleet
from bot.orders.scheduling import Scheduling
from bot.orders.settling import Upgrades
from bot.orders.starts import Starts
from bot.orders.targets import Targets
from bot.orders.timetable import Timetable
from bot.orders.use_cases import Answers, Logs, UseCases
from bot.people.roster import PeopledClusters, Roster
from bot.reminders.channels import ChannelWatch
from bot.reminders.tick import Reminders
from bot.retention.packing import Packing
from bot.retention.parcels import Parcels
from bot.retention.sweeping import Retention, Rule
from bot.returns import Returns
from bot.schedule.closings import Closings
from bot.schedule.keeper import Keeper
from bot.schedule.tables import Schedules
from bot.schedule.zone_rules import ZoneRules
from bot.settings.clusters import Cluster
from bot.settings.environment import BACKUPS, JOURNAL, ConfigError, Settings, find_clusters_file, read_clusters
from bot.settings.live import ClustersFile, LiveClusters, find_present_channel
from bot.slack.api.clients import build_posting_client, build_reading_client
from bot.slack.api.directory import SlackDirectory
from bot.slack.drawing.text import Pen
from bot.slack.sending.announcer import Announcer
from bot.slack.sending.delivery import Sender
from bot.slack.sending.home_tabs import HomeTabs
from bot.slack.sending.live_views import LiveViews
from bot.slack.sending.posting import Postbox
from bot.telling.chronicle import Chronicle
from bot.telling.old_reports import OldReports
from bot.telling.views import Views
from bot.transitions import Transitions
from bot.webhooks.sending import WebhookSender
from steps.contract.ports import Kubernetes
from steps.contract.release import Release
from steps.install.recovery import read_mesh_mode
from steps.mesh import ClusterAddress, Discovery
from steps.plan import STEPS

if TYPE_CHECKING:
    from bot.gateways.clusters import ClusterGateways
    from bot.gateways.google.credentials import GoogleCredentials
    from bot.gateways.google.gke import GoogleEndpoints

SEARCH_SECONDS = 4.0
# Where archives stand in the state folder.
RELEASES = "releases"
# How long a new pod's credentials are waited for, in seconds.
POD_PATIENCE = 120.0
PROGRAMS = "programs"
# And what programs are given to reach clusters.
KUBECONFIGS = "kubeconfigs"


@dataclass(frozen=True)
class Outside:
    """What the whole program has one of: the child programs, Google's credentials, and a way into each cluster."""

    programs: ProgramRuns
    credentials: GoogleCredentials
    clusters: ClusterGateways


@dataclass(frozen=True)
class Bot:
    """The bot's parts, joined over one journal."""

    settings: Settings
    clusters: LiveClusters
    clock: Clock
    store: Store
    journal: Journal
    outbox: Outbox
    views: Views
    upgrades: Upgrades
    runner: Runner
    announcer: Announcer
    fleet: Fleet
    roster: Roster
    reminders: Reminders
    ticks: tuple[Callable[[], None], ...]
    schedules: Schedules
    home_tabs: HomeTabs
    outages: Outages
    search: GkeSearch
    readings: ClusterReadings
    own_bindings: OwnBindings
    renewals: Renewals
    keeper: Keeper
    outside: Outside

    @property
    def programs(self) -> ProgramRuns:
        """The child programs."""
        return self.outside.programs


def build_bot(
    settings: Settings, clock: Clock, on_commit: Callable[[], None], ports_for: PortsFor | None = None
) -> Bot:
    """Open the journal and join everything to it. Raises StoreBusy, StoreBroken or ConfigError."""
    releases = read_known_releases(settings)
    store = Store(settings.state / JOURNAL, open_key(settings.key), on_commit)
    outside = build_outside(settings)
    plans = Plans(
        STEPS,
        releases,
        ports_for or functools.cache(build_ports_for(settings, outside)),
        Pace(settings.retry_cap, settings.approval_life),
    )
    bot = join_bot(settings, clock, store, plans, outside)
    bot.keeper.wake_held()
    return bot


def read_for_form(kubernetes: Kubernetes) -> FormReading:
    """What the start form shows of a cluster and checks the input against."""
    return FormReading(read_mesh_mode(kubernetes), tuple(one.name for one in kubernetes.list_namespaces()))


def join_bot(settings: Settings, clock: Clock, store: Store, plans: Plans, outside: Outside) -> Bot:
    """Join everything to an open journal."""
    journal, outbox, live = Journal(store), Outbox(store), LiveClusters(settings.clusters)
    schedules, views, returns = Schedules(store), Views(journal, clock), join_returns(store, journal, plans, live)
    clusters = PeopledClusters(live, roster := build_roster(settings, live, clock))
    chronicle = Chronicle(journal, outbox, clusters.list_approvers)
    transitions = Transitions(journal, returns, chronicle, clock)
    keeper = Keeper(journal, schedules, transitions, clusters, plans.releases, Paces(store))
    timetable = Timetable(journal, schedules, chronicle, clock, clusters)
    scheduling = Scheduling(timetable, journal, schedules, keeper, chronicle, clock)
    search, readings = build_search(settings, clock), build_readings(plans, clock)
    found = Found(journal, search, settings.discovery, clusters, roster.expand_policy)
    targets, shown = Targets(journal, clusters, found, live.list_faults), LiveViews(journal, views, live, chronicle)
    fleet = Fleet(targets, journal, views, outbox.read_thread, timetable, readings)
    runs, starts = StepRuns(journal, keeper, clock, plans), Starts(targets, journal, transitions, clock)
    rollbacks = Rollbacks(targets, journal, returns, transitions, clock, timetable)
    asides, consents = Asides(journal, chronicle, runs, clock), Consents(journal, roster, chronicle, clock)
    decisions = Decisions(targets, Cards(outbox), consents, journal, transitions, clock)
    controls, logs = Controls(targets, transitions, decisions, timetable), Logs(targets, outbox)
    use_cases = UseCases(starts, rollbacks, decisions, controls, scheduling, Answers(timetable, fleet, logs))
    return Bot(
        settings=settings,
        clusters=live,
        clock=clock,
        store=store,
        journal=journal,
        outbox=outbox,
        views=views,
        upgrades=Upgrades(Clicks(store), Entry(targets, journal, roster, clock), use_cases, chronicle, clock),
        runner=Runner(journal, chronicle, transitions, keeper, clock, plans),
        announcer=build_announcer(settings, store, shown, clock, pen := build_pen(fleet, journal)),
        fleet=fleet,
        roster=roster,
        schedules=schedules,
        reminders=Reminders(store, schedules, outbox, clock, clusters),
        ticks=join_ticks(journal, outbox, chronicle, keeper, shown, clock),
        home_tabs=build_home_tabs(settings, fleet, clock, pen),
        outages=Outages(store, journal, chronicle, clock),
        search=search,
        readings=readings,
        own_bindings=OwnBindings(journal, chronicle, asides, plans, clock),
        renewals=Renewals(journal, asides, clock),
        keeper=keeper,
        outside=outside,
    )


def join_ticks(
    journal: Journal, outbox: Outbox, chronicle: Chronicle, keeper: Keeper, views: LiveViews, clock: Clock
) -> tuple[Callable[[], None], ...]:
    """What is looked at every few seconds: channels that take nothing, and what is shown and no more so."""
    channels = ChannelWatch(journal, outbox, chronicle, clock)
    return channels.tick, Closings(journal, keeper, chronicle, clock).tick, views.tick


def join_returns(store: Store, journal: Journal, plans: Plans, clusters: Mapping[str, Cluster]) -> Returns:
    """The ways back, each told where its cluster is told now."""
    return Returns(store, journal, plans.releases, functools.partial(find_present_channel, clusters))


def build_search(settings: Settings, clock: Clock) -> GkeSearch:
    """What looks for clusters in GKE."""
    return GkeSearch(build_discover(settings), settings.discovery.projects, clock)


def build_readings(plans: Plans, clock: Clock) -> ClusterReadings:
    """What forms show of clusters, read when somebody asks."""
    return ClusterReadings(lambda address: read_for_form(plans.ports_for(address).kubernetes), clock)


def read_known_releases(settings: Settings) -> Mapping[str, Release]:
    """The releases by version. Raises ConfigError where one can't be read or a cluster names another."""
    try:
        releases = read_releases(settings.releases, settings.mirror)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    unknown = [cluster for cluster in settings.clusters.values() if cluster.release not in releases]
    if unknown:
        known = ", ".join(sorted(releases))
        raise ConfigError(
            [
                f"[clusters.{c.key}] names the release {c.release}, for which there is no file; known: {known}."
                for c in unknown
            ]
        )
    returned = [cluster for cluster in settings.clusters.values() if releases[cluster.release].return_only]
    if returned:
        raise ConfigError(
            [f"[clusters.{c.key}] names the release {c.release}, which is only gone back to." for c in returned]
        )
    return releases


def build_roster(settings: Settings, clusters: Mapping[str, Cluster], clock: Clock) -> Roster:
    """People and groups as Slack knows them."""
    client = build_reading_client(settings.slack.bot_token, settings.slack.api_url)
    return Roster(SlackDirectory(client), clock, clusters, [settings.discovery.template.policy])


def build_clusters_file(settings: Settings, live: LiveClusters) -> ClustersFile:
    """What reads clusters.toml again; a change that names a release without a file is faulty."""

    def read() -> Mapping[str, Cluster]:
        clusters = read_clusters()
        read_known_releases(replace(settings, clusters=clusters))
        return clusters

    return ClustersFile(find_clusters_file(), live, read)


def build_pen(fleet: Fleet, journal: Journal) -> Pen:
    """What writes for Slack, with the mark of this bot's journal on its buttons."""
    return Pen(fleet.knows, journal=mark_journal(journal.read_id()))


def build_home_tabs(settings: Settings, fleet: Fleet, clock: Clock, pen: Pen) -> HomeTabs:
    """The Home tabs with their client."""
    posting = build_posting_client(settings.slack.bot_token, settings.slack.api_url)
    return HomeTabs(fleet, posting, clock, pen, time.thread_time)


def build_announcer(settings: Settings, store: Store, views: LiveViews, clock: Clock, pen: Pen) -> Announcer:
    """The announcer with its two clients."""
    token, url = settings.slack.bot_token, settings.slack.api_url
    postbox = Postbox(build_posting_client(token, url), build_reading_client(token, url))
    outbox, write_record = Outbox(store), ChangeRecords(store, clock).write
    return Announcer(outbox, Sender(outbox, views.read_view, postbox, clock, pen, write_record), clock)


def build_senders(settings: Settings, store: Store, clock: Clock) -> Mapping[str, WebhookSender]:
    """One sender a webhook, by the webhook's name."""
    return {
        webhook.name: WebhookSender(webhook, Deliveries(store), WebhookPosts(webhook.name).post, clock)
        for webhook in settings.webhooks
    }


def build_archives(settings: Settings, journal: Journal, clock: Clock) -> Archives:
    """What keeps the downloaded releases within bounds."""
    return Archives(journal, ArchiveCache(settings.state / RELEASES), clock, settings.cache_bytes)


def build_copies(settings: Settings, store: Store, clock: Clock) -> JournalCopies:
    """What keeps the journal's file whole, and copies of it."""
    return JournalCopies(store, settings.state / JOURNAL, settings.backups, clock)


def build_packs(settings: Settings, store: Store, clock: Clock) -> JournalPacks:
    """What packs the rows of upgrades that have ended."""
    return JournalPacks(Packing(store, functools.partial(measure_room, settings.state)), clock)


def build_retention(settings: Settings, bot: Bot) -> Retention:
    """What puts away what is left of upgrades that ended long ago."""
    kept = settings.retention
    rule = Rule(kept.age, settings.state / BACKUPS)
    parcels = Parcels(kept.folder, kept.limit, mark_journal(bot.journal.read_id()), measure_room)
    return Retention(bot.store, bot.programs, parcels, rule, bot.clock, measure_room)


def build_old_reports(settings: Settings, bot: Bot) -> OldReports:
    """What takes the way-back button off reports in time."""
    chronicle = Chronicle(bot.journal, bot.outbox, lambda _cluster, _requester: [])
    return OldReports(bot.journal, chronicle, bot.clock, settings.rollback_button)


def build_zone_rules(bot: Bot) -> ZoneRules:
    """What tells that the rules of a zone have moved under an appointment."""
    chronicle = Chronicle(bot.journal, bot.outbox, lambda _cluster, _requester: [])
    return ZoneRules(bot.journal, bot.schedules, chronicle, bot.clock)


def build_discover(settings: Settings) -> Callable[[str], Discovery]:
    """What lists a project's clusters; with shorter time limits than the steps have, as a person waits for it."""
    from bot.gateways.calls.retries import ReadRetries
    from bot.gateways.clusters import ClusterGateways
    from bot.gateways.google.credentials import GoogleCredentials
    from bot.gateways.google.gke import GkeGateway

    credentials = GoogleCredentials(limit=SEARCH_SECONDS)
    endpoints, retries = read_endpoints(settings), ReadRetries(limit=1.0)
    clusters = ClusterGateways(credentials, endpoints, retries=retries)
    gateway = GkeGateway(credentials, clusters.kubernetes_for, endpoints, limit=SEARCH_SECONDS, retries=retries)
    return gateway.discover_clusters


def read_endpoints(settings: Settings) -> GoogleEndpoints:
    """The addresses of Google's APIs."""
    from bot.gateways.google.gke import GoogleEndpoints

    google = settings.google
    return GoogleEndpoints(google.gke, google.resource_manager, google.service_usage)


def build_programs(settings: Settings) -> ProgramRuns:
    """What istioctl and asmctl run in; one for the whole program."""
    return ProgramRuns(settings.state / PROGRAMS / "runs", count_places(settings.programs, read_memory()))


def build_credentials() -> GoogleCredentials:
    """Google's credentials; one for the whole program."""
    from bot.gateways.google.credentials import GoogleCredentials

    return GoogleCredentials(patience=POD_PATIENCE if "KUBERNETES_SERVICE_HOST" in os.environ else 0.0)


def build_outside(settings: Settings) -> Outside:
    """What the bot reaches the world with; nothing is contacted yet."""
    from bot.gateways.clusters import ClusterGateways

    credentials = build_credentials()
    return Outside(build_programs(settings), credentials, ClusterGateways(credentials, read_endpoints(settings)))


def build_ports_for(settings: Settings, outside: Outside) -> Callable[[ClusterAddress], Ports]:
    """The gateways of a cluster; Google's credentials, the cache and the child programs are shared by all clusters."""
    from bot.gateways.backups import BackupsGateway
    from bot.gateways.probes import ProbesGateway
    from bot.gateways.programs.kubeconfigs import Kubeconfigs
    from bot.gateways.programs.mesh_tools import MeshToolsGateway, ProgramLimits
    from bot.gateways.releases.release_files import ReleaseFilesGateway

    clusters, credentials = outside.clusters, outside.credentials
    kubeconfigs = Kubeconfigs(settings.state / KUBECONFIGS, clusters.gke, credentials)
    files = ReleaseFilesGateway(settings.state / RELEASES)
    tools = MeshToolsGateway(
        settings.state / PROGRAMS, kubeconfigs, os.environ, credentials.are_found, outside.programs, ProgramLimits()
    )
    backups = BackupsGateway(settings.state / BACKUPS)
    probes = ProbesGateway()

    def build_ports(address: ClusterAddress) -> Ports:
        return Ports(clusters.kubernetes_for(address), clusters.gke, files, tools, backups, probes)

    return build_ports
