"""The picture of an upgrade over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from bot.evidence.timeline import Scale, draw_timeline, list_marks
from tests.unit.bot.evidence.conftest import Ended, read, restart, write_entry

BEGIN = datetime(2026, 12, 1, 1, 59, 30, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("seconds", [0, 1, 59, 600, 3599, 86_400, 40 * 86_400, 3 * 365 * 86_400])
def test_the_axis_has_a_few_round_times(seconds: int) -> None:
    """However long it took."""
    marks = list_marks(Scale(BEGIN, BEGIN + timedelta(seconds=seconds)))
    assert len(marks) <= 8
    assert all(BEGIN <= mark <= BEGIN + timedelta(seconds=seconds) for mark in marks)


def test_phases_waits_and_pods_are_drawn(ended: Ended) -> None:
    """Each bar says what it is."""
    engine = ended(deeds=(restart("shop/Deployment/web"),), entries=(write_entry(1), write_entry(2)))
    drawn = ElementTree.fromstring(draw_timeline(read(engine)))
    titles = [title.text for title in drawn.iter(f"{SVG}title")]
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert titles == ["Control plane", "waited for people: Replace it?", "Sidecars"]
    assert texts[-1] == "2"


def test_no_text_of_others_is_markup_in_the_picture(ended: Ended) -> None:
    """A question carries names from the cluster."""
    assert "<script" not in draw_timeline(read(ended("<script>alert(1)</script>")))
