"""The arguments of `istioctl manifest apply`: the guide's, then the flags of the earlier install."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from steps.contract.errors import GiveUp
from steps.contract.options import MtlsMode, UpgradeOptions
from steps.contract.release import Release
from steps.install.overlays import FEATURES, REFUSED_FIELDS, TEXT_FIELDS, join_overlays, list_overlay_paths
from steps.mesh import ClusterIdentity

MTLS_FLAG = "values.global.mtls.enabled"
PLAIN_PART = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# The refused ones have a sentence of their own.
ROOTS = frozenset({*TEXT_FIELDS, *FEATURES, *REFUSED_FIELDS, "values"})
# What istioctl 1.4 stores without installing anything, and the flag that does it (seen with istioctl 1.4.10).
MEANT: Mapping[str, str] = {
    "values.gateways.istio-egressgateway.enabled": "gateways.components.egressGateway.enabled=...",
    "values.gateways.istio-ingressgateway.enabled": "gateways.components.ingressGateway.enabled=...",
    "values.security.enabled": "security.components.citadel.enabled=...",
    "values.mixer.telemetry.enabled": "telemetry.enabled=... --set telemetry.components.telemetry.enabled=...",
    "values.mixer.policy.enabled": "policy.enabled=... --set policy.components.policy.enabled=...",
    "values.istiocoredns.enabled": "coreDNS.enabled=...",
    "values.sidecarInjectorWebhook.enabled": "autoInjection.enabled=...",
    "values.nodeagent.enabled": "security.components.nodeAgent.enabled=...",
    "values.pilot.enabled": "trafficManagement.components.pilot.enabled=...",
    "values.galley.enabled": "configManagement.components.galley.enabled=...",
    "values.pilot.autoscaleMin": "trafficManagement.components.pilot.k8s.hpaSpec.minReplicas=...",
    "values.pilot.autoscaleMax": "trafficManagement.components.pilot.k8s.hpaSpec.maxReplicas=...",
}


def try_options(
    release: Release, identity: ClusterIdentity, options: UpgradeOptions, mtls: MtlsMode, earlier: Sequence[str]
) -> None:
    """Raise GiveUp for a flag or an overlay that could not be applied; both are asked for again before the apply."""
    build_apply_arguments(release, identity, options, mtls, earlier)
    join_overlays(options.overlays)


def build_apply_arguments(
    release: Release,
    identity: ClusterIdentity,
    options: UpgradeOptions,
    mtls: MtlsMode,
    earlier: Sequence[str] = (),
) -> tuple[str, ...]:
    """istioctl's arguments: the guide's for the mTLS mode, `earlier` set flags, then those asked for.

    `earlier` are the flags recovered from the previous install; one asked for, or a value in an overlay, replaces the
    earlier one of its path. Raises GiveUp for a flag that istioctl 1.4 would misread or that contradicts the guide.
    """
    guide = _fill_in(release.apply_arguments, identity)
    strict = _fill_in(release.strict_arguments, identity) if mtls == "STRICT" else ()
    refuse_set_flags([*_values_of(guide), *_values_of(strict)], "the guide's flags with this cluster's names")
    refuse_set_flags(options.set_flags, "--set")
    in_files = list_overlay_paths(options.overlays)
    _check_conflicts(_values_of(guide), mtls, options.set_flags, in_files)
    # On istioctl's command line a flag beats the file, so an earlier flag must not undo what the file says now.
    kept = [flag for flag in earlier if flag_path(flag) not in in_files]
    flags = merge_set_flags(kept, options.set_flags)
    own = {flag_path(flag) for flag in [*_values_of(guide), MTLS_FLAG]}
    extra = [part for flag in flags if flag_path(flag) not in own for part in ("--set", flag)]
    return (*guide, *strict, *extra)


def find_conflicts(
    guide: Sequence[str], mtls: MtlsMode, asked: Sequence[str], in_files: Mapping[str, object]
) -> tuple[str, ...]:
    """What is asked for and contradicts the guide's own flags, the mTLS mode or the release; sentences."""
    wanted = {flag_path(flag): flag.partition("=")[2] for flag in guide} | {MTLS_FLAG: _show(mtls == "STRICT")}
    given = [(flag_path(flag), flag.partition("=")[2], f"--set {flag}") for flag in asked]
    given += [(path, _show(value), f"the overlay's {path}: {_show(value)}") for path, value in in_files.items()]
    found = [
        f"{name} contradicts {path}={wanted[path]}" for path, value, name in given if wanted.get(path, value) != value
    ]
    found += [f"{name} would {REFUSED_FIELDS[path]}" for path, _, name in given if path in REFUSED_FIELDS]
    return tuple(found)


