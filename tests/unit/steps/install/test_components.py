"""Components that a profile leaves off, and the flags that turn them on."""

from __future__ import annotations

import pytest

from steps.install.components import COMPONENTS, Component, describe_missing, find_component
from steps.install.flags import MEANT, find_flag_fault, find_idle_flags


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_its_flags_are_plain_ones_that_do_something(component: Component) -> None:
    """None of them only changes what is stored; where the stored value alone does, the bot knows what is meant."""
    assert [find_flag_fault(flag) for flag in component.flags] == [""] * len(component.flags)
    assert find_idle_flags(component.flags) == ()
    idle = component.stored_path in MEANT
    assert idle is not component.proves
    assert not idle or all(path in MEANT[component.stored_path] for path in component.paths)


def test_it_is_found_by_its_name_and_by_its_workload() -> None:
    """Each name means one component."""
    names = [name for one in COMPONENTS for name in (one.name, one.workload)]
    assert len(set(names)) == len(names)
    assert all(find_component(name) for name in names)
    assert find_component("istio-pilot") is None


def test_what_would_go_is_told_with_the_flags_that_keep_it() -> None:
    """Each component once; what no flag of these brings is left to the list of removals."""
    assert describe_missing(["Telemetry", "EgressGateway", "", "Telemetry", "Galley"]) == (
        "EgressGateway is switched off by these flags: --set gateways.components.egressGateway.enabled=true keeps it",
        "Telemetry is switched off by these flags: --set telemetry.enabled=true "
        "--set telemetry.components.telemetry.enabled=true keeps it",
    )
