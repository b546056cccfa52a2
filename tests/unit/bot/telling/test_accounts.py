"""What stays of an upgrade, a sentence each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.telling.accounts import describe_time_taken, list_account, tell_way_back
from bot.telling.views import Approval, UpgradeView
from tests.unit.bot.slack.samples import ANA, BEN, START, build_view

ENDED = START + timedelta(hours=10)
ACCESS = Approval("access/approve", "approve", BEN, START + timedelta(hours=9), "give the bot cluster-admin?")
RETRY = Approval("sidecars/restart", "retry", ANA, START + timedelta(hours=9, minutes=30))
OPEN = Approval("download/approve", "", "", None, "download ASM 1.4.10-asm.18?")
BACK = "`/asm-upgrade rollback cluster-x REASON`"


def test_it_says_who_asked_and_who_decided_what_and_when() -> None:
    """By the question that they answered; of a blocked step by its phase; what is open is not among them."""
    assert list_account(build_view(approvals=(ACCESS, RETRY, OPEN)))[:3] == (
        f"Asked for by <@{ANA}>, 2026-12-01 02:00 UTC",
        f"Give the bot cluster-admin? Approved by <@{BEN}>, 2026-12-01 11:00 UTC",
        f"Sidecars: retried by <@{ANA}>, 2026-12-01 11:30 UTC",
    )


def test_what_people_took_is_told_apart_from_the_work() -> None:
    """An upgrade that waited for a night did not work for a night."""
    assert (
        describe_time_taken(build_view(ended_at=ENDED, people=timedelta(hours=9)))
        == "Took 1 h, and people took 9 h besides"
    )
    assert describe_time_taken(build_view(ended_at=ENDED)) == "Took 10 h, without people"
    assert describe_time_taken(build_view()) == ""


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (build_view(state="aborted", ended_at=ENDED), ""),
        (build_view(written=True), f"Way back: {BACK}"),
        (build_view(state="upgraded", ended_at=ENDED, written=True), f"Way back: {BACK}, its gates ask"),
        (
            build_view(state="upgraded", ended_at=ENDED, written=True, covered_until=ENDED + timedelta(hours=24)),
            f"Way back: {BACK}, by one person alone until 2026-12-02 12:00 UTC, later its gates ask",
        ),
        (
            build_view(state="upgraded", written=True, way_back="cluster-x-8 (running)"),
            "Taken back by cluster-x-8 (running)",
        ),
    ],
)
def test_the_way_back_is_told_with_how_long_it_takes_one_person_alone(view: UpgradeView, told: str) -> None:
    """Where nothing was written there is none."""
    assert tell_way_back(view) == told
