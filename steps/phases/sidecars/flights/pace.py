"""How fast: the limit in pods a minute as a leaky bucket, and the measured pace for the progress line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steps.contract.cards import Progress
from steps.contract.step import Context
from steps.notes.sidecars import PACE
from steps.workloads.estimate import SLACK_SECONDS

# a poll may come this late without the pace falling under the limit
SLACK = timedelta(seconds=SLACK_SECONDS)
WINDOW = timedelta(seconds=90)
APART = timedelta(seconds=3)


@dataclass(frozen=True)
class Bucket:
    """Pods that were set in motion and are not paid off yet at `at`; `per_minute` 0 means no limit."""

    per_minute: int
    level: float
    at: datetime

    def leak(self, now: datetime) -> Bucket:
        """The bucket at a later time; a clock that jumped back changes nothing but the time."""
        minutes = max(0.0, (now - self.at).total_seconds()) / 60
        return Bucket(self.per_minute, max(0.0, self.level - minutes * self.per_minute), now)

    def has_room(self) -> bool:
        """Whether more pods may be set in motion; a workload may overdraw, which later ones wait for."""
        return not self.per_minute or self.level <= self.per_minute * SLACK.total_seconds() / 60

    def fill(self, pods: int) -> Bucket:
        """The bucket with these pods set in motion."""
        return Bucket(self.per_minute, self.level + pods, self.at)


def recall_bucket(ctx: Context) -> Bucket:
    """The bucket as kept, leaked to now."""
    per_minute = ctx.options.limits.pods_per_minute
    level, at = ctx.recall(PACE) or (0.0, ctx.now)
    return Bucket(per_minute, level, at).leak(ctx.now)


def keep_bucket(ctx: Context, bucket: Bucket) -> None:
    """Keep the bucket for the next turn."""
    ctx.revise(PACE, (round(bucket.level, 3), bucket.at))


Sample = tuple[datetime, int]


def add_sample(samples: Sequence[Sample], now: datetime, done: int) -> tuple[Sample, ...]:
    """The samples of the last 90 s with this one; those too close together or from a future clock are dropped."""
    kept = [sample for sample in samples if now - WINDOW <= sample[0] <= now]
    if kept and now - kept[-1][0] < APART:
        return tuple(kept)
    return (*kept, (now, done))


def measure_progress(samples: Sequence[Sample], done: int, total: int, now: datetime) -> Progress:
    """How far it is, and pods a minute over the samples."""
    if not samples or now <= samples[0][0] or done <= samples[0][1]:
        return Progress(done, total)
    minutes = (now - samples[0][0]).total_seconds() / 60
    pace = (done - samples[0][1]) / minutes
    return Progress(done, total, "pods", round(pace, 1))


def describe_progress(progress: Progress) -> str:
    """`412/500 pods re-injected, 96 pods/min`."""
    counted = f"{progress.done}/{progress.total} pods re-injected"
    if not progress.per_minute or progress.done >= progress.total:
        return counted
    pace = f"{progress.per_minute:.0f}" if progress.per_minute >= 1 else f"{progress.per_minute:.1f}"
    return f"{counted}, {pace} pods/min"
