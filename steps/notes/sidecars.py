"""What the sidecars phase keeps between turns: approvals, stamps, clocks, refusals and the pace so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from steps.contract.notes import Json, Note, encode_note, read_as
from steps.contract.step import Context

LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class Checked:
    """The first restarted pod that was seen with the new sidecar."""

    pod: str
    image: str


@dataclass(frozen=True)
class Stamp:
    """With which time (RFC 3339) a workload is restarted, and in which generation that was decided.

    `before` is the stamp that stood there, "" for none; None where an earlier version of the bot did not keep it.
    """

    at: str = ""
    generation: int | None = None
    before: str | None = None


@dataclass(frozen=True)
class Backoff:
    """Refused calls for a workload: how many, until when it is left alone, and why."""

    tries: int
    until: datetime
    why: str


@dataclass(frozen=True)
class LastAdvance:
    """How far a workload had got, since when no further, what its events said then, and when they were asked."""

    moved: int
    since: datetime
    words: str = ""
    asked: datetime | None = None


@dataclass(frozen=True)
class Injected:
    """The namespaces that the injector served when it was last looked at in full."""

    at: datetime
    injected: tuple[str, ...]


@dataclass(frozen=True)
class GkeWork:
    """The operation of GKE that moves nodes or the master, in a sentence, "" for none, and when that was asked."""

    at: datetime | None = None
    words: str = ""


@dataclass(frozen=True)
class Watched:
    """For how many seconds a soaking wave was watched, and when it was looked at last."""

    at: datetime
    watched: float


@dataclass(frozen=True)
class WatchedPods:
    """The canary's pods at the last look, the fewest that were ready at any look since, and their restarts."""

    at: datetime
    since: datetime
    pods: int
    ready: int
    least: int
    restarts: int


@dataclass(frozen=True)
class Requests:
    """Requests a second, the share of them that failed with 5xx, and how long 99 % took; `fault`: why not known."""

    rate: float = 0.0
    failing: float = 0.0
    latency_ms: float | None = None
    fault: str = ""


@dataclass(frozen=True)
class Seen:
    """Rounds that were waited for and what they took in all; `since` the last break, `at` the last look."""

    seconds: float
    rounds: float
    since: datetime
    at: datetime

    @property
    def round_seconds(self) -> float:
        """The mean round, 0 where none was seen."""
        return self.seconds / self.rounds if self.rounds else 0.0

    def add(self, seconds: float, rounds: float) -> Seen:
        """With some more rounds."""
        return replace(self, seconds=self.seconds + seconds, rounds=self.rounds + rounds)


def write_seen(seen: Seen) -> Json:
    """The rounds as JSON, no finer than they were measured."""
    return encode_note(replace(seen, seconds=round(seen.seconds, 1), rounds=round(seen.rounds, 3)))


# Ids of approved workloads.
APPROVED = Note("sidecars/approved", read_as(tuple[str, ...]))
# The generation in which workloads were approved anew, because their approval had become too old.
RENEWED = Note("sidecars/renewed", read_as(int))
CHECKED = Note("sidecars/checked", read_as(Checked))
# Of one workload and attempt: when it began, and since when it can't be begun.
CLOCK = Note("sidecars/clock", read_as(datetime))
HELD = Note("sidecars/held", read_as(datetime))
STAMP = Note("sidecars/stamp", read_as(Stamp))
# Of one workload and attempt: how often its restart was sent and taken.
SENT = Note("sidecars/sent", read_as(int))
# The workloads whose restart somebody takes back, and those whose pods are evicted instead since a person chose so.
TAKEN_BACK = Note("sidecars/taken-back", read_as(tuple[str, ...]))
EVICTED = Note("sidecars/evicted-instead", read_as(tuple[str, ...]))
# By step and generation: the workloads that a person's choice to evict was about.
TO_EVICT = Note("sidecars/to-evict", read_as(tuple[str, ...]))
# On which node each pod of a DaemonSet, by uid, stood when it was begun.
NODES = Note("sidecars/nodes", read_as(dict[str, str]))
BACKOFF = Note("sidecars/backoff", read_as(Backoff))
# Since when nothing may be restarted, by generation.
GAP = Note("sidecars/gap", read_as(datetime))
# What was missing then, by generation: where that changes, something gets on.
GAP_WORDS = Note("sidecars/gap-words", read_as(str))
GUARDED = Note("sidecars/guarded", read_as(Injected))
GKE_WORK = Note("sidecars/gke-work", read_as(GkeWork))
# Pods set in motion that are not paid off yet, and when that was counted.
PACE = Note("sidecars/pace", read_as(tuple[float, datetime]))
# By step: when how many pods were done.
SAMPLES = Note("sidecars/samples", read_as(tuple[tuple[datetime, int], ...]))
ROUNDS = Note("sidecars/rounds", read_as(Seen), write_seen)
# The begun workloads by id.
STANDING = Note("sidecars/standing", read_as(dict[str, LastAdvance]))
# What was watched of the canary, and its requests before the first restart and at the end of the soak.
CANARY_PODS = Note("sidecars/canary-pods", read_as(WatchedPods))
CANARY_BEFORE = Note("sidecars/canary-before", read_as(Requests))
CANARY_AFTER = Note("sidecars/canary-after", read_as(Requests))
OVERRUN_TOLD = Note("sidecars/overrun-told", read_as(bool))
# By step and generation: the workloads that a person's Skip was about, and the wave whose breach was accepted.
SKIPPED = Note("sidecars/skip", read_as(tuple[str, ...]))
ACCEPTED = Note("sidecars/accepted", read_as(str))


