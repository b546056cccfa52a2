"""Owners from outside that put back what they own."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cluster.controllers.reverting import Grip
from sandbox.cluster.objects.field_managers import FieldOwner
from tests.unit.sandbox.cluster.yard import Yard, make_yard, workload

Json = dict[str, Any]
KEY = "deployments.apps"


def make_owned(after: float) -> Yard:
    """A yard with shop/web of two pods, kept by shop-operator."""
    yard = make_yard("shop")
    yard.create(workload("Deployment", "web", replicas=2))
    yard.settle()
    yard.cluster.loops.owners.take_over(KEY, yard.get(KEY, "web"), Grip("shop-operator", after))
    return yard


def is_restarted(yard: Yard) -> bool:
    return bool(yard.get(KEY, "web")["spec"]["template"]["metadata"].get("annotations"))


def list_uids(yard: Yard) -> set[str]:
    return {pod["metadata"]["uid"] for pod in yard.pods()}


def test_at_once_nothing_of_a_restart_is_left() -> None:
    """Not even a pod."""
    yard = make_owned(0.0)
    before = list_uids(yard)
    yard.restart(KEY, "web")
    yard.settle()
    assert (is_restarted(yard), list_uids(yard)) == (False, before)


@pytest.mark.parametrize("after", [2.0, 20.0])
def test_after_a_while_what_was_restarted_is_put_back(after: float) -> None:
    """The stamp stands until then."""
    yard = make_owned(after)
    yard.restart(KEY, "web")
    yard.settle(after - 1)
    assert is_restarted(yard)
    yard.settle(2)
    assert not is_restarted(yard)


def test_a_change_to_what_it_does_not_keep_stays() -> None:
    """Replicas are somebody else's."""
    yard = make_owned(0.0)
    yard.patch(KEY, "web", {"spec": {"replicas": 3}})
    yard.settle()
    assert len(yard.pods()) == 3


def test_what_it_keeps_is_held_by_its_field_manager() -> None:
    """As if it had made the object; its status is its controllers'."""
    yard = make_owned(0.0)
    yard.restart(KEY, "web", "2020-11-13T10:00:00Z")
    yard.settle()
    held = {entry["manager"] for entry in yard.get(KEY, "web")["metadata"]["managedFields"]}
    assert held == {"shop-operator", "kube-controller-manager"}


def test_let_go_it_keeps_nothing_more() -> None:
    """The weather ends."""
    yard = make_owned(0.0)
    yard.cluster.loops.owners.let_go("shop-operator")
    yard.restart(KEY, "web")
    yard.settle()
    assert is_restarted(yard)


def test_the_data_of_a_config_map_is_put_back_too() -> None:
    """As git has it."""
    yard = make_yard("shop")
    (made,) = yard.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": "shop"},
            "data": {"a": "1"},
        }
    )
    yard.cluster.loops.owners.take_over("configmaps", made, Grip("argocd-controller", 5.0))
    yard.patch("configmaps", "settings", {"data": {"a": "2"}}, manager=FieldOwner("kubectl"))
    yard.settle(4)
    assert yard.get("configmaps", "settings")["data"] == {"a": "2"}
    yard.settle(2)
    assert yard.get("configmaps", "settings")["data"] == {"a": "1"}
