"""Options of the previous install."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steps.install.components import COMPONENTS, Component
from steps.install.recovery import (
    COMPONENT_LABEL,
    list_leaves,
    recover_components,
    recover_options,
)
from tests.unit.steps.builders import make_workload
from tests.unit.steps.contract.test_documents import BOMB

POOL = "example-project.svc.id.goog"
VALUES: dict[str, Any] = {
    "global": {
        "trustDomain": POOL, "meshID": "proj-123456789012", "mtls": {"enabled": False},
        "proxy": {"accessLogFile": "", "tracer": "zipkin", "env": {"GCP_METADATA": "p|1|c|z"}},
    },
    "prometheus": {"enabled": False}, "tracing": {"enabled": False},
    "gateways": {"istio-egressgateway": {"enabled": False}},
}  # fmt: skip


def injector(**changes: Any) -> dict[str, str]:
    """The injector's ConfigMap, with changed values."""
    return {"values": json.dumps({**VALUES, **changes})}


def mesh(text: str = f"trustDomain: {POOL}\ntrustDomainAliases:\n") -> dict[str, str]:
    """The istio ConfigMap."""
    return {"mesh": text}


def policy(peers: list[Any]) -> dict[str, Any]:
    """A MeshPolicy default."""
    return {"kind": "MeshPolicy", "metadata": {"name": "default"}, "spec": {"peers": peers}}


def test_a_plain_install_had_no_flags() -> None:
    """Nothing beyond the guide's."""
    assert recover_options(injector(), mesh()).flags == ()


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"prometheus": {"enabled": True}}, "values.prometheus.enabled=true"),
        ({"tracing": {"enabled": True}}, "values.tracing.enabled=true"),
        ({"grafana": {"enabled": True}}, "values.grafana.enabled=true"),
        ({"kiali": {"enabled": True}}, "values.kiali.enabled=true"),
        (
            {"global": {"proxy": {"accessLogFile": "/dev/stdout"}}},
            "values.global.proxy.accessLogFile=/dev/stdout",
        ),
        ({"global": {"proxy": {"tracer": "stackdriver"}}}, "values.global.proxy.tracer=stackdriver"),
    ],
)
def test_optional_features_are_recovered(changes: dict[str, Any], flag: str) -> None:
    """As the --set flag that switched them on."""
    assert recover_options(injector(**changes), mesh()).flags == (flag,)


def nest(path: str) -> dict[str, Any]:
    """The values of an install that stored this as true."""
    *parents, last = path.split(".")
    tree: dict[str, Any] = {last: True}
    for parent in reversed(parents):
        tree = {parent: tree}
    return tree


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("runs", ["labelled", "unlabelled", "not"])
def test_a_component_that_was_installed_is_recovered_as_the_flags_that_bring_it(
    component: Component, stored: bool, runs: str
) -> None:
    """By what is stored and what runs; a value that was only stored stays stored, and nobody's own workload counts."""
    labels = {COMPONENT_LABEL: component.name} if runs == "labelled" else {}
    plane = () if runs == "not" else (make_workload(component.workload, {}, labels=labels),)
    found = recover_components(nest(component.stored) if stored else {}, plane)
    had = runs == "labelled" or (stored and (component.proves or runs == "unlabelled"))
    only_stored = (f"{component.stored_path}=true",) if stored else ()
    assert found == (component.flags if had else only_stored)


@pytest.mark.parametrize(
    ("peers", "mode"),
    [
        ([{"mtls": {}}], "STRICT"),
        ([{"mtls": None}], "STRICT"),
        ([{"mtls": {"mode": "STRICT"}}], "STRICT"),
        ([{"mtls": {"mode": "PERMISSIVE"}}], "PERMISSIVE"),
    ],
)
def test_the_mode_in_force_is_the_mesh_policys(peers: list[Any], mode: str) -> None:
    """An empty mtls means STRICT."""
    assert recover_options(injector(), mesh(), [policy(peers)]).mtls == mode


def test_without_a_mesh_policy_the_install_s_value_counts() -> None:
    """values.global.mtls.enabled."""
    values = injector(**{"global": {"mtls": {"enabled": True}}})
    assert recover_options(values, mesh()).mtls == "STRICT"


def test_a_mode_that_was_changed_by_hand_is_a_doubt() -> None:
    """The policy is in force, the install said otherwise."""
    (doubt,) = recover_options(injector(), mesh(), [policy([{"mtls": {}}])]).doubts
    assert "PERMISSIVE" in doubt
    assert "STRICT" in doubt


def test_an_unknown_mode_is_a_doubt() -> None:
    """Neither the install nor a policy names one."""
    previous = recover_options(injector(**{"global": {}}), mesh())
    assert previous.mtls is None
    assert "PERMISSIVE is taken" in previous.doubts[0]


def test_aliases_are_read_from_the_mesh_config() -> None:
    """They decide which principals still match."""
    previous = recover_options(injector(), mesh(f"trustDomain: {POOL}\ntrustDomainAliases: [old.example]\n"))
    assert (previous.trust_domain, previous.aliases) == (POOL, ("old.example",))


@pytest.mark.parametrize("broken", [None, {}, {"values": "{"}, {"values": "[]"}])
def test_unreadable_values_are_a_doubt(broken: dict[str, str] | None) -> None:
    """Never an exception, never a silent nothing."""
    assert "earlier --set flags can't be recovered" in recover_options(broken, mesh()).doubts[0]


@pytest.mark.parametrize("broken", [None, {"mesh": "a: ["}, {"mesh": "text"}])
def test_an_unreadable_mesh_config_is_a_doubt(broken: dict[str, str] | None) -> None:
    """The trust domain is then taken from the values."""
    previous = recover_options(injector(), broken)
    assert "trust domain" in previous.doubts[0]
    assert previous.trust_domain == POOL


def test_leaves_are_dotted_paths() -> None:
    """Branches are opened, empty ones are leaves."""
    assert list_leaves({"a": {"b": 1, "c": {}}, "d": 2}) == ("a.b", "a.c", "d")


@pytest.mark.parametrize("text", [BOMB, "[" * 5000, "trustDomain: 0x" + "f" * 5000, "a: 2001-99-99", "\x00"])
def test_a_hostile_mesh_config_is_a_doubt(text: str) -> None:
    """It is never built, nor does it end the step."""
    assert any("no readable mesh config" in doubt for doubt in recover_options(injector(), mesh(text)).doubts)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 200 + "1" + "}" * 200, "1e999", "5"])
def test_hostile_values_are_a_doubt(text: str) -> None:
    """However deep or large."""
    assert any("no readable values" in doubt for doubt in recover_options({"values": text}, mesh()).doubts)
