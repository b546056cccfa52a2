"""The wait for the replaced control plane, which istioctl 1.4 leaves to its caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steps.contract.cards import Attachment, Card
from steps.contract.step import Blocked, Context, Done, Outcome, Waiting
from steps.contract.wording import describe_seconds
from steps.mesh import Event, Pod, Workload, WorkloadRef
from steps.notes.control_plane import AGENTS, IN_PLACE, INGRESS, LEAVING, STALLS, AgentsSeen
from steps.notes.download import IMAGES
from steps.notes.prepare import MESH_SEEN, SIDECARS, SeenMesh, SidecarCounts
from steps.workloads.causes import advise, choose_words, find_cause
from steps.workloads.control_plane import Images, Standing, describe_done, format_pods, judge_workloads
from steps.workloads.estimate import SEEN_SPREAD, Range, describe_overrun, describe_range, estimate_control_plane
from steps.workloads.inventory import find_workload, is_finished
from steps.workloads.stalls import (
    DEADLINE,
    TERMINATING,
    UNREADY,
    Stall,
    choose_overdue,
    explain_late_leaving,
    explain_webhook_gap,
    find_stalls,
    find_webhook_gap,
)

PHASE = "control-plane"
LOOK_AGAIN = 5.0
# The kinds that a control plane consists of, and what makes the pods of its Deployments.
PARTS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")
# The guide's 5 to 10 minutes, doubled; nodeagent replaces one node's pod after the other.
BASE_LIMIT = timedelta(minutes=20)
NODE_LIMIT = timedelta(minutes=1)
# A pod that starts in its ordinary time says nothing either; of the others a few are asked a turn.
SILENT = timedelta(seconds=60)
ASKED_A_TURN = 2
RECENT = timedelta(minutes=2)


@dataclass(frozen=True)
class Scene:
    """The control plane as one turn sees it; `gap` is what injection still lacks, "" where it works.

    Of the namespace's `pods` those are its `own` that live and that its workloads made: others' pods, and what ended
    or orphaned ones left behind, hold nobody up.
    """

    standings: tuple[Standing, ...]
    workloads: tuple[Workload, ...]
    pods: tuple[Pod, ...]
    own: tuple[Pod, ...]
    gap: str

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still missing, in sentences; nothing when the control plane is replaced."""
        leaving = (f"{pod.name} is terminating" for pod in self.own if pod.terminating)
        return (*(s.missing for s in self.standings if s.missing), *([self.gap] if self.gap else []), *leaving)


def roll_out(ctx: Context) -> Outcome:
    """Wait until every workload is on its rendered image and rolled out, and the injector can inject."""
    images = ctx.recall(IMAGES) or {}
    scene = read_scene(ctx, images)
    table = format_pods(scene.pods, images, ctx.now)
    if not scene.missing:
        return conclude(ctx, scene, table)
    changed = next((s.wrong_image for s in scene.standings if s.wrong_image), "")
    if changed:
        return Blocked(
            f"after istioctl had put the rendered images in place, {changed}",
            "Somebody or something else changes the control plane; stop it and put the image back, then retry.",
        )
    stalls = list_stalls(scene)
    overdue = choose_overdue(stalls, time_stalls(ctx, stalls)) or find_late_leaving(ctx, scene.own)
    if overdue:
        return Blocked(overdue.sentence, overdue.remedy, attachments=(_attach(table), *attach_events(ctx, overdue)))
    told = (*stalls, *ask_silent(ctx, scene.workloads, scene.own))
    return _judge_time(ctx, scene, table, told) or describe_wait(
        scene, told, table, describe_unknown_time(told) or describe_time_left(ctx, scene.workloads)
    )


def describe_unknown_time(stalls: Sequence[Stall]) -> str:
    """`; time left not known: waits for …` while something holds the rollout up, "" while nothing does."""
    first = next((stall for stall in stalls if stall.kind not in (UNREADY, DEADLINE)), None)
    return f"; time left not known: waits for {first.sentence}" if first else ""


def read_scene(ctx: Context, images: Images) -> Scene:
    """Read workloads, pods and the injector's standing."""
    release = ctx.release
    kinds = dict.fromkeys((*PARTS, *(one.kind for one in release.workloads)))
    workloads = ctx.kubernetes.list_workloads(release.namespace, tuple(kinds))
    standings = judge_workloads(release, images, workloads)
    names = {standing.ref for standing in standings}
    pods = tuple(ctx.kubernetes.list_pods(release.namespace))
    return Scene(
        standings,
        tuple(workload for workload in workloads if workload.ref in names),
        pods,
        tuple(pick_own(pods, names, {workload.ref: workload for workload in workloads})),
        find_webhook_gap(
            ctx.kubernetes.read_webhook(release.injector_webhook),
            ctx.kubernetes.count_ready_endpoints(release.namespace, release.injector_service),
        ),
    )


