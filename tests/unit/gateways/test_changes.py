from datetime import UTC, datetime

import msgspec

from bot.gateways.kubernetes.inventory import find_last_change
from bot.gateways.kubernetes.wire import DescribedMeta, Expression, Selector
from bot.gateways.kubernetes.workloads import write_selector

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
CHANGED = datetime(2026, 2, 1, tzinfo=UTC)


def test_the_newest_manager_tells_the_last_change() -> None:
    """Each manager has a time of its own."""
    meta = msgspec.convert(
        {
            "name": "settings",
            "creationTimestamp": CREATED,
            "managedFields": [{"time": CHANGED, "manager": "kubectl"}, {"time": CREATED, "manager": "helm"}],
        },
        DescribedMeta,
    )
    assert find_last_change(meta) == CHANGED


def test_without_managers_the_creation_counts() -> None:
    """Old servers keep no managers."""
    assert find_last_change(DescribedMeta(creation_timestamp=CREATED)) == CREATED


def test_a_selector_is_written_as_a_query() -> None:
    """Labels and all four operators, as kubectl's -l takes them."""
    expressions = [
        Expression("tier", "In", ["a", "b"]),
        Expression("zone", "NotIn", ["c"]),
        Expression("app", "Exists"),
        Expression("old", "DoesNotExist"),
    ]
    assert write_selector(Selector({"app": "web"}, expressions)) == "app=web,tier in (a,b),zone notin (c),app,!old"
