"""A start after an abort half way: it shows where the mesh stands, goes on from there and claims nothing more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.scenarios.film import Film
from tests.scenarios.rig import ANA, BEN, Rig

BEHIND = "1.4.10-asm.18, 58 sidecars on 1.4.7-asm.0"


def list_texts(rig: Rig) -> list[str]:
    """The messages with their blocks, oldest first."""
    return [json.dumps([one["text"], one.get("blocks")], ensure_ascii=False) for one in rig.world.messages()]


def read_plane(rig: Rig) -> dict[str, Any]:
    """What an apply would touch: the generation of each Deployment of istio-system."""
    found = rig.world.cluster.store.each("deployments.apps")
    own = [one["metadata"] for one in found if one["metadata"]["namespace"] == "istio-system"]
    return {one["name"]: one["generation"] for one in own}


def read_backups(rig: Rig) -> dict[Path, bytes]:
    """Every file of every backup."""
    folder = rig.world.settings.state / "backups"
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_start_after_an_abort_goes_on(film: Film) -> None:
    """No second apply and no backup of a moved control plane; each place shows the mesh's own state."""
    with film.reach("sidecars/approve") as rig:
        rig.command(BEN, "abort cluster-x the weekend begins")
        rig.run_until(lambda: rig.bot.journal.find_open_upgrade("cluster-x") is None, 600)
        rig.settle()
        assert f"*cluster-x*: {BEHIND}, cluster-x-1 aborted" in rig.command(ANA, "status")
        plane, told = read_plane(rig), len(list_texts(rig))
        kept = read_backups(rig)
        assert kept
        rig.command(ANA, "start cluster-x")
        rig.upgrade_all(BEN)
        texts = "\n".join(list_texts(rig)[told:])
        assert f"Proposal: cluster-x from {BEHIND} to 1.4.10-asm.18" in rig.command(ANA, "log cluster-x")
        assert "nothing to apply: the " in texts
        assert "control plane in place: 5 workloads on 1.4.10-asm.18" in texts
        for claim in ("control plane replaced", "istioctl manifest apply has", '["backup: '):
            assert claim not in texts
        (ended,) = rig.bot.journal.list_upgrades("cluster-x", 1)
        assert ended.sentence == (
            f"upgraded cluster-x: {BEHIND} → 1.4.10-asm.18, 56/58 pods, 2 manual; "
            "the control plane was in place before and nothing was applied to it"
        )
        assert read_plane(rig) == plane
        assert read_backups(rig) == kept
        assert "*cluster-x*: 1.4.10-asm.18, 2 sidecars on 1.4.7-asm.0, cluster-x-2 upgraded" in rig.command(
            ANA, "status"
        )
