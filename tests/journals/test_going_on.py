"""Today's bot goes on from each journal that an earlier bot left behind, and ends where that one would have."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.journal.rows import UpgradeRow
from tests.journals.frames import list_frames, load_frame
from tests.journals.going_on import go_on, read
from tests.journals.kept_recordings import keep_recordings
from tests.journals.restoring import Studio
from tests.scenarios.records import find_doubled_programs, find_repeated
from tests.scenarios.test_downtime import DowntimeRig

PODS = 58
# From here on an upgrade goes on to its end; from earlier it goes on to its next question, where the next frame stands,
# unless --every-journal is given.
NEARLY_ENDED = "sidecars/approve"
# Nothing is under way in these.
AT_REST = frozenset({"empty", "empty-with-role", "plan-ended", "returned"})
# What a message may be dropped for: nobody is served by it any more.
TOO_LATE = frozenset({"the private answer is older than 30 minutes", "of no use any more when Slack could be reached"})


@pytest.fixture(scope="module", autouse=True)
def keep_recorded(
    studio: Studio, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """What one journal's istioctl did is taken again by others that ask the same, unless --every-journal is given."""
    if pytestconfig.getoption("every_journal"):
        yield
        return
    with keep_recordings(studio.world.cluster, tmp_path_factory.mktemp("shelf"), lambda _run: True):
        yield


@pytest.mark.parametrize("name", [name for name in list_frames() if name not in AT_REST])
def test_an_upgrade_goes_on(name: str, studio: Studio, pytestconfig: pytest.Config) -> None:
    """It ends as it should, every pod is accounted for, and Slack has every message once."""
    frame = load_frame(name)
    with studio.resume(frame) as rig:
        begun = rig.bot.journal.list_upgrades()[0]
        whole = pytestconfig.getoption("every_journal") or is_nearly_ended(begun)
        blocked = list_blocked(rig, begun.id)
        let_programs_end(studio, rig, begun.id)
        row = go_on(rig, begun.id, lambda row: not whole and row.state == "asking" and row.step != begun.step)
        rig.deliver(1200)
        assert list_blocked(rig, begun.id) == blocked
        assert list_troubles(rig) == []
        assert find_repeated(rig.world) == []
        assert find_doubled_programs(rig) == []
        assert row.state == (frame.ends if row.ended_at else "asking")
        if row.state in ("upgraded", "returned"):
            counts = rig.bot.journal.count_ledger(row.id)
            assert counts["upgraded"] + counts.get("manual", 0) + counts.get("skipped", 0) == PODS
            assert ("skipped" in counts) == name.startswith("skipped")


def is_nearly_ended(row: UpgradeRow) -> bool:
    """Whether little is left of the upgrade's plan."""
    return NEARLY_ENDED not in row.plan or row.plan.index(row.step) >= row.plan.index(NEARLY_ENDED)


def let_programs_end(studio: Studio, rig: DowntimeRig, upgrade: str) -> None:
    """The bot sees what still runs, starts nothing beside it, and waits for its end."""
    for program in studio.running:
        rig.run_until(lambda: re.search(r"\bruns\b", read(rig, upgrade).sentence) is not None, 60)
        assert list(program.place.parent.glob(f"{program.place.name}*")) == [program.place]
        program.go_on()


def list_blocked(rig: DowntimeRig, upgrade: str) -> list[str]:
    """Why the upgrade was ever blocked."""
    return [question.question for question in rig.bot.journal.list_questions(upgrade) if question.kind == "blocked"]


def list_troubles(rig: DowntimeRig) -> list[tuple[str, str]]:
    """Kind and trouble of each message that Slack did not take."""
    rows = rig.bot.store.read("select kind, trouble from outbox where trouble <> ''")
    return [(row["kind"], row["trouble"]) for row in rows if row["trouble"] not in TOO_LATE]
