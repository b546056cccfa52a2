"""Events of the simulated cluster."""

from __future__ import annotations

import re

from sandbox.cluster.objects.objects import name_of
from sandbox.cluster.seeds.objects import pod
from sandbox.cluster.server.events import Recorder
from tests.unit.sandbox.cluster.yard import make_yard

MANY = 3000


def test_events_of_one_moment_have_names_of_their_own() -> None:
    """client-go's form: the object, then the nanosecond in hexadecimal."""
    yard = make_yard()
    (made,) = yard.create(pod("shop", "web"))
    recorder = Recorder(yard.cluster.api)
    for number in range(MANY):
        recorder.note(made, "Noticed", f"for the {number}th time", "tests")
    names = [name_of(event) for event in yard.cluster.store.each("events", "shop") if event["reason"] == "Noticed"]
    assert len(set(names)) == MANY
    assert all(re.fullmatch(r"web\.[0-9a-f]{16}", name) for name in names)
