"""What is looked up about an order before it is decided."""

from __future__ import annotations

import pytest

from bot.people.roster import DirectoryFault, SlackUser
from tests.unit.bot.workbench import Build, Members

WRITTEN = {"date": "2026-12-03", "time": "11:00"}


class Zoned(Members):
    """A directory that knows in which zone people read times, or does not say."""

    def __init__(self, zone: str, fault: str = "") -> None:
        self._zone = zone
        self._fault = fault

    def read_person(self, user: str) -> SlackUser:
        if self._fault:
            raise DirectoryFault(self._fault)
        return SlackUser(user, frozenset({"T0HOME0001"}), zone=self._zone)


@pytest.mark.parametrize(
    ("arguments", "moment"),
    [
        (WRITTEN, "2026-12-03 11:00 Asia/Seoul (from 2026-12-03 02:00 UTC)"),
        ({**WRITTEN, "zone": "Europe/Berlin"}, "2026-12-03 11:00 Europe/Berlin (from 2026-12-03 10:00 UTC)"),
    ],
)
def test_a_time_without_a_zone_is_in_that_of_whoever_wrote_it(
    build: Build, arguments: dict[str, str], moment: str
) -> None:
    """A zone that was written holds."""
    engine = build({}, directory=Zoned("Asia/Seoul"))
    assert f"for {moment}" in engine.click("schedule", arguments=arguments)


def test_where_slack_knows_no_zone_it_has_to_be_named(build: Build) -> None:
    """Nothing is scheduled on a guess."""
    told = build({}, directory=Zoned("")).click("schedule", arguments=WRITTEN)
    assert told.startswith("Nothing was scheduled. Name the time zone")