def pick_own(
    pods: Iterable[Pod], names: Collection[WorkloadRef], workloads: Mapping[WorkloadRef, Workload]
) -> Iterator[Pod]:
    """The living pods that workloads of these names made; a ReplicaSet that is gone meanwhile may have been theirs."""
    for pod in pods:
        ref = find_workload(pod, workloads)
        if not is_finished(pod) and (ref in names or (ref.kind == "ReplicaSet" and ref not in workloads)):
            yield pod


def time_stalls(ctx: Context, stalls: Iterable[Stall]) -> Mapping[str, timedelta]:
    """For how long each of them has been seen, by its key; time in which nobody looked doesn't count."""
    kept = ctx.recall(STALLS) or {}
    seen = {stall.key: min(kept.get(stall.key, ctx.now), ctx.now) for stall in stalls}
    if seen != kept:
        ctx.revise(STALLS, seen)
    return {key: ctx.now - max(at, ctx.waiting_since) for key, at in seen.items()}


def list_stalls(scene: Scene) -> tuple[Stall, ...]:
    """What holds the rollout up; pods that are leaving have a patience of their own."""
    found = find_stalls(scene.workloads, [pod for pod in scene.own if not pod.terminating])
    return (*found, explain_webhook_gap(scene.gap)) if scene.gap else found


def describe_wait(scene: Scene, stalls: Sequence[Stall], table: Sequence[str], left: str) -> Waiting:
    """One sentence with what is left, then the guide's table and what holds it up."""
    more = len(scene.missing) - 1
    why = f"control plane: {scene.missing[0]}" + (f", and {more} more" if more else "")
    # That a pod runs and isn't ready stands in the table already.
    told = dict.fromkeys(stall.sentence for stall in stalls if stall.kind != UNREADY)
    return Waiting(f"{why}{left}", LOOK_AGAIN, details=(*table, *told))


def conclude(ctx: Context, scene: Scene, table: Sequence[str]) -> Done:
    """The milestone, with the ingress address compared with that before the apply."""
    sentence = describe_done(ctx.release, scene.standings, replaced=ctx.recall(IN_PLACE) is None)
    ctx.revise(MESH_SEEN, SeenMesh((ctx.release.version,), (ctx.recall(SIDECARS) or SidecarCounts()).by_version))
    before = ctx.recall(INGRESS) or ""
    after = ctx.kubernetes.read_ingress_address(ctx.release.namespace, ctx.release.ingress_service)
    attachments = (_attach(table),)
    if before == after:
        return Done(sentence, attachments=attachments)
    risk = f"the ingress address was {before or 'none'} and is now {after or 'none'}: look at DNS and firewalls"
    return Done(f"{sentence}; {risk}", Card("The ingress address has changed", risks=(risk,)), attachments)


def find_late_leaving(ctx: Context, pods: Sequence[Pod]) -> Stall | None:
    """A pod that has been terminating for too long; since when is kept in a note, as the pod itself doesn't tell."""
    seen = ctx.recall(LEAVING) or {}
    now = {pod.uid: seen.get(pod.uid, ctx.now) for pod in pods if pod.terminating}
    if seen != now:
        ctx.revise(LEAVING, now)
    for pod in pods:
        if pod.uid in now and ctx.now - now[pod.uid] >= TERMINATING:
            return explain_late_leaving(pod, ctx.now - now[pod.uid])
    return None


def attach_events(ctx: Context, stall: Stall) -> tuple[Attachment, ...]:
    """The Kubernetes events of the stalled pod as a file, none where there are none."""
    if not stall.subject:
        return ()
    events = ctx.kubernetes.read_events(ctx.release.namespace, "Pod", stall.subject)
    lines = (f"{event.kind} {event.reason} x{event.count}: {event.message}" for event in events)
    text = "\n".join(lines)
    return (Attachment("events.txt", f"{text}\n"),) if text else ()


