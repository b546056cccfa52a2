"""Components of istioctl 1.4 that a profile leaves off: how an install shows that it has one, and what turns it on.

Seen with istioctl 1.4.10: for all but the addons the stored value is only written down, another flag installs the
component.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Component:
    """`name` is istioctl's, `workload` what runs of it, `stored` the value of an install that had it.

    `paths` are the flags that turn it on, each to be set to true. `proves`: no other flag writes the stored value.
    """

    name: str
    workload: str
    stored: str
    paths: tuple[str, ...]
    proves: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """The `--set` flags that turn it on."""
        return tuple(f"{path}=true" for path in self.paths)

    @property
    def stored_path(self) -> str:
        """The `--set` path of the stored value."""
        return f"values.{self.stored}"


def _name_addon(name: str, workload: str, key: str) -> Component:
    return Component(name, workload, f"{key}.enabled", (f"values.{key}.enabled",), proves=True)


COMPONENTS: tuple[Component, ...] = (
    _name_addon("Prometheus", "prometheus", "prometheus"),
    _name_addon("Grafana", "grafana", "grafana"),
    _name_addon("Kiali", "kiali", "kiali"),
    _name_addon("Tracing", "istio-tracing", "tracing"),
    Component(
        "EgressGateway",
        "istio-egressgateway",
        "gateways.istio-egressgateway.enabled",
        ("gateways.components.egressGateway.enabled",),
    ),
    Component("Citadel", "istio-citadel", "security.enabled", ("security.components.citadel.enabled",)),
    Component(
        "Telemetry",
        "istio-telemetry",
        "mixer.telemetry.enabled",
        ("telemetry.enabled", "telemetry.components.telemetry.enabled"),
    ),
    Component("Policy", "istio-policy", "mixer.policy.enabled", ("policy.enabled", "policy.components.policy.enabled")),
    Component("CoreDNS", "istiocoredns", "istiocoredns.enabled", ("coreDNS.enabled",)),
    Component("Cni", "istio-cni-node", "istio_cni.enabled", ("cni.enabled",), proves=True),
)


def find_component(name: str) -> Component | None:
    """The component of istioctl's name or of its workload's, None where no flag turns it on."""
    return next((one for one in COMPONENTS if name in (one.name, one.workload)), None)


def describe_missing(components: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each component that an apply would take away, with the flags that keep it."""
    known = filter(None, map(find_component, sorted(set(components))))
    return tuple(f"{one.name} is switched off by these flags: {write_flags(one)} keeps it" for one in known)


def write_flags(component: Component) -> str:
    """`--set a=true --set b=true`."""
    return " ".join(f"--set {flag}" for flag in component.flags)
