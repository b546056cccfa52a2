"""What the previous install was given, recovered from what it left in the cluster.

Sources: ConfigMap istio-sidecar-injector `.data.values` holds the merged values of the install (istioctl's own
`manifest migrate` reads the same); ConfigMap istio `.data.mesh` the mesh config; MeshPolicy default the mTLS mode.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from steps.contract.documents import BadDocument, read_json, read_yaml
from steps.contract.options import MtlsMode
from steps.contract.ports import Kubernetes, Manifest
from steps.install.components import COMPONENTS
from steps.mesh import Workload

# The optional features of ASM 1.4 besides components, with the value that means "not asked for" (cloud.google.com, 1.4,
# "Enabling optional features"); mTLS has an option of its own.
OPTIONAL_FEATURES: Mapping[str, tuple[object, ...]] = {
    "values.global.proxy.tracer": ("zipkin", "", None),
    "values.global.proxy.accessLogFile": ("", None),
}
COMPONENT_LABEL = "operator.istio.io/component"


@dataclass(frozen=True)
class PreviousInstall:
    """The options in force. `trust_domain` is "" and `mtls` None where the cluster doesn't say."""

    flags: tuple[str, ...] = ()
    mtls: MtlsMode | None = None
    trust_domain: str = ""
    aliases: tuple[str, ...] = ()
    mesh_id: str = ""
    gcp_metadata: str = ""
    doubts: tuple[str, ...] = field(default_factory=tuple)


def recover_options(
    injector: Mapping[str, str] | None,
    mesh: Mapping[str, str] | None,
    mesh_policies: Iterable[Manifest] = (),
    plane: Iterable[Workload] = (),
) -> PreviousInstall:
    """Put together what the two ConfigMaps, the MeshPolicy and the workloads of the control plane say.

    What can't be read becomes a doubt.
    """
    values, doubts = read_values(injector)
    config, more = read_mesh_config(mesh)
    wanted, policy = _read_mtls_value(values), read_policy_mode(mesh_policies)
    if wanted and policy and wanted != policy:
        doubts = (*doubts, f"the install was given {wanted} mTLS, MeshPolicy default says {policy}, which is in force")
    if not wanted and not policy:
        doubts = (*doubts, "the mTLS mode in force can't be read; PERMISSIVE is taken unless mtls=STRICT is asked for")
    return PreviousInstall(
        flags=(*recover_components(values, plane), *recover_flags(values)),
        mtls=policy or wanted,
        trust_domain=str(config.get("trustDomain") or look_up(values, "global.trustDomain") or ""),
        aliases=_list_texts(config.get("trustDomainAliases") or look_up(values, "global.trustDomainAliases")),
        mesh_id=str(look_up(values, "global.meshID") or ""),
        gcp_metadata=str(look_up(values, "global.proxy.env.GCP_METADATA") or ""),
        doubts=(*doubts, *more),
    )


def read_values(injector: Mapping[str, str] | None) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """The merged values of the install, and a doubt where they can't be read."""
    if injector is None:
        return {}, ("ConfigMap istio-sidecar-injector is missing: earlier --set flags can't be recovered",)
    try:
        values = read_json(injector.get("values", ""))
    except BadDocument:
        values = None
    if isinstance(values, Mapping):
        return values, ()
    return {}, ("ConfigMap istio-sidecar-injector holds no readable values: earlier --set flags can't be recovered",)


def read_mesh_config(mesh: Mapping[str, str] | None) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """The mesh config, and a doubt where it can't be read."""
    if mesh is None:
        return {}, ("ConfigMap istio is missing: the trust domain in force can't be read",)
    try:
        config = next(iter(read_yaml(mesh.get("mesh", ""))), None)
    except BadDocument:
        config = None
    if isinstance(config, Mapping):
        return config, ()
    return {}, ("ConfigMap istio holds no readable mesh config: the trust domain in force can't be read",)


def read_mesh_mode(kubernetes: Kubernetes) -> str:
    """The mode in force in a cluster, "" where there is no MeshPolicy default."""
    return read_policy_mode(kubernetes.list_objects("authentication.istio.io/v1alpha1", "MeshPolicy")) or ""


def read_policy_mode(policies: Iterable[Manifest]) -> MtlsMode | None:
    """The mode of MeshPolicy default: `mtls: {}` or mode STRICT is STRICT; None where there is none."""
    found = next((p for p in policies if p.get("metadata", {}).get("name") == "default"), None)
    if found is None:
        return None
    peers = (found.get("spec") or {}).get("peers") or []
    modes = [(peer.get("mtls") or {}).get("mode", "STRICT") for peer in peers if "mtls" in peer]
    if not modes:
        return None
    return "STRICT" if modes[0] == "STRICT" else "PERMISSIVE"


def recover_components(values: Mapping[str, object], plane: Iterable[Workload]) -> tuple[str, ...]:
    """The flags that bring the components that the install had, by its stored values and by what runs of them.

    A stored value alone is no proof: Google's page names the egress gateway's, which installs nothing. Where nothing
    runs of what is stored, the stored value is kept as it is.
    """
    running = {one.ref.name: one.labels.get(COMPONENT_LABEL) for one in plane}
    flags: list[str] = []
    for one in COMPONENTS:
        stored = look_up(values, one.stored) is True
        if (stored and (one.proves or one.workload in running)) or running.get(one.workload) == one.name:
            flags += one.flags
        elif stored:
            flags.append(f"{one.stored_path}=true")
    return tuple(flags)


def recover_flags(values: Mapping[str, object]) -> tuple[str, ...]:
    """The `--set` flags of optional features that are on."""
    found = ((path, look_up(values, path.removeprefix("values."))) for path in OPTIONAL_FEATURES)
    return tuple(f"{path}={write_flag_value(value)}" for path, value in found if value not in OPTIONAL_FEATURES[path])


def look_up(values: Mapping[str, object], path: str) -> object:
    """The value under a dotted path, None where there is none."""
    here: object = values
    for part in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(part)
    return here


def list_leaves(values: Mapping[str, object], prefix: str = "") -> tuple[str, ...]:
    """The dotted paths of all values that are no branch; a key with a dot in it ends its path's parent."""
    found: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value and not any("." in str(inner) for inner in value):
            found += list_leaves(value, f"{prefix}{key}.")
        else:
            found.append(f"{prefix}{key}")
    return tuple(found)


def write_flag_value(value: object) -> str:
    """A value as `--set` takes it: true, not True."""
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def _list_texts(value: object) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()


def _read_mtls_value(values: Mapping[str, object]) -> MtlsMode | None:
    enabled = look_up(values, "global.mtls.enabled")
    if not isinstance(enabled, bool):
        return None
    return "STRICT" if enabled else "PERMISSIVE"
