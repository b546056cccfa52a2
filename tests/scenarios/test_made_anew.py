"""An upgrade whose rendering makes texts anew each time: kiali's signing key, a self-signed injector's certificate."""

from __future__ import annotations

import pytest

from tests.scenarios.desk import Desk

FLAGS = ["values.kiali.enabled=true", "values.sidecarInjectorWebhook.selfSigned=true"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_made_anew_holds_nothing_up(desk: Desk) -> None:
    """It is approved by its form, handed over as it was made last, and taken for applied."""
    desk.start(set=FLAGS)
    assert desk.run_to("validate/approve").state == "asking"
    store = desk.world.cluster.store
    config = store.find("configmaps", "istio-system", "kiali")
    secret = store.find("secrets", "istio-system", "istio-sidecar-injector-self-signed")
    assert config is not None
    assert secret is not None
    assert "signing_key" in config["data"]["config.yaml"]
    steps = [question.step for question in desk.rig.bot.journal.list_questions("cluster-x-1")]
    assert steps.count("control-plane/approve-removals") == 1
    assert "control-plane/apply" not in steps