def name_soak_end(wave: str) -> Note[datetime]:
    """When the wave's soak was over."""
    return Note(f"sidecars/soak/{wave}/over", read_as(datetime))


def name_soak(ctx: Context, wave: str) -> Note[Watched]:
    """How long the wave was watched; a retry starts watching again."""
    return Note(f"sidecars/soak/{wave}/{ctx.generation}", read_as(Watched))


def name_clock(ctx: Context, ref: str) -> Note[datetime]:
    """When the present attempt at the workload began; a retry is a new attempt."""
    return CLOCK.of(ctx.generation, ref)


def name_hold(ctx: Context, ref: str) -> Note[datetime]:
    """Since when the workload can't be begun."""
    return HELD.of(ctx.generation, ref)


def read_refs(ctx: Context, note: Note[tuple[str, ...]]) -> frozenset[str]:
    """The workload ids of a note."""
    refs = ctx.recall(note)
    return frozenset(refs or ())


def list_evicting(ctx: Context) -> tuple[str, ...]:
    """The namespaces whose pods are to be evicted by the options, and the workloads of which a person chose so."""
    return (*ctx.options.evict_namespaces, *sorted(read_refs(ctx, EVICTED)))


def add_refs(ctx: Context, note: Note[tuple[str, ...]], refs: Iterable[str]) -> None:
    """Add workload ids to those of a note."""
    kept = read_refs(ctx, note)
    joined = kept | frozenset(refs)
    if joined != kept:
        ctx.revise(note, tuple(sorted(joined)))


def start_clock(ctx: Context, note: Note[datetime]) -> datetime:
    """The time at which this was first asked for."""
    return _correct(ctx, note, ctx.remember(note, ctx.now))


def read_clock(ctx: Context, note: Note[datetime]) -> datetime | None:
    """The time of a note, None where none is kept."""
    kept = ctx.recall(note)
    return None if kept is None else _correct(ctx, note, kept)


def _correct(ctx: Context, note: Note[datetime], begun: datetime) -> datetime:
    # A clock that was set back would add the jump to every patience and to the soak: they begin anew.
    if begun <= ctx.now:
        return begun
    ctx.revise(note, ctx.now)
    return ctx.now


def name_stamp(ctx: Context, ref: str, *, anew: bool = False) -> Note[Stamp]:
    """The workload's first stamp, or the one that this attempt may add to it."""
    return STAMP.of(ref, ctx.generation) if anew else STAMP.of(ref)


def read_stamp(ctx: Context, ref: str, *, anew: bool = False) -> tuple[str, int]:
    """The workload's first stamp, or this attempt's, and the generation it was made in; "" where there is none."""
    kept = ctx.recall(name_stamp(ctx, ref, anew=anew)) or Stamp()
    return kept.at, ctx.generation if kept.generation is None else kept.generation


def list_stamps(ctx: Context, ref: str) -> tuple[Stamp, ...]:
    """Every stamp with which the upgrade has restarted the workload, the latest first."""
    notes = (*(STAMP.of(ref, number) for number in range(ctx.generation, -1, -1)), STAMP.of(ref))
    return tuple(kept for note in notes if (kept := ctx.recall(note)))


def stamp_workload(ctx: Context, ref: str, before: str, *, anew: bool = False) -> str:
    """Commit the stamp (RFC 3339) with which the workload is restarted; the first one ever stored is answered."""
    now = ctx.now.astimezone(UTC).replace(microsecond=0)
    stamp = Stamp(now.strftime("%Y-%m-%dT%H:%M:%SZ"), ctx.generation, before)
    return ctx.remember(name_stamp(ctx, ref, anew=anew), stamp).at


def count_sent(ctx: Context, ref: str) -> int:
    """How often this attempt has sent the workload's restart."""
    return ctx.recall(SENT.of(ref, ctx.generation)) or 0


def note_sent(ctx: Context, ref: str) -> None:
    """The API server took the workload's restart once more."""
    ctx.revise(SENT.of(ref, ctx.generation), count_sent(ctx, ref) + 1)


def put_off(ctx: Context, ref: str, seconds: float | None, why: str) -> None:
    """Leave the workload alone for a while after a call for it failed; longer each time, 60 s at most."""
    kept = ctx.recall(BACKOFF.of(ref))
    tries = (kept.tries if kept else 0) + 1
    pause = seconds if seconds is not None else min(60.0, 2.0**tries)
    until = ctx.now + min(timedelta(seconds=pause), LONGEST_PAUSE)
    ctx.revise(BACKOFF.of(ref), Backoff(tries, until, why))


def is_put_off(ctx: Context, ref: str) -> bool:
    """Whether the workload's pause after a refused call still lasts."""
    kept = ctx.recall(BACKOFF.of(ref))
    # A longer one was kept before the clock was set back.
    return kept is not None and ctx.now < kept.until <= ctx.now + LONGEST_PAUSE


def recall_refusal(ctx: Context, ref: str) -> str:
    """Why the last call for the workload was refused, "" where it was not."""
    kept = ctx.recall(BACKOFF.of(ref))
    return kept.why if kept else ""


def forget_refusals(ctx: Context, ref: str) -> None:
    """A call for the workload went through again."""
    if ctx.recall(BACKOFF.of(ref)):
        ctx.forget(BACKOFF.of(ref))
