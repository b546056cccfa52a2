"""Edits of the mesh by hand, through Slack's own payloads: told, kept where istioctl can, lost only by a yes."""

from __future__ import annotations

import json
from typing import Any

from sandbox.watching.messages import buttons, consent
from tests.scenarios.rig import ANA, BEN, Rig
from tests.scenarios.test_drift import read_step

GATE = "control-plane/approve-removals"


def read_live(rig: Rig, key: str, name: str) -> dict[str, Any]:
    """An object of istio-system as it is now."""
    found = rig.world.cluster.store.find(key, "istio-system", name)
    assert found is not None
    return found


def approve_until(rig: Rig, step: str) -> None:
    """Approve what is asked until the upgrade asks there."""
    for _ in range(8):
        rig.run_until(lambda: bool(read_step(rig)), 20_000)
        if read_step(rig) == step:
            return
        asked = rig.bot.journal.find_open_upgrade("cluster-x")
        assert asked is not None
        rig.run_until(lambda row=asked: rig.approve_next(BEN, row), 120)  # type: ignore[misc]
        rig.run_until(lambda g=asked.generation: rig._moved_on("cluster-x", g), 600)  # type: ignore[misc]
    raise AssertionError(rig.describe())


def find_card(rig: Rig) -> dict[str, Any]:
    """The newest card that may be approved."""
    rig.run_until(lambda: any(consent(one) for one in rig.world.messages()), 120)
    return next(one for one in reversed(rig.world.messages()) if consent(one))


def test_an_edit_by_hand_is_told_kept_and_never_lost_unseen(rig: Rig) -> None:
    """The policy and the bounds are kept by flags, the old template is not; what is left needs its own yes."""
    rig.world.cluster.sky.begin("hand-edits")
    rig.command(ANA, "start cluster-x")
    approve_until(rig, GATE)
    card = find_card(rig)
    told = json.dumps(card["blocks"], ensure_ascii=False)
    assert "4 fields edited by hand since the last install will be set back or taken away." in told
    for line in (
        "data.mesh.outboundTrafficPolicy.mode: REGISTRY_ONLY → ALLOW_ANY",
        "spec.minReplicas: 5 → 2",
        "spec.maxReplicas: 20 → 5",
        "data.config.template: ",
    ):
        assert line in told
    (keep,) = [one for one in buttons(card) if "Keep 3 fields" in json.dumps(one)]
    before = rig.bot.journal.find_open_upgrade("cluster-x")
    rig.click(BEN, card, keep)
    rig.run_until(
        lambda: rig._moved_on("cluster-x", before.generation if before else 0) and read_step(rig) == GATE, 600
    )
    again = json.dumps(find_card(rig)["blocks"], ensure_ascii=False)
    assert "1 field edited by hand since the last install will be set back or taken away." in again
    assert "REGISTRY_ONLY → ALLOW_ANY" not in again
    approve_until(rig, "validate/approve")
    assert "mode: REGISTRY_ONLY" in read_live(rig, "configmaps", "istio")["data"]["mesh"]
    bounds = read_live(rig, "horizontalpodautoscalers.autoscaling", "istio-ingressgateway")["spec"]
    assert (bounds["minReplicas"], bounds["maxReplicas"]) == (5, 20)
    assert "preStop" not in read_live(rig, "configmaps", "istio-sidecar-injector")["data"]["config"]
