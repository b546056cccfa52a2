"""What was asked for when an upgrade was started, and the limits that hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Gates: TypeAlias = Literal["each", "through"]
MtlsMode: TypeAlias = Literal["PERMISSIVE", "STRICT"]
EarlierOptions: TypeAlias = Literal["take", "leave"]


@dataclass(frozen=True)
class Overlay:
    """An IstioControlPlane file given with `-f` (install.istio.io/v1alpha2)."""

    name: str
    text: str


@dataclass(frozen=True)
class Limits:
    """How fast and how much at once sidecars are re-injected. 0 means no limit; seconds where not said otherwise."""

    workloads_at_once: int = 8
    pods_per_minute: int = 300
    soak_seconds: float = 0.0
    failure_budget: int = 1
    workload_patience_seconds: float = 600.0


@dataclass(frozen=True)
class UpgradeOptions:
    """The options of one upgrade, fixed at its start and stored with it.

    `mtls` None keeps the mode in force. `set_flags` are `key=value` as given to istioctl's `--set`.
    `evict_namespaces` use eviction where a rollout restart would do. `allowed_hubs` are registries, besides the
    release's own, whose images are taken without asking. With `gates` "through" one approval may cover all that
    follows it. `only_from` is the one version whose sidecars are re-injected, "" for every other than the release's.
    `canary_soak_seconds` is for how long the canary is watched before the rest is asked about. `earlier_options` says
    whether those of the earlier install are taken.
    """

    mtls: MtlsMode | None = None
    set_flags: tuple[str, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    testing_workloads: bool = True
    canary_namespaces: tuple[str, ...] = ()
    skip_namespaces: tuple[str, ...] = ()
    skip_label: str = ""
    evict_namespaces: tuple[str, ...] = ()
    probe_urls: tuple[str, ...] = ()
    promql_limits: tuple[tuple[str, float], ...] = ()
    prometheus_url: str = ""
    limits: Limits = Limits()
    archive: str = ""
    production: bool = True
    allowed_hubs: tuple[str, ...] = ()
    canary_soak_seconds: float = 0.0
    gates: Gates = "each"
    only_from: str = ""
    earlier_options: EarlierOptions = "take"

    @property
    def keeps_waves_apart(self) -> bool:
        """Whether a wave ends before the next begins: without a soak or a probe nothing happens in between."""
        return bool(self.limits.soak_seconds or self.probe_urls or self.promql_limits)
