"""Root and card once the time that stood on them is over."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.schedule.closings import Closings
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from bot.windows.downtime import Downtime
from tests.unit.bot.schedule.held import NIGHTS, ask, begin
from tests.unit.bot.workbench import ANA, START, Build, Engine

NEXT = "Acts from 2026-12-01 22:00 UTC until 2026-12-02 04:00 UTC"
OVER = "Its window ended 2026-12-01 04:00 UTC, and nothing new is begun until another opens"


def draw(engine: Engine, kind: str) -> str:
    """The root or the card as Slack would be given it now, times in UTC."""
    engine.post_cards()
    (message,) = (one for one in engine.outbox.list_told("cluster-x-1") if one.kind == kind)
    drawn = draw_message(message, engine.views.read_view("cluster-x-1"), "rich", Pen(lambda _user: True))
    return str(drawn.blocks)


def list_revisions(engine: Engine) -> list[int]:
    """How often root and card were drawn anew."""
    rows = engine.store.read("select revision from outbox where kind in ('root', 'gate') order by seq")
    return [row["revision"] for row in rows]


def pass_to(engine: Engine, hour: int, minute: int = 0) -> Closings:
    """The clock at that time, and what looks at the windows then, twice."""
    engine.clock.time = datetime(2026, 12, 1, hour, minute, tzinfo=START.tzinfo)
    closings = Closings(engine.journal, engine.keeper, engine.chronicle, engine.clock)
    closings.tick()
    return closings


@pytest.mark.parametrize("minute", [0, 1])
def test_a_window_that_has_ended_gives_way_to_the_next(build: Build, minute: int) -> None:
    """Root and card are drawn again, once."""
    engine = begin(build, NIGHTS, sidecars__approve=ask)
    before = list_revisions(engine)
    closings = pass_to(engine, 4, minute)
    after = list_revisions(engine)
    assert all(new > old for new, old in zip(after, before, strict=True))
    closings.tick()
    assert list_revisions(engine) == after
    for kind in ("root", "gate"):
        assert str(int(START.replace(hour=22).timestamp())) in draw(engine, kind)
    assert NEXT in engine.click("status", ANA)


def test_where_no_other_follows_the_end_is_told(build: Build) -> None:
    """Of an appointment: not that it may act until a time that has passed."""
    engine = begin(build, Downtime(), sidecars__approve=ask)
    engine.click("schedule", ANA, arguments={"date": "2026-12-01", "time": "03:00", "zone": "UTC", "for": "1h"})
    pass_to(engine, 4)
    assert OVER in engine.click("status", ANA)
    for kind in ("root", "gate"):
        assert "Its window ended" in draw(engine, kind)


def test_before_the_end_nothing_is_drawn_again(build: Build) -> None:
    """Edits are counted by Slack."""
    engine = begin(build, NIGHTS, sidecars__approve=ask)
    before = list_revisions(engine)
    pass_to(engine, 3, 59)
    assert list_revisions(engine) == before
