"""Which flags bring a component, and what an install with it stores."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from steps.install.components import COMPONENTS, Component
from steps.install.recovery import recover_components
from steps.mesh import Workload, WorkloadRef
from tests.contracts.istioctl.bench import GUIDE, Bench
from tests.unit.steps.builders import make_workload

Made = dict[str, Any]
COMPONENT_LABEL = "operator.istio.io/component"


def render(bench: Bench, *flags: str) -> list[Made]:
    """What istioctl renders for the guide's flags and these."""
    ran = bench.run("manifest", "generate", *(part for flag in (*GUIDE, *flags) for part in ("--set", flag)))
    assert (ran.code, ran.errors) == (0, "")
    return [made for made in yaml.load_all(ran.out, yaml.CSafeLoader) if made]


def read_values(rendered: list[Made]) -> Made:
    """The values that this install stores."""
    (found,) = [
        one for one in rendered if (one["kind"], one["metadata"]["name"]) == ("ConfigMap", "istio-sidecar-injector")
    ]
    values: Made = json.loads(found["data"]["values"])
    return values


def list_plane(rendered: list[Made], component: str = "") -> list[Workload]:
    """The workloads of an install; `component` labels each of them as an apply does."""
    kinds = ("Deployment", "DaemonSet")
    labels = {COMPONENT_LABEL: component} if component else {}
    refs = [
        WorkloadRef(one["metadata"].get("namespace", ""), one["kind"], one["metadata"]["name"])
        for one in rendered
        if one["kind"] in kinds
    ]
    return [make_workload(ref.name, {}, kind=ref.kind, labels=labels) for ref in refs]


@pytest.fixture(scope="module")
def plain(bench: Bench) -> list[Made]:
    """What the guide's flags render."""
    return render(
        bench,
    )


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_what_an_install_had_is_recovered_as_the_flags_that_bring_it(
    bench: Bench, plain: list[Made], component: Component
) -> None:
    """Rendered for what was recovered it is the same, and its workload is one of those that came with it."""
    first = render(bench, *component.flags)
    came = {one["metadata"]["name"] for one in first} - {one["metadata"]["name"] for one in plain}
    assert component.workload in came
    recovered = recover_components(read_values(first), list_plane(first, component.name))
    assert recovered == component.flags
    again = render(bench, *recovered)
    assert [name_of(one) for one in again] == [name_of(one) for one in first]
    assert read_values(again) == read_values(first)


@pytest.mark.parametrize("component", [one for one in COMPONENTS if not one.proves], ids=lambda one: one.name)
def test_a_stored_value_alone_installs_nothing(bench: Bench, plain: list[Made], component: Component) -> None:
    """It is kept as it is, so that nothing comes that never was there."""
    stored = render(bench, f"{component.stored_path}=true")
    assert [name_of(one) for one in stored] == [name_of(one) for one in plain]
    recovered = recover_components(read_values(stored), list_plane(stored))
    assert recovered == (f"{component.stored_path}=true",)


def name_of(made: Made) -> tuple[str, str]:
    return made["kind"], made["metadata"]["name"]