def _check_conflicts(
    guide: Sequence[str], mtls: MtlsMode, asked: Sequence[str], in_files: Mapping[str, object]
) -> None:
    conflicts = find_conflicts(guide, mtls, asked, in_files)
    if conflicts:
        raise GiveUp(
            "; ".join(conflicts),
            "Leave out what the guide sets by itself; the mTLS mode is chosen by mtls=PERMISSIVE or mtls=STRICT.",
        )


def merge_set_flags(earlier: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """The earlier flags with the asked ones in their place or behind them."""
    merged = {flag_path(flag): flag for flag in earlier}
    merged.update({flag_path(flag): flag for flag in asked})
    return tuple(merged.values())


def flag_path(flag: str) -> str:
    """The part before the equals sign, `values.global.meshID`."""
    return flag.partition("=")[0].strip()


def find_flag_fault(flag: str) -> str:
    """What istioctl 1.4's parser would make of a flag, "" where it is read as meant.

    Source: makeTreeFromSetList of istio/operator 1.4.10 on a pflag StringSlice: a comma starts another flag, and
    each must hold exactly one equals sign.
    """
    path, equals, value = flag.partition("=")
    if not equals or not path.strip():
        return f"{flag!r} is not of the form path=value"
    if "=" in value:
        return f"{flag!r} has a second equals sign, which istioctl 1.4 refuses"
    if "," in flag:
        return f"{flag!r} has a comma, which istioctl 1.4 reads as the start of another flag"
    if '"' in flag or "\n" in flag:
        return f"{flag!r} has a quote or a line break, which istioctl 1.4 reads as CSV quoting"
    return _find_path_fault(flag, path.strip())


def _find_path_fault(flag: str, path: str) -> str:
    """istioctl cleans a path and reads JSON names and proto names alike, so only plain ones are what they look like.

    Source: pkg/util/path.go and cmd/mesh/manifest-common.go of istio/operator 1.4.10.
    """
    root, *rest = path.split(".")
    if any(not part for part in (root, *rest)) or " " in path:
        return f"{flag!r} has an empty or broken part in its path"
    odd = next((part for part in (root, *rest) if not PLAIN_PART.fullmatch(part)), "")
    if odd:
        return f"{flag!r} has {odd!r} in its path, which istioctl may read as something else"
    if root not in ROOTS:
        return f"{flag!r} begins with {root}, which is none of {', '.join(sorted(ROOTS))}"
    return ""


def find_idle_flags(flags: Sequence[str]) -> tuple[str, ...]:
    """Flags that change stored text and nothing that is installed, each with the flag that does what is meant."""
    return tuple(
        f"--set {flag} only changes what is stored; --set {MEANT[path]} does what it seems to mean"
        for flag in flags
        if (path := flag_path(flag)) in MEANT
    )


def refuse_set_flags(flags: Sequence[str], source: str) -> None:
    """Raise GiveUp that names every flag istioctl would misread and how to give it instead."""
    faults = [fault for flag in flags if (fault := find_flag_fault(flag))]
    if faults:
        raise GiveUp(
            f"{source}: {'; '.join(faults)}", "Put such a value into an IstioControlPlane file and give it with -f."
        )


def list_set_flags(arguments: Sequence[str]) -> tuple[str, ...]:
    """The values of `--set` among istioctl's arguments."""
    return tuple(_values_of(arguments))


def _show(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values_of(arguments: Sequence[str]) -> list[str]:
    return [value for flag, value in pairwise(arguments) if flag == "--set"]


def _fill_in(arguments: Sequence[str], identity: ClusterIdentity) -> tuple[str, ...]:
    names = {
        "PROJECT_ID": identity.project_id,
        "PROJECT_NUMBER": identity.project_number,
        "CLUSTER_NAME": identity.name,
        "CLUSTER_LOCATION": identity.location,
        "WORKLOAD_POOL": identity.workload_pool,
        "MESH_ID": identity.mesh_id,
    }
    return tuple(argument.format(**names) for argument in arguments)
