"""Who set which field, as the tracker remembers it from write to write."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sandbox.cluster.objects.field_managers import FieldOwner, FieldTracker

OWNERS = (FieldOwner("kubectl"), FieldOwner("kube-controller-manager"), FieldOwner("bot", applies=True))
AT = "2026-12-01T02:00:00Z"


def write_part(chosen: random.Random, part: str) -> dict[str, Any]:
    """A part of an object as somebody might write it next."""
    number = chosen.randint(1, 3)
    if part == "metadata":
        return {"name": "web", "labels": {f"l{chosen.randint(1, 3)}": "x"}, "resourceVersion": str(number)}
    if part == "status":
        return {"replicas": number, "conditions": [{"type": f"T{number}", "status": "True"}]}
    rows = [{"name": f"c{row}", "image": f"i{chosen.randint(1, 2)}"} for row in range(number)]
    return {"replicas": number, "template": {"spec": {"containers": rows}}, "selector": {"matchLabels": {"a": "b"}}}


@pytest.mark.parametrize("seed", range(20))
def test_what_the_tracker_remembers_changes_nothing(seed: int) -> None:
    """After any row of writes, some of them by nobody, the entries are those of a tracker that has seen nothing."""
    chosen = random.Random(seed)
    tracker = FieldTracker()
    live: dict[str, Any] = {part: write_part(chosen, part) for part in ("metadata", "spec", "status")}
    for _ in range(15):
        part, owner = chosen.choice(("metadata", "spec", "status")), chosen.choice((None, *OWNERS))
        body = {part: write_part(chosen, part)}
        after = {**live, **body}
        kept = live["metadata"].get("managedFields")
        if kept:
            after["metadata"] = {**after["metadata"], "managedFields": kept}
        if owner is None:
            live = after
            continue
        written = tracker.track(live, after, owner, "apps/v1", AT, body)
        assert written == FieldTracker().track(live, after, owner, "apps/v1", AT, body)
        live = written
    assert live["metadata"]["managedFields"]
