"""What moves between an approval and its use, through Slack's own payloads."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.watching.messages import consent
from tests.journals.restoring import open_studio
from tests.scenarios.film import BEFORE_WRITING, Film
from tests.scenarios.rig import BEN, Rig, World


def read_step(rig: Rig) -> str:
    """Where the upgrade asks, "" while it doesn't."""
    row = rig.bot.journal.find_open_upgrade("cluster-x")
    return row.step if row and row.state == "asking" else ""


def list_cards(rig: Rig) -> list[dict[str, Any]]:
    """The messages of the thread about re-injection, oldest first."""
    return [message for message in rig.world.messages() if re.search(r"[Rr]e-inject\b", str(message["text"]))]


def find_card(rig: Rig, card: dict[str, Any]) -> dict[str, Any]:
    """A message as it stands now."""
    return next(message for message in rig.world.messages() if message["ts"] == card["ts"])


def test_what_became_worse_says_so_on_a_card_of_its_own(film: Film) -> None:
    """A strategy changes while the card waits: that workload alone is asked about, once all others have moved."""
    with film.reach("sidecars/approve") as rig:
        rig.run_until(lambda: bool(list_cards(rig)) and bool(consent(list_cards(rig)[-1])), 120)
        first = list_cards(rig)[-1]
        button = consent(first)
        assert button
        cluster = rig.world.cluster
        resource = cluster.resources.of_kind("apps", "Deployment")
        assert resource
        recreate = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
        cluster.api.patch(resource, "shop", "web", recreate, "application/merge-patch+json")
        rig.click(BEN, first, button)
        rig.run_until(lambda: "What moved" in json.dumps(list_cards(rig)[-1]["blocks"]), 20_000)
        again = list_cards(rig)[-1]
        assert "Namespace shop: Deployment/web: now Recreate" in json.dumps(again["blocks"])
        assert "1 workload with the old sidecar changed after the approval. Re-inject too?" in str(again["text"])
        assert (consent(again) is not None, again["ts"] != first["ts"]) == (True, True)
        rig.run_until(lambda: "asm:approve" not in json.dumps(find_card(rig, first)["blocks"]), 120)


def test_another_world_asks_no_more_than_the_film_s_own(film: Film, world: World) -> None:
    """What was approved is not asked for again, though the approval binds what is of the world."""
    abroad = Film(open_studio(world), film.reel)
    for moment in (BEFORE_WRITING, "sidecars/approve"):
        with abroad.sit(moment) as desk:
            asked = desk.run_to(moment)
            desk.click("approve")
            desk.rig.run_until(lambda before=asked: desk.read().generation != before.generation, 600)  # type: ignore[misc]
            assert desk.read().step != moment


def read_block(rig: Rig) -> str:
    """Why the upgrade is blocked, "" where it isn't."""
    row = rig.bot.journal.find_open_upgrade("cluster-x")
    return row.sentence if row and row.state == "blocked" else ""


def test_what_gke_does_meanwhile_stops_the_click_and_not_the_upgrade(film: Film) -> None:
    """Nodes are upgraded while the card is open, then the master passes the ceiling: no pod moves at either click."""
    with film.reach("sidecars/approve") as rig:
        rig.run_until(lambda: read_step(rig) == "sidecars/approve", 300)
        pods = rig.world.cluster.canonical_state()
        google = rig.world.google.switches
        for fault, said in (
            ({"operations": ["UPGRADE_NODES"]}, "GKE runs UPGRADE_NODES on"),
            ({"master_version": "1.22.3-gke.700"}, "the API server is v1.22.3-gke.700; ASM 1.4.10"),
        ):
            rig.run_until(lambda: read_step(rig) == "sidecars/approve", 300)
            asked = rig.bot.journal.find_open_upgrade("cluster-x")
            before = {name: getattr(google, name) for name in fault}
            for name, value in fault.items():
                setattr(google, name, value)
            rig.run_until(lambda row=asked: rig.approve_next(BEN, row), 120)  # type: ignore[misc]
            rig.run_until(lambda: bool(read_block(rig)), 300)
            assert read_block(rig).startswith(said)
            assert rig.world.cluster.canonical_state() == pods
            for name, value in before.items():
                setattr(google, name, value)
            rig.command(BEN, "retry cluster-x")
        rig.run_until(lambda: read_step(rig) == "sidecars/approve", 300)
