from datetime import UTC, datetime

import msgspec
import pytest

from bot.gateways.kubernetes.inventory import find_last_change
from bot.gateways.kubernetes.wire import DescribedMeta, LabelSelector
from bot.gateways.kubernetes.wire_nodes import Expression
from bot.gateways.kubernetes.workloads import write_selector
from steps.contract.errors import GiveUp
from tests.unit.bot.gateways.conftest import ConnectTo
from tests.unit.bot.gateways.loopback import Reply, Request

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


def refuse(plural: str, request: Request) -> Reply:
    """Answer 403 for one kind and an item for any other."""
    if request.path.endswith(plural):
        return Reply.of({"message": f"{plural} is forbidden"}, 403)
    metadata = {"name": "settings", "namespace": "shop", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return Reply.of({"metadata": {}, "items": [{"metadata": metadata}]})


def test_a_viewer_proposes_without_listing_secrets(connect: ConnectTo) -> None:
    """The changes of ConfigMaps are known all the same."""
    gateway, _ = connect(lambda request: refuse("secrets", request))
    assert gateway.list_changes() == {("shop", "ConfigMap", "settings"): CREATED}


def test_config_maps_must_be_readable(connect: ConnectTo) -> None:
    """A viewer may list them, so a refusal is a fault."""
    gateway, _ = connect(lambda request: refuse("configmaps", request))
    with pytest.raises(GiveUp, match="configmaps is forbidden"):
        gateway.list_changes()


def test_a_selector_is_written_as_a_query() -> None:
    """Labels and all four operators, as kubectl's -l takes them."""
    expressions = [
        Expression("tier", "In", ["a", "b"]),
        Expression("zone", "NotIn", ["c"]),
        Expression("app", "Exists"),
        Expression("old", "DoesNotExist"),
    ]
    assert write_selector(LabelSelector({"app": "web"}, expressions)) == "app=web,tier in (a,b),zone notin (c),app,!old"
