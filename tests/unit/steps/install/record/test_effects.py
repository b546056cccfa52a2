"""Whether a flag does anything, by the record with it and the one without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steps.contract.record import Leaf, ObjectKey, Record
from steps.install.record.effects import describe_effect, leave_out
from tests.unit.steps.paper_records import record_objects

Made = dict[str, Any]
CONFIG = "istio-sidecar-injector"


def config_map(name: str = CONFIG, **data: str) -> Made:
    """A ConfigMap of istio-system."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "istio-system"},
        "data": data,
    }


def stored(**values: object) -> Made:
    """The injector's, with the install's values."""
    return config_map(values=json.dumps(values), config="template")


def record(*objects: Made) -> Record:
    return record_objects(objects)


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ((stored(a=1), config_map("istio", mesh="a")), "changes nothing of what is handed over"),
        ((stored(a=2), config_map("istio", mesh="a")), "only changes what is stored"),
        ((stored(a=2), config_map("istio", mesh="b")), ""),
        ((stored(a=1), config_map("istio", mesh="b")), ""),
        ((config_map(values="{}", config="another"), config_map("istio", mesh="a")), ""),
        ((stored(a=1),), ""),
    ],
)
def test_a_flag_is_told_by_what_is_another_without_it(without: tuple[Made, ...], said: str) -> None:
    """Nothing, only the values that are stored, or more."""
    assert describe_effect(record(stored(a=1), config_map("istio", mesh="a")), record(*without), CONFIG) == said


def test_what_is_made_anew_each_time_is_no_effect() -> None:
    """And what has no such place is as it is."""
    key = ObjectKey("v1", "ConfigMap", "istio-system", "kiali")
    renewed = (Leaf(key, ("data", "config.yaml"), "signing_key"),)
    one, other = (record(config_map("kiali", **{"config.yaml": f"signing_key: {text * 8}\n"})) for text in "ab")
    assert describe_effect(one.with_renewed(renewed), other, CONFIG) == "changes nothing of what is handed over"
    assert describe_effect(one.with_renewed(renewed), record(config_map("kiali")), CONFIG) == ""


def test_one_flag_is_left_out() -> None:
    """With its option."""
    arguments = ("manifest", "apply", "--set", "a=1", "--set", "b=2")
    assert leave_out(arguments, "a=1") == ("manifest", "apply", "--set", "b=2")
