"""The bot as process 1 of a container is told to stop in the middle of everything; each start goes on by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from sandbox.watching.messages import consent, kind_of
from tests.namespaces import find_way_apart
from tests.scenarios.container import (
    UPGRADE,
    Json,
    Life,
    Person,
    Site,
    begin_life,
    begin_life_in,
    has_ended,
    list_faults,
    open_site,
    wait_until,
)
from tests.scenarios.locks import is_locked
from tests.scenarios.nursery import open_nursery
from tests.scenarios.page import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LONG_GRACE, SHORT_GRACE = 120.0, 0.5


@dataclass(frozen=True)
class Moment:
    """When the signal comes: how to make sure that it can be met, and by what it is known.

    The bot that meets it begins in a nursery, or as the program that a container starts.
    """

    name: str
    is_here: Callable[[Site, list[Json]], bool]
    arm: Callable[[Site], None] = lambda _site: None
    grace: float = LONG_GRACE
    has_people: bool = True
    is_program: bool = False


def slow_down(method: str) -> Callable[[Site], None]:
    """The next call of this method of Slack's takes three seconds."""
    return lambda site: site.tell("page", "/ui/faults", kind="slow", method=method, seconds=3.0)


def is_slow_call_made(site: Site, _messages: list[Json]) -> bool:
    """Whether that call is on its way."""
    return not site.ask("page", "/ui/faults")["faults"]


def hang(verb: str, resource: str) -> Callable[[Site], None]:
    """The API server never answers the next such call."""
    fault = {"kind": "hang", "verb": verb, "resource": resource, "times": 1}
    return lambda site: site.tell("kubernetes", "/control/faults/requests", **fault)


def does_call_hang(site: Site, _messages: list[Json]) -> bool:
    """Whether that call is on its way."""
    return any(fault["times"] == 0 for fault in site.ask("kubernetes", "/control/faults")["requests"])


def runs(name: str) -> Callable[[Site, list[Json]], bool]:
    """Whether such a program is at work, and has begun to say so."""
    return lambda site, _messages: any((run / "output").stat().st_size for run in site.list_runs(f"{UPGRADE}-{name}-"))


def does_download(site: Site, _messages: list[Json]) -> bool:
    """Whether some of the archive is there."""
    return any(part.stat().st_size for part in site.state.rglob("*.part"))


def is_asked(_site: Site, messages: list[Json]) -> bool:
    """Whether a card waits for a person."""
    return any(kind_of(message) == "gate" and consent(message) for message in messages)


def set_pace(bytes_per_second: int) -> Callable[[Site], None]:
    """How fast releases come."""
    return lambda site: site.tell("control", "/releases", bytes_per_second=bytes_per_second)


# In the order in which an upgrade meets them.
MOMENTS = (
    Moment("it has only just begun", lambda _site, _messages: True, is_program=True),
    Moment("it reads the cluster", does_call_hang, hang("list", "pods")),
    Moment("it waits for a person", is_asked, has_people=False),
    Moment("it posts a message", is_slow_call_made, slow_down("chat.postMessage")),
    Moment("it downloads", does_download, set_pace(40_000)),
    Moment("a program reads", runs("target"), set_pace(0)),
    Moment("istioctl applies, and the container has no time", runs("apply"), grace=SHORT_GRACE),
    Moment("istioctl applies", runs("apply")),
    Moment("asmctl validates", runs("validate")),
    Moment("it evicts a pod", does_call_hang, hang("create", "pods/eviction")),
    Moment("it posts its report", is_slow_call_made, slow_down("files.completeUploadExternal")),
)


THE_END = Moment("it has ended", lambda _site, messages: has_ended(messages))


@dataclass(frozen=True)
class Stop:
    """What came of one."""

    code: int
    still_running: list[str]


@dataclass(frozen=True)
class Course:
    """An upgrade with all of its stops, and what it left behind."""

    stops: dict[str, Stop]
    faults: list[str]
    exit_codes: dict[str, str]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """One upgrade, stopped and started again at each moment, and then let go on to its end."""
    apart, folder = find_way_apart(), tmp_path_factory.mktemp("stops")
    with open_site(folder / "sandbox") as site, open_nursery() as nursery:
        begin_child = partial(begin_life_in, nursery)
        person, stops = Person(site), {}
        for moment in (*MOMENTS, THE_END):
            moment.arm(site)
            begin = begin_life if moment.is_program else begin_child
            with begin(site, apart, folder / "bot.log", moment.grace) as life:
                follow(site, person, moment)
                stops[moment.name] = stop_there(life, site, moment)
            person.forget()
            site.clear_faults()
        codes = {run.parent.name: run.read_text() for run in site.state.glob(f"programs/runs/{UPGRADE}-apply-*/exit")}
        yield Course(stops, list_faults(site), codes)


def follow(site: Site, person: Person, moment: Moment) -> None:
    """Let people do what they do until the moment has come; whoever is waited for does nothing but start."""

    page = Page(site.addresses["page"], site.http)

    def look() -> bool:
        messages = page.read_messages()
        if moment.is_here(site, messages):
            return True
        assert not has_ended(messages), f"over before {moment.name}"
        if moment.has_people or not messages:
            person.act(messages)
        return False

    wait_until(look, f"never: {moment.name}")


def stop_there(life: Life, site: Site, moment: Moment) -> Stop:
    """Stop the bot, and look at what it leaves; where nothing is under way it has reaped its children before."""
    if not moment.has_people:
        wait_until(lambda: not life.list_unreaped(), "children were never reaped")
    code = life.stop()
    locks = site.state.glob("programs/runs/*/lock")
    return Stop(code, [lock.parent.name for lock in locks if is_locked(lock)])


@pytest.mark.parametrize("moment", [moment.name for moment in (*MOMENTS, THE_END)])
def test_a_bot_that_is_told_to_stop_leaves_with_0_and_leaves_nothing_running(course: Course, moment: str) -> None:
    """Within its grace, whatever it was about."""
    assert course.stops[moment] == Stop(0, [])


def test_each_start_goes_on_to_the_right_end_without_a_person(course: Course) -> None:
    """But for the approvals; nothing is written down that was not so."""
    assert course.faults == []


def test_an_apply_that_was_cut_short_is_noted_and_gone_on_with(course: Course) -> None:
    """The first was told to end, with the container; another applied what was missing and was waited for."""
    assert sorted(course.exit_codes.values()) == [str(-signal.SIGTERM), "0"]
