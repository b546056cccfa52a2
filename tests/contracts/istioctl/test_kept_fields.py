"""Each flag of the release file's `keep` sets the fields that stand with it, and what it stores."""

from __future__ import annotations

import pytest
import yaml

from steps.install.differences.three_way import MISSING, find_value
from tests.contracts.istioctl.bench import Bench
from tests.contracts.istioctl.test_components import Made, render
from tests.unit.steps.builders import read_shipped_release

KEEP = read_shipped_release().keep
VALUES: dict[str, str | int] = {
    "mode": "REGISTRY_ONLY", "accessLogFile": "/dev/stderr", "accessLogEncoding": "JSON",
    "accessLogFormat": "START",
    "protocolDetectionTimeout": "250ms", "loadBalancerIP": "203.0.113.9", "externalTrafficPolicy": "Local",
    "type": "NodePort", "minReplicas": 3, "maxReplicas": 19, "replicaCount": 4,
}  # fmt: skip


def find_field(rendered: list[Made], field: str) -> object:
    """What is rendered in a field, named as the release file names it."""
    place, where = field.split(" ")
    kind, name = place.split("/")
    (found,) = [one for one in rendered if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return find_value(found, tuple(where.split(".")))


@pytest.fixture(scope="module")
def plain(bench: Bench) -> list[Made]:
    """What is rendered without any of these flags."""
    return render(bench)


@pytest.mark.parametrize("path", KEEP)
def test_a_kept_field_is_set_by_its_flag(bench: Bench, plain: list[Made], path: str) -> None:
    """And by no other way: without the flag something else stands there."""
    value = VALUES[path.rpartition(".")[2]]
    kept = render(bench, f"{path}={value}")
    fields = list(KEEP[path])
    if path.startswith("values."):
        fields.append(f"ConfigMap/istio-sidecar-injector data.{path}")
    for field in fields:
        found = find_field(kept, field)
        assert found is not MISSING
        assert yaml.safe_load(str(found)) == yaml.safe_load(str(value))
        assert find_field(plain, field) != found
