"""What the server says to odd objects: which it takes, which it can't read, and which it finds invalid."""

from __future__ import annotations

import json

import pytest

from tests.contracts.ground import Ground
from tests.unit.sandbox.cluster.test_odd_objects import ODD

TAKEN = (
    "cron @hourly",
    "cron office hours",
    "cron names",
    "cron steps of a range",
    "cron every",
    "cron never",
    "sleep 5m",
    "sleep infinity",
    "sleep a while",
    "replicas null",
    "surge null",
    "strategy null",
    "budget of nothing",
    "disks null",
    "disk without a name",
    "disk without a spec",
)
# Refused for a value: the field that the refusal names.
INVALID = {
    "cron words": "spec.schedule",
    "cron empty": "spec.schedule",
    "cron zero steps": "spec.schedule",
    "surge lots": "spec.strategy.rollingUpdate.maxSurge",
    "surge percent of what": "spec.strategy.rollingUpdate.maxSurge",
    "surge nothing": "spec.strategy.rollingUpdate.maxUnavailable",
    "strategy of another kind": "spec.strategy",
    "daemons lots": "spec.updateStrategy.rollingUpdate.maxUnavailable",
    "selector operator": "spec.selector.matchExpressions[0].operator",
    "template null": "spec.template.metadata.labels",
    "spec null": "spec.selector",
    "containers null": "spec.template.spec.containers",
    "budget words": "spec.minAvailable",
    "restart policy": "spec.restartPolicy",
    "scaler without target": "spec.scaleTargetRef",
    "service type": "spec.type",
    "service without spec": "spec.ports",
}


def expect(case: str) -> tuple[int, str]:
    """The status, and words of the answer; whatever is neither taken nor invalid has a field of another type."""
    if case in TAKEN:
        return 201, ""
    return (422, f"is invalid: {INVALID[case]}") if case in INVALID else (400, "cannot be handled as a")


@pytest.mark.parametrize("case", ODD)
def test_an_odd_object_is_answered(ground: Ground, case: str) -> None:
    """By the status and the field that it names."""
    made = json.loads(json.dumps(ODD[case]))
    made["metadata"]["namespace"] = ground.make_space()
    answer = ground.post(made)
    status, words = expect(case)
    said = answer.json().get("message", "").replace("is invalid: [", "is invalid: ")
    assert (answer.status_code, words in said) == (status, True), said
