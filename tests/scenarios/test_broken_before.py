"""A workload that was broken before the upgrade is left alone by a button, and told to the end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sandbox.cluster.server.faults import PodFault
from sandbox.watching.messages import buttons
from tests.scenarios.film import BEFORE_WRITING, Film
from tests.scenarios.rig import BEN, Rig
from tests.scenarios.sights import approve_to

ACTION = "asm:decide:approve:healthy"


def break_cart(rig: Rig) -> None:
    """One pod of shop/cart was made anew and has not been ready for minutes."""
    cluster = rig.world.cluster
    cluster.faults.pods.active.append(PodFault("never-ready", namespace="shop", pod="cart*"))
    pods = [pod for pod in cluster.store.each("pods") if pod["metadata"]["name"].startswith("cart")]
    cluster.store.remove("pods", min(pods, key=lambda pod: str(pod["metadata"]["name"])))
    later = rig.world.clock.now() + timedelta(minutes=6)
    rig.run_until(lambda: rig.world.clock.now() >= later)


def find_button(rig: Rig) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The newest card that offers it, with its button."""
    found = [
        (message, button)
        for message in rig.world.messages()
        for button in buttons(message)
        if button["action_id"] == ACTION
    ]
    return found[-1] if found else None


def test_what_was_broken_before_is_left_alone_by_a_button(film: Film) -> None:
    """Its pods stand in the ledger as skipped, and the report names it with the command that does it later."""
    with film.reach(BEFORE_WRITING) as rig:
        break_cart(rig)
        approve_to(rig, "sidecars/approve")
        rig.run_until(lambda: find_button(rig) is not None, 120)
        card = find_button(rig)
        assert card
        rig.click(BEN, *card)
        rig.run_until(
            lambda: (row := rig.bot.journal.find_open_upgrade("cluster-x")) is not None and row.state == "running"
        )
        rig.upgrade_all(BEN)
        left = [
            entry for entry in rig.bot.journal.read_ledger("cluster-x-1") if entry.workload == "shop/Deployment/cart"
        ]
        assert {(entry.state, entry.by) for entry in left} == {("skipped", BEN)}
        assert all("not ready before the restart" in entry.reason for entry in left)
        later = "kubectl -n shop rollout restart deployment/cart"
        rig.run_until(lambda: later in json.dumps([message.get("blocks") for message in rig.world.messages()]), 120)
