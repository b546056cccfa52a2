"""clusters.toml: the clusters, who may do what on them, and the options their upgrades start from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from msgspec import Struct, convert

from bot.likeness import describe_unknown
from bot.settings.option_fields import (
    check_earlier,
    check_endpoints,
    check_flag,
    check_gates,
    check_label,
    check_limits,
    check_minutes,
    check_mode,
    check_namespaces,
    check_promql,
    check_set_flags,
    check_text,
    check_texts,
    is_texts,
)
from bot.settings.people_fields import check_approvals, check_channel, check_channels, check_people, check_workspaces
from bot.settings.policy import Policy
from bot.settings.window_fields import check_freezes, check_lengths, check_windows, read_downtime
from bot.windows.downtime import Downtime
from steps.contract.documents import BadDocument, read_toml
from steps.contract.options import Gates, Limits, MtlsMode, Overlay, UpgradeOptions
from steps.install.overlays import find_overlay_fault
from steps.mesh import ENDPOINTS, ClusterAddress

DEFAULT_RELEASE = "1.4.10-asm.18"
TABLES = ("defaults", "discovery", "webhooks", "clusters")
# No field of the file: whoever leaves the options of the earlier install means this one upgrade.
EARLIER_OPTIONS = "earlier_options"
START_OPTIONS = ("mtls", "set", "testing_workloads", "canary_namespaces", "skip_namespaces", EARLIER_OPTIONS)


@dataclass(frozen=True)
class Cluster:
    """One cluster of clusters.toml, or one that was only `found` in GKE: that can be proposed, not changed."""

    key: str
    address: ClusterAddress
    channel: str
    release: str
    policy: Policy
    options: UpgradeOptions
    downtime: Downtime = field(default_factory=Downtime)
    found: bool = False


@dataclass(frozen=True)
class Field:
    """One field of a cluster; docs/settings.md lists them from here. `check` answers what is wrong, or ""."""

    name: str
    meaning: str
    check: Callable[[object], str]
    default: object = None


FIELDS: tuple[Field, ...] = (
    Field("project", "GKE: the project id.", check_text, ""),
    Field("location", "GKE: the zone or region.", check_text, ""),
    Field("name", "GKE: the cluster's name.", check_text, ""),
    Field(
        "endpoints",
        "GKE: the endpoints that may be used, the preferred one first: " + ", ".join(ENDPOINTS) + ".",
        check_endpoints,
        list(ENDPOINTS),
    ),
    Field(
        "kubeconfig", "In place of the three above: a kubeconfig file, whose user acts for nobody else.", check_text, ""
    ),
    Field("context", "The context in that kubeconfig; its current one by default.", check_text, ""),
    Field("channel", "The Slack channel id that the upgrade's thread is posted to.", check_channel, ""),
    Field(
        "requesters",
        "Slack users and groups (ids) that may start, pause, resume, retry, abort, take back.",
        check_people,
        [],
    ),
    Field("approvers", "Users and groups (ids) that may do all but start; nobody by default.", check_people, []),
    Field("approvals_needed", "How many different approvers each approval takes.", check_approvals, 1),
    Field(
        "break_glass",
        "Slack users and groups (ids) that may approve alone, for a reason that is announced, and do to a "
        "running upgrade what requesters may. None means nobody.",
        check_people,
        [],
    ),
    Field(
        "channels",
        "Slack channel ids that take orders besides `channel`, the Home tab and direct messages; all by default.",
        check_channels,
        [],
    ),
    Field("workspaces", "Slack workspace ids besides the bot's own whose people count.", check_workspaces, []),
    Field(
        "production",
        "Whether the approver must differ from the requester, and a typed code is answered with a button that decides.",
        check_flag,
        True,
    ),
    Field(
        "gates",
        "`each` gate is asked about, or control plane and sidecars may also be approved `through`, to the end.",
        check_gates,
        "each",
    ),
    Field("release", "The release to upgrade to.", check_text, DEFAULT_RELEASE),
    Field("mtls", "PERMISSIVE or STRICT; the mode in force by default.", check_mode, None),
    Field("set", "istioctl --set flags of the previous install, key=value.", check_set_flags, []),
    Field("overlays", "IstioControlPlane files of the previous install, given to istioctl -f.", check_texts, []),
    Field("testing_workloads", "Whether asmctl validate also runs its testing workloads.", check_flag, True),
    Field("canary_namespaces", "Namespaces re-injected first, behind a gate of their own.", check_namespaces, []),
    Field(
        "canary_soak_minutes",
        "How long the canary is watched before the rest is asked about; the card then shows what was seen.",
        check_minutes,
        15,
    ),
    Field("skip_namespaces", "Namespaces whose sidecars are left alone.", check_namespaces, []),
    Field("skip_label", "Pods with this label (key or key=value) are left alone.", check_label, ""),
    Field(
        "evict_namespaces",
        "Namespaces where pods are evicted, honouring budgets, instead of restarted.",
        check_namespaces,
        [],
    ),
    Field(
        "allowed_hubs",
        "Registries besides the release's own whose images are taken without asking; the card still names them.",
        check_texts,
        [],
    ),
    Field("probe_urls", "Addresses that must answer below 500 while a wave soaks.", check_texts, []),
    Field(
        "prometheus_url",
        "The Prometheus that promql_limits are asked of, and 5xx and latency before and after the canary.",
        check_text,
        "",
    ),
    Field("promql_limits", "PromQL expressions and the number that each must not exceed.", check_promql, {}),
    Field(
        "limits",
        "How fast and how much at once: " + ", ".join(item.name for item in fields(Limits)) + ".",
        check_limits,
        {},
    ),
    Field(
        "windows",
        "When it may be changed, always by default: tables such as "
        '{days = "mon-fri", hours = "22:00-04:00", zone = "Europe/Berlin"}.',
        check_windows,
        [],
    ),
    Field(
        "freezes",
        "Days on which it is not changed, whatever the windows say: tables such as "
        '{from = 2026-12-20, to = 2027-01-03, zone = "Europe/Berlin", reason = "year end"}.',
        check_freezes,
        [],
    ),
    Field("reminders", "How long before its window an upgrade is reminded of.", check_lengths, ["24h", "1h", "10m"]),
    Field(
        "approval_reminders",
        "How long after it was asked for an unanswered approval is asked for again.",
        check_lengths,
        ["1h", "4h", "12h"],
    ),
    Field("archive", "A file or an address to take the release from; verified all the same.", check_text, ""),
)


class Given(Struct, frozen=True, kw_only=True, rename={"set_flags": "set"}):
    """The checked values of `FIELDS` for one cluster, each with its type; overlays are still names of files."""

    project: str
    location: str
    name: str
    endpoints: tuple[str, ...]
    kubeconfig: str
    context: str
    channel: str
    requesters: frozenset[str]
    approvers: frozenset[str]
    approvals_needed: int
    break_glass: frozenset[str]
    channels: frozenset[str]
    workspaces: frozenset[str]
    production: bool
    gates: Gates
    release: str
    mtls: MtlsMode | None
    set_flags: tuple[str, ...]
    overlays: tuple[str, ...]
    testing_workloads: bool
    canary_namespaces: tuple[str, ...]
    canary_soak_minutes: float
    skip_namespaces: tuple[str, ...]
    skip_label: str
    evict_namespaces: tuple[str, ...]
    allowed_hubs: tuple[str, ...]
    probe_urls: tuple[str, ...]
    prometheus_url: str
    promql_limits: dict[str, float]
    limits: Limits
    windows: tuple[dict[str, object], ...]
    freezes: tuple[dict[str, object], ...]
    reminders: tuple[str, ...]
    approval_reminders: tuple[str, ...]
    archive: str


@dataclass
class _Faults:
    source: str
    found: list[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        self.found.append(f"{self.source}: {where} {what}.")


def parse_clusters(text: str, path: Path) -> tuple[Mapping[str, Cluster], list[str]]:
    """Read clusters.toml; overlay files are looked for beside it. Answers the clusters and every fault found."""
    faults = _Faults(path.name)
    try:
        raw = read_toml(text)
    except BadDocument as error:
        return {}, [f"{path.name} {error}."]
    for name in raw.keys() - set(TABLES):
        faults.add("the file", describe_unknown(name, TABLES))
    defaults, clusters = raw.get("defaults", {}), raw.get("clusters", {})
    if not isinstance(defaults, dict) or not isinstance(clusters, dict):
        return {}, [*faults.found, f"{path.name}: defaults and clusters must be tables."]
    if not clusters:
        faults.add("[clusters]", "is empty; add [clusters.NAME] with project, location and name")
    _check_fields(defaults, "[defaults]", faults)
    parsed = {key: _parse_cluster(key, table, defaults, path.parent, faults) for key, table in clusters.items()}
    return {key: cluster for key, cluster in parsed.items() if cluster}, faults.found


def build_found_template(defaults: Mapping[str, object], folder: Path) -> Cluster:
    """What a cluster only found in GKE starts from: [defaults], but nobody may approve. Key and address are empty.

    Overlays of [defaults] are those of a previous install that nobody has vouched for, so they are left out.
    """
    values = {item.name: defaults.get(item.name, item.default) for item in FIELDS}
    values |= {"project": "", "location": "", "name": "", "kubeconfig": "", "context": ""}
    template = _build_cluster("", convert(values, Given), (), folder)
    policy = replace(template.policy, approvers=frozenset(), break_glass=frozenset())
    return replace(template, policy=policy, found=True)


def find_argument_faults(name: str, value: object) -> list[str]:
    """What is wrong with one argument of a start, by itself; sentences."""
    if name == "overlay_texts":
        given = _read_overlay_texts(value)
        return [f"{overlay.name} {fault}." for overlay in given if (fault := find_overlay_fault(overlay))]
    if name not in START_OPTIONS:
        return [f"`{name}` is no option of an upgrade; the options are {', '.join(START_OPTIONS)}."]
    check = check_earlier if name == EARLIER_OPTIONS else next(one.check for one in FIELDS if one.name == name)
    return [f"`{name}` {wrong}."] if (wrong := check(value)) else []


def read_start_options(options: UpgradeOptions, arguments: Mapping[str, object]) -> tuple[UpgradeOptions, list[str]]:
    """The cluster's options with what was given at the start of one upgrade, and what is wrong with that.

    `arguments` takes the names of `FIELDS` that may differ from upgrade to upgrade; `set` adds to the cluster's flags,
    `overlay_texts` (text by file name) to its overlays.
    """
    faults = [fault for name, value in arguments.items() for fault in find_argument_faults(name, value)]
    if faults:
        return options, faults
    changes: dict[str, Any] = {}
    for name, value in arguments.items():
        if name == "overlay_texts":
            changes["overlays"] = (*options.overlays, *_read_overlay_texts(value))
        elif name == "set" and is_texts(value):
            changes["set_flags"] = (*options.set_flags, *value)
        else:
            changes[name] = tuple(value) if isinstance(value, list) else value
    made = replace(options, **changes)
    both = sorted({*made.canary_namespaces} & {*made.skip_namespaces}) if changes else []
    return made, [f"{', '.join(both)} can't be both re-injected first and left alone."] if both else []


def _read_overlay_texts(value: object) -> list[Overlay]:
    texts = value.items() if isinstance(value, Mapping) else ()
    return [Overlay(str(file), str(text)) for file, text in texts]


def _parse_cluster(
    key: str, table: object, defaults: Mapping[str, object], folder: Path, faults: _Faults
) -> Cluster | None:
    where = f"[clusters.{key}]"
    if not isinstance(table, dict):
        faults.add(where, "must be a table")
        return None
    before = len(faults.found)
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?", key):
        faults.add(where, "has a name that is not lower-case letters, digits and dashes")
    _check_fields(table, where, faults)
    values = {item.name: table.get(item.name, defaults.get(item.name, item.default)) for item in FIELDS}
    _check_address(values, where, faults)
    if not values["channel"]:
        faults.add(where, "lacks channel, the Slack channel id for its threads")
    overlays = _read_overlays(values["overlays"], where, folder, faults)
    if len(faults.found) > before or any(fault.startswith(f"{faults.source}: [defaults]") for fault in faults.found):
        return None
    return _build_cluster(key, convert(values, Given), overlays, folder)


def _check_fields(table: Mapping[str, object], where: str, faults: _Faults) -> None:
    known = {item.name: item for item in FIELDS}
    for name, value in table.items():
        if name not in known:
            faults.add(where, describe_unknown(name, known))
        elif wrong := known[name].check(value):
            faults.add(f"{where} {name}", wrong)


def _check_address(values: Mapping[str, object], where: str, faults: _Faults) -> None:
    if values["kubeconfig"]:
        return
    missing = [name for name in ("project", "location", "name") if not values[name]]
    if missing:
        faults.add(where, f"lacks {', '.join(missing)} (or kubeconfig in their place)")


def _read_overlays(paths: object, where: str, folder: Path, faults: _Faults) -> tuple[Overlay, ...]:
    overlays = []
    for name in paths if isinstance(paths, list) else []:
        try:
            overlays.append(Overlay(Path(str(name)).name, (folder / str(name)).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            faults.add(f"{where} overlays", f"names {name}, which can't be read: {error}")
            continue
        if fault := find_overlay_fault(overlays[-1]):
            faults.add(f"{where} overlays", f"names {name}, which {fault}")
    return tuple(overlays)


def _build_cluster(key: str, given: Given, overlays: tuple[Overlay, ...], folder: Path) -> Cluster:
    return Cluster(
        key=key,
        address=ClusterAddress(
            key=key,
            project=given.project,
            location=given.location,
            name=given.name or key,
            kubeconfig=str(folder / given.kubeconfig) if given.kubeconfig else "",
            context=given.context,
            endpoints=given.endpoints,
        ),
        channel=given.channel,
        release=given.release,
        policy=Policy(
            requesters=given.requesters,
            approvers=given.approvers,
            production=given.production,
            approvals_needed=given.approvals_needed,
            break_glass=given.break_glass,
            channels=given.channels,
            workspaces=given.workspaces,
        ),
        options=_build_options(given, overlays),
        downtime=read_downtime(given.windows, given.freezes, given.reminders, given.approval_reminders),
    )


def _build_options(given: Given, overlays: tuple[Overlay, ...]) -> UpgradeOptions:
    return UpgradeOptions(
        mtls=given.mtls,
        set_flags=given.set_flags,
        overlays=overlays,
        testing_workloads=given.testing_workloads,
        canary_namespaces=given.canary_namespaces,
        skip_namespaces=given.skip_namespaces,
        skip_label=given.skip_label,
        evict_namespaces=given.evict_namespaces,
        probe_urls=given.probe_urls,
        promql_limits=tuple(given.promql_limits.items()),
        prometheus_url=given.prometheus_url,
        limits=given.limits,
        archive=given.archive,
        production=given.production,
        allowed_hubs=given.allowed_hubs,
        gates=given.gates,
        canary_soak_seconds=given.canary_soak_minutes * 60,
    )
