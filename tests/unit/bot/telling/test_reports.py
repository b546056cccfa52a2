"""Upgrades in words, for private answers and the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.telling.reports import describe_history, describe_status, describe_view
from bot.telling.views import UpgradeView
from tests.unit.bot.slack.samples import ANA, BEN, START, build_asking_view, build_phases, build_view


def test_where_nothing_goes_on_the_clusters_are_named() -> None:
    """And how to start."""
    assert describe_status([], ["cluster-x", "cluster-y"]) == (
        "No upgrade is under way. Clusters: cluster-x, cluster-y. `/asm-upgrade start CLUSTER` starts one."
    )
    assert "Clusters: none." in describe_status([], [])


def test_an_upgrade_is_told_phase_by_phase() -> None:
    """With what is possible now."""
    view = replace(build_view(), phases=build_phases(1, "running")[:3])
    assert describe_status([view], []).splitlines() == [
        "*cluster-x-7* to 1.4.10-asm.18: downloading: 31 of 62 MB",
        "● Prepare: prepare is through",
        "◐ Access: access is at it",
        "○ Download: pending",
        "Possible now: pause, abort.",
    ]


def test_a_blocked_upgrade_says_what_to_do() -> None:
    """Above what is possible."""
    view = build_view(state="blocked", remedy="Retry downloads it again.", legal=("retry",), phases=())
    assert describe_status([view], []).splitlines()[-2:] == ["Retry downloads it again.", "Possible now: retry."]


@pytest.mark.parametrize(
    ("view", "standing"),
    [
        (build_view(state="upgraded"), "upgraded"),
        (build_view(paused_by=BEN), f"paused by <@{BEN}>"),
        (build_asking_view(), "waits for an approval: Replace the control plane?"),
        (build_view(state="blocked", sentence="no signature"), "blocked: no signature"),
        (build_view(sentence=""), "running"),
    ],
)
def test_the_state_of_an_upgrade_is_a_few_words(view: UpgradeView, standing: str) -> None:
    """One for each way in which it can stand."""
    assert describe_view(view) == standing


def test_the_history_names_who_asked() -> None:
    """With the versions; of an upgrade that wrote nothing there is no way back."""
    assert describe_history([]) == "No upgrade was ever started."
    assert describe_history([build_view(state="aborted", source_version="")]).splitlines() == [
        "cluster-x-7: to 1.4.10-asm.18, aborted",
        f"    • Asked for by <@{ANA}>, 2026-12-01 02:00 UTC",
    ]


def test_an_upgrade_and_its_way_back_are_told_together() -> None:
    """In the history, each names the other."""
    first = build_view(state="upgraded", way_back="cluster-x-8 (returned)")
    second = replace(build_view(state="returned", takes_back="cluster-x-7"), id="cluster-x-8")
    told = describe_history([second, first]).splitlines()
    assert told[0].endswith(", returned, takes back cluster-x-7")
    assert told[2].endswith(", upgraded, taken back by cluster-x-8 (returned)")
    assert told[-1] == "    • Taken back by cluster-x-8 (returned)"


def test_older_upgrades_are_a_line_that_says_how_to_read_on() -> None:
    """A message does not hold what everybody decided on all of them."""
    told = describe_history([build_view(state="upgraded")] * 5).splitlines()
    assert told.count("    • `/asm-upgrade history cluster-x-7` tells who decided what") == 2


def test_what_is_left_to_do_stands_there_to_be_copied() -> None:
    """In fixed width, below the one upgrade that it is of."""
    told = describe_history([build_view(state="upgraded")], ["# batch/Pod/one (1 pod): nothing owns it", "kubectl ..."])
    assert told.splitlines()[-5:] == [
        "Left to do:",
        "```",
        "# batch/Pod/one (1 pod): nothing owns it",
        "kubectl ...",
        "```",
    ]


def test_the_time_of_an_appointment_stands_in_the_status() -> None:
    """Before and after the approval."""
    view = build_view(times=(START, START + timedelta(hours=3)), phases=())
    assert describe_status([view], []).splitlines()[1] == "Acts from 2026-12-01 02:00 UTC until 2026-12-01 05:00 UTC."