def _judge_time(ctx: Context, scene: Scene, table: Sequence[str], stalls: Sequence[Stall]) -> Blocked | None:
    nodes = max((s.replicas for s in scene.workloads if s.ref.kind == "DaemonSet"), default=0)
    limit = BASE_LIMIT + nodes * NODE_LIMIT
    passed = ctx.now - ctx.waiting_since
    if passed < limit:
        return None
    lasting, reason = describe_seconds(passed.total_seconds()), f"; {stalls[0].sentence}" if stalls else ""
    remedy = stalls[0].remedy if stalls else f"kubectl -n {ctx.release.namespace} get pods shows where it stands"
    return Blocked(
        f"the control plane is not rolled out after {lasting}: {scene.missing[0]}{reason}",
        f"{remedy.rstrip('.')}; retry waits on.",
        attachments=(_attach(table),),
    )


def _attach(table: Sequence[str]) -> Attachment:
    return Attachment("control-plane.txt", "\n".join(table) + "\n")


def describe_time_left(ctx: Context, workloads: Iterable[Workload]) -> str:
    """`; up to 6 min left`, with what the window lacks; "" where nobody has timed the phase."""
    forecast = ctx.forecast()
    passed = forecast.took.get(PHASE)
    agents = measure_agents(ctx, workloads)
    if agents:
        return f"; {describe_range(agents)} left by the nodes so far{describe_overrun(agents, forecast.window_minutes)}"
    if passed is None:
        return ""
    low, high = estimate_control_plane(ctx.release, forecast.measured, forecast.nodes)
    if passed >= high:
        return f"; it takes longer than the {describe_range((low, high))} estimated"
    left = max(0.0, low - passed), high - passed
    return f"; up to {describe_seconds(left[1] * 60)} left{describe_overrun(left, forecast.window_minutes)}"


def measure_agents(ctx: Context, workloads: Iterable[Workload]) -> Range | None:
    """Minutes until the node agent is on every node, by the nodes done since the first look; None where none was.

    It is replaced on one node after the other, so that it ends last wherever there are many.
    """
    agent = max((w for w in workloads if w.ref.kind == "DaemonSet"), key=lambda w: w.replicas, default=None)
    if agent is None or not agent.replicas:
        return None
    first = ctx.recall(AGENTS)
    if first is None:
        ctx.revise(AGENTS, AgentsSeen(ctx.now, agent.updated))
        return None
    done = agent.updated - first.done
    passed = (ctx.now - first.at).total_seconds() / 60
    left = agent.replicas - agent.updated
    if done <= 0 or passed <= 0 or left <= 0:
        return None
    minutes = left * passed / done
    return minutes * SEEN_SPREAD[0], minutes * SEEN_SPREAD[1]


def ask_silent(ctx: Context, workloads: Iterable[Workload], pods: Iterable[Pod]) -> tuple[Stall, ...]:
    """The stalls that events alone tell of: they are told while the phase waits, and end no wait by themselves."""
    if ctx.now - ctx.waiting_since < SILENT:
        return ()
    subjects = [*_list_silent(pods, ctx.now), *_list_podless(workloads)][:ASKED_A_TURN]
    found = (_read_stall(ctx, kind, name) for kind, name in subjects)
    return tuple(stall for stall in found if stall is not None)


def _list_silent(pods: Iterable[Pod], now: datetime) -> Iterator[tuple[str, str]]:
    """Pods that have been coming up for long without a word, as when a volume is not there."""
    for pod in pods:
        young = now - pod.created < SILENT
        if pod.phase == "Pending" and not (pod.problem or pod.terminating or young):
            yield "Pod", pod.name


def _list_podless(workloads: Iterable[Workload]) -> Iterator[tuple[str, str]]:
    """Workloads of the kinds that tell of pods they can't make by events alone."""
    for workload in workloads:
        if workload.ref.kind in ("DaemonSet", "StatefulSet") and workload.current < workload.replicas:
            yield workload.ref.kind, workload.ref.name


def _read_stall(ctx: Context, kind: str, name: str) -> Stall | None:
    space = ctx.release.namespace
    words = choose_words(event for event in ctx.kubernetes.read_events(space, kind, name) if _is_recent(event, ctx.now))
    if not words:
        return None
    cause = find_cause(words)
    remedy = advise(words, space, name) or f"kubectl -n {space} describe {kind.lower()} {name}"
    return Stall(cause.kind if cause else "readiness", f"{name}: {words}", remedy, name)


def _is_recent(event: Event, now: datetime) -> bool:
    return event.at is None or now - event.at <= RECENT
