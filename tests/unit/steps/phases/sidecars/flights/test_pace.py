from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.cards import Progress
from steps.contract.options import Limits, UpgradeOptions
from steps.contract.step import Context
from steps.notes.sidecars import SAMPLES
from steps.phases.sidecars.flights.pace import (
    Bucket,
    add_sample,
    describe_progress,
    keep_bucket,
    measure_progress,
    recall_bucket,
)
from tests.unit.steps.paper_cluster import START, PaperCluster
from tests.unit.steps.rig import Rig, load_release


def build_context() -> Context:
    """A turn of the phase with a limit of 300 pods a minute."""
    rig = Rig(PaperCluster(load_release()), UpgradeOptions(limits=Limits(pods_per_minute=300)))
    return replace(rig.context("sidecars/restart"), now=START)


def test_an_empty_bucket_has_room_for_a_workload_of_any_size() -> None:
    """A large workload overdraws it, and later ones wait."""
    bucket = recall_bucket(build_context())
    assert bucket.has_room()
    assert not bucket.fill(1000).has_room()


def test_a_bucket_leaks_at_its_rate() -> None:
    """1000 pods at 300 a minute are paid off up to the slack after 3 min 5 s."""
    full = Bucket(300, 1000, START)
    assert not full.leak(START + timedelta(seconds=180)).has_room()
    assert full.leak(START + timedelta(seconds=186)).has_room()


def test_without_a_limit_there_is_always_room() -> None:
    """0 means no limit."""
    assert Bucket(0, 10_000, START).has_room()


def test_a_clock_that_jumps_back_empties_nothing_and_blocks_nothing() -> None:
    """The level stays, and leaks from the new time on."""
    bucket = Bucket(300, 100, START).leak(START - timedelta(hours=1))
    assert (bucket.level, bucket.at) == (100, START - timedelta(hours=1))


def test_a_bucket_survives_its_storage() -> None:
    """What is kept between turns is what is read back."""
    bucket, ctx = Bucket(300, 12.5, START), build_context()
    keep_bucket(ctx, bucket)
    assert recall_bucket(ctx) == bucket


def test_samples_survive_their_storage() -> None:
    """What is kept between turns is what is read back."""
    samples = ((START, 3), (START + timedelta(seconds=5), 9))
    assert SAMPLES.read(SAMPLES.write(samples)) == samples


def test_samples_older_than_the_window_are_dropped() -> None:
    """The pace is that of the last minute and a half."""
    kept = add_sample([(START, 0)], START + timedelta(minutes=2), 50)
    assert kept == ((START + timedelta(minutes=2), 50),)


def test_samples_of_a_later_clock_are_dropped() -> None:
    """After the clock jumped back they mean nothing."""
    kept = add_sample([(START + timedelta(hours=1), 50)], START, 60)
    assert kept == ((START, 60),)


def test_samples_keep_their_distance() -> None:
    """Two a second would only fill the journal."""
    assert add_sample([(START, 0)], START + timedelta(seconds=1), 5) == ((START, 0),)


def test_the_pace_is_measured() -> None:
    """96 pods in a minute, 88 to go."""
    progress = measure_progress([(START, 316)], 412, 500, START + timedelta(minutes=1))
    assert describe_progress(progress) == "412/500 pods re-injected, 96 pods/min"


@pytest.mark.parametrize(
    ("progress", "sentence"),
    [
        (Progress(0, 500), "0/500 pods re-injected"),
        (Progress(500, 500, per_minute=96, seconds_left=0.0), "500/500 pods re-injected"),
        (Progress(20, 500, per_minute=96, seconds_left=300), "20/500 pods re-injected, 96 pods/min"),
        (Progress(1, 2, per_minute=0.4, seconds_left=150), "1/2 pods re-injected, 0.4 pods/min"),
    ],
)
def test_progress_says_no_more_than_is_known(progress: Progress, sentence: str) -> None:
    """Without a pace there is none to tell."""
    assert describe_progress(progress) == sentence


def test_no_progress_has_no_pace() -> None:
    """Standing still is not a pace."""
    assert measure_progress([(START, 5)], 5, 10, START + timedelta(minutes=1)).per_minute == 0
