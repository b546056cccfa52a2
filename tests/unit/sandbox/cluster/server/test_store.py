"""What the store finds by its indexes, against a look at every object."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sandbox.cluster.controllers.workloads.claims import Claims
from sandbox.cluster.objects.objects import controller_of
from sandbox.cluster.seeds.objects import deployment
from sandbox.cluster.server.store import Store
from tests.unit.sandbox.cluster.yard import make_yard

Json = dict[str, Any]
UIDS = ("one", "two", "three")


def draw_owners(dice: random.Random) -> list[Json]:
    """Up to two owners, at most one of which controls."""
    chosen = dice.sample(UIDS, dice.randint(0, 2))
    return [
        {"uid": uid, "kind": "ReplicaSet", "name": uid, "controller": not place} for place, uid in enumerate(chosen)
    ]


def draw_pod(dice: random.Random) -> Json:
    """One of eight pods with some owners."""
    name = str(dice.randint(1, 8))
    metadata = {"name": f"pod-{name}", "namespace": "shop", "uid": name, "ownerReferences": draw_owners(dice)}
    return {"metadata": metadata}


@pytest.mark.parametrize("number", range(10))
def test_who_controls_is_who_is_found_to_control(number: int) -> None:
    """While pods come, change their owners and go."""
    dice, store = random.Random(number), Store()
    for _ in range(60):
        pod = draw_pod(dice)
        held = store.find("pods", "shop", pod["metadata"]["name"])
        if held is not None and dice.random() < 0.3:
            store.remove("pods", held)
        else:
            store.put("pods", pod)
        for uid in UIDS:
            live = list(store.each("pods"))
            controlled = [one for one in live if (controller_of(one) or {}).get("uid") == uid]
            owned = [one for one in live if any(row["uid"] == uid for row in one["metadata"]["ownerReferences"])]
            assert sorted(map(id, store.controlled_by(uid, "pods"))) == sorted(map(id, controlled))
            assert sorted(map(id, store.owned_by(uid))) == sorted(map(id, owned))


def test_a_pod_whose_labels_are_taken_is_released_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner that has settled looks at its pods again once one of them has other labels, and only then."""
    looked: list[str] = []
    release = Claims._release

    def look(claims: Claims, owner: Json) -> None:
        looked.append(owner["kind"])
        release(claims, owner)

    monkeypatch.setattr(Claims, "_release", look)
    yard = make_yard("shop")
    yard.create(deployment("shop", "web", 3))
    yard.settle()
    for left in (2, 1):
        looked.clear()
        pod = yard.pods("web")[0]
        yard.cluster.api.set_status("pods", pod, {**pod["status"], "message": "nothing of its labels"})
        yard.settle()
        assert looked == []
        yard.patch("pods", pod["metadata"]["name"], {"metadata": {"labels": {"app": f"taken-{left}"}}})
        yard.settle()
        assert controller_of(yard.get("pods", pod["metadata"]["name"])) is None
        assert "ReplicaSet" in looked
        assert len([one for one in yard.pods("web") if controller_of(one)]) == 3
