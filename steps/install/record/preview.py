"""What the control-plane phase will change: what istioctl hands to kubectl, held against the cluster."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from steps.contract.cards import Attachment, Detail
from steps.contract.errors import GiveUp
from steps.contract.ports import ApplyRequest, Kubectl, Manifest, Tools
from steps.contract.record import blank_leaves
from steps.contract.step import Blocked, Context, Waiting
from steps.contract.wording import count_things
from steps.install.flags import build_apply_arguments, find_idle_flags, list_set_flags
from steps.install.overlays import join_overlays
from steps.install.policies import read_policies
from steps.install.record.departures import Departures, find_departures, find_tag_faults
from steps.install.record.facts import MeshFacts, read_facts
from steps.install.record.recording import Recorded, describe_rule, record_apply
from steps.install.record.removals import find_removals
from steps.install.record.rendered import Difference, compare_with_live, find_object, list_images, read_live
from steps.install.recovery import list_leaves, look_up, read_mesh_config, read_values
from steps.install.trust import describe_trust_change, read_trust_domains
from steps.mesh import ClusterIdentity
from steps.notes.control_plane import KEPT, REMOVAL_UIDS
from steps.notes.download import ARGUMENTS, IMAGES, KUBECTL, PREVIOUS, RECORD_DIGEST, REMOVALS, NoWayBack, recall_tools
from steps.notes.prepare import choose_mtls, measure_identity, recall_flags, recall_mtls

_SHOWN = 20
KEPT_BACK = "(kept on the bot's machine)"


@dataclass(frozen=True)
class Preview:
    """A record held against the cluster: `recorded` is what istioctl hands over, `facts` what it says of the mesh.

    `values` says how the install's merged values change, `doubts` what could not be looked at.
    """

    identity: ClusterIdentity
    recorded: Recorded
    facts: MeshFacts
    difference: Difference
    values: tuple[str, ...]
    departures: Departures
    doubts: tuple[str, ...] = ()

    @property
    def removals(self) -> tuple[str, ...]:
        """What would be removed and nobody keeps."""
        return self.departures.removals

    @property
    def sentence(self) -> str:
        """`68 objects handed to kubectl: 2 added, 40 changed, none removed`."""
        found = self.difference
        return (
            f"{len(self.recorded.objects)} objects handed to kubectl: {len(found.added)} added, "
            f"{len(found.changed)} changed, {len(self.removals) or 'none'} removed"
        )

    @property
    def risks(self) -> tuple[str, ...]:
        """What a person has to know of it before all else."""
        found = self.departures
        lines = (
            f"{name_removals(found.removals)} will be removed." if found.removals else "",
            f"{count_things(len(found.changes), 'field')} that nobody asked to change will be set back or taken away."
            if found.changes
            else "",
            f"{count_things(len(found.images), 'image')} from another registry." if found.images else "",
        )
        return tuple(line for line in (*lines, *(f"{doubt}." for doubt in self.doubts)) if line)

    @property
    def details(self) -> tuple[Detail, ...]:
        """The folded parts of a card: arguments, departures, images, added objects, values."""
        request = self.recorded.request
        return (
            Detail("istioctl", format_command(request.arguments, request.overlays)),
            *describe_departures(self.departures),
            Detail("Mesh", describe_facts(self.facts)),
            Detail("Images", self.difference.images or ("no image changes",)),
            Detail("Added objects", shorten_lines(self.difference.added)),
            Detail("Changed values of the install", shorten_lines(self.values)),
        )

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Everything that differs, and the objects as they are handed over, without secrets."""
        return (
            Attachment("difference.txt", write_difference(self)),
            Attachment("manifest.yaml", write_manifest(self.recorded)),
        )


def describe_departures(found: Departures) -> tuple[Detail, ...]:
    """A fold for each kind of what leaves the guide's path."""
    folds = (
        ("Removed objects", found.removals),
        ("Fields that would change or go", tuple(str(one) for one in found.changes)),
        ("Images from another registry", tuple(f"{one.where}: {one.image}" for one in found.images)),
        ("Objects beyond the guide's", tuple(str(one) for one in found.objects)),
    )
    return tuple(Detail(title, shorten_lines(lines)) for title, lines in folds if lines)


def describe_facts(facts: MeshFacts) -> tuple[str, ...]:
    """What the objects make of the mesh, a line each."""
    return (
        f"mTLS: {facts.mtls or 'not said'}",
        f"trust domain: {facts.trust_domain or 'not said'}",
        f"hub: {facts.hub or 'not said'}",
        f"tag: {facts.tag or 'not said'}",
        f"namespaces: {', '.join(facts.namespaces) or 'none'}",
        f"kinds: {', '.join(facts.kinds)}",
    )


def write_difference(found: Preview) -> str:
    """The file of all that differs: what leaves the guide's path first, what the release brings last."""
    own = found.departures
    parts: tuple[tuple[str, Sequence[str]], ...] = (
        ("removed", own.removals),
        ("fields that would change or go", [str(one) for one in own.changes]),
        ("images from another registry", [f"{one.where}: {one.image}" for one in own.images]),
        ("objects beyond the guide's", [str(one) for one in own.objects]),
        ("added", found.difference.added),
        ("what the release changes", [str(one) for one in own.expected]),
        ("values", found.values),
    )
    return "\n".join("\n".join((f"# {title}", *lines, "")) for title, lines in parts if lines) + "\n"


def write_manifest(recorded: Recorded) -> str:
    """The objects as YAML; what Secrets hold and what is made anew each time stays on the bot's machine."""
    texts = (blank_leaves(made, recorded.record.renewed) for made in recorded.record.list_objects())
    return yaml.safe_dump_all((_hide_secret(yaml.safe_load(text)) for text in texts), sort_keys=False)


def format_command(arguments: Sequence[str], overlays: Sequence[tuple[str, str]] = ()) -> tuple[str, ...]:
    """istioctl's command as a shell takes it, one flag per line."""
    head, flags = list(arguments[:2]), list(arguments[2:])
    pairs = [f"  {flag} {shlex.quote(value)}" for flag, value in zip(flags[::2], flags[1::2], strict=True)]
    files = [f"  -f {shlex.quote(name)}" for name, _ in overlays]
    lines = ["istioctl " + " ".join(head), *pairs, *files]
    return (*(f"{line} \\" for line in lines[:-1]), lines[-1])


def measure_preview(ctx: Context) -> Preview | Waiting | Blocked:
    """Record and compare anew, and keep the findings; Blocked where the apply could not go well."""
    identity = measure_identity(ctx)
    request = build_request(ctx, identity)
    recorded = record_apply(ctx, "target", request)
    if not isinstance(recorded, Recorded):
        return recorded
    guide = record_guide(ctx, recorded, identity)
    if isinstance(guide, Waiting | Blocked):
        return guide
    earlier = record_earlier(ctx, request, identity)
    if isinstance(earlier, Waiting):
        return earlier
    return compare_record(ctx, identity, recorded, guide, earlier)


def compare_record(
    ctx: Context, identity: ClusterIdentity, recorded: Recorded, guide: Recorded, earlier: Recorded | str
) -> Preview | Blocked:
    """Hold a record against the cluster; `earlier` is a sentence where the installed release could not be asked."""
    facts = read_facts(recorded.objects)
    live = read_live(ctx.kubernetes, recorded.objects)
    removals = find_removals(ctx.kubernetes, recorded.objects, recorded.disabled)
    departures = find_departures(
        recorded.objects,
        live,
        earlier=earlier.objects if isinstance(earlier, Recorded) else (),
        guide=guide.objects,
        hubs=(ctx.release.hub, *ctx.options.allowed_hubs),
    )
    kept = ctx.recall(KEPT) or ()
    removals = tuple(one for one in removals if one.name not in kept)
    departures = replace(departures, removals=tuple(one.name for one in removals))
    ctx.revise(REMOVAL_UIDS, {one.name: one.uid for one in removals})
    _keep(ctx, recorded, departures.removals)
    blocked = _block_facts(ctx, recorded.objects, facts) or _block_trust_change(ctx, recorded.objects, live)
    if blocked:
        return blocked
    values = list_value_changes(recorded.objects, live, ctx.release.injector_config)
    idle = find_idle_flags(list_set_flags(recorded.request.arguments))
    doubts = (*([earlier] if isinstance(earlier, str) else []), *idle, *_describe_unread(recorded))
    return Preview(
        identity, recorded, facts, compare_with_live(recorded.objects, live), values, departures, tuple(doubts)
    )


def build_request(ctx: Context, identity: ClusterIdentity) -> ApplyRequest:
    """What istioctl is asked for, for the cluster as it is now."""
    arguments = build_apply_arguments(ctx.release, identity, ctx.options, choose_mtls(ctx), recall_flags(ctx))
    overlays = join_overlays(ctx.options.overlays)
    return ApplyRequest(recall_tools(ctx), recall_kubectl(ctx, identity), read_cluster_uid(ctx), arguments, overlays)


def record_guide(ctx: Context, recorded: Recorded, identity: ClusterIdentity) -> Recorded | Waiting | Blocked:
    """What the guide's flags alone hand over; the very same record where nothing else is asked for."""
    plain = replace(ctx.options, set_flags=(), overlays=())
    arguments = build_apply_arguments(ctx.release, identity, plain, choose_mtls(ctx), ())
    request = replace(recorded.request, arguments=arguments, overlays=())
    return recorded if request == recorded.request else record_apply(ctx, "guide", request, times=1, looks=False)


def record_earlier(ctx: Context, request: ApplyRequest, identity: ClusterIdentity) -> Recorded | Waiting | str:
    """What the installed release hands over for the recovered options; a sentence where it can't be asked."""
    previous = ctx.recall(PREVIOUS)
    if not isinstance(previous, Tools):
        why = previous.why if isinstance(previous, NoWayBack) else "its archive was not looked for"
        return f"What the release itself changes can't be told apart: {why}"
    try:
        plain = replace(ctx.options, set_flags=(), overlays=())
        arguments = build_apply_arguments(ctx.release, identity, plain, recall_mtls(ctx), recall_flags(ctx))
    except GiveUp as error:
        return f"What the release itself changes can't be told apart: {error.why}"
    asked = replace(request, tools=previous, arguments=arguments, overlays=())
    found = record_apply(ctx, "earlier", asked, times=1, looks=False)
    return f"What the release itself changes can't be told apart: {found.why}" if isinstance(found, Blocked) else found


def recall_kubectl(ctx: Context, identity: ClusterIdentity) -> Kubectl:
    """The kubectl that was found once; GiveUp where there is none."""
    kept = ctx.recall(KUBECTL)
    if kept is not None:
        return kept
    found = ctx.mesh_tools.find_kubectl(identity.server_version)
    if found is None:
        remedy = f"Put a kubectl {ctx.release.kubectl_oldest} or later on the bot's PATH, then retry."
        raise GiveUp("no kubectl is on the bot's PATH, and istioctl calls it", remedy)
    ctx.revise(KUBECTL, found)
    return found


def read_cluster_uid(ctx: Context) -> str:
    """The UID of kube-system, which no other cluster has; GiveUp where it can't be read."""
    found = ctx.kubernetes.read_object("v1", "Namespace", "", "kube-system")
    uid = str(((found or {}).get("metadata") or {}).get("uid") or "")
    if not uid:
        raise GiveUp(
            "the UID of the namespace kube-system can't be read, by which the cluster is known",
            "Let the bot's account get namespaces, then retry.",
        )
    return uid


def name_removals(removals: Sequence[str], most: int = 5) -> str:
    """`Service istio-system/kiali, ConfigMap istio-system/old and 3 more`."""
    more = f" and {len(removals) - most} more" if len(removals) > most else ""
    return ", ".join(removals[:most]) + more


def list_value_changes(objects: Sequence[Manifest], live: Sequence[Manifest], config_map: str) -> tuple[str, ...]:
    """How the install's merged values change: `global.tag: 1.4.7-asm.0 → 1.4.10-asm.18`; forgotten flags show here."""
    before, _ = read_values(_data_of(find_object(live, "ConfigMap", config_map)))
    after, _ = read_values(_data_of(find_object(objects, "ConfigMap", config_map)))
    if not before or not after:
        return ()
    paths = sorted({*list_leaves(before), *list_leaves(after)})
    return tuple(
        f"{path}: {look_up(before, path)} → {look_up(after, path)}"
        for path in paths
        if look_up(before, path) != look_up(after, path)
    )


def shorten_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """As many lines as fit on a card; the rest is in the file."""
    if not lines:
        return ("none",)
    more = (f"and {len(lines) - _SHOWN} more, in the attached file",) if len(lines) > _SHOWN else ()
    return (*lines[:_SHOWN], *more)


def _keep(ctx: Context, recorded: Recorded, removals: Sequence[str]) -> None:
    ctx.revise(ARGUMENTS, recorded.request.arguments)
    ctx.revise(RECORD_DIGEST, recorded.record.digest)
    ctx.revise(REMOVALS, tuple(removals))
    ctx.revise(IMAGES, list_images(recorded.objects, ctx.release.namespace))


def _block_facts(ctx: Context, objects: Sequence[Manifest], facts: MeshFacts) -> Blocked | None:
    """What is handed over has to be what was asked for, whatever flag or overlay brings something else."""
    remedy = "Nothing has been written. Find the flag or overlay that does it, and start again without it."
    wanted = choose_mtls(ctx)
    if facts.mtls and facts.mtls != wanted:
        return Blocked(f"istioctl would set {facts.mtls} mTLS, and {wanted} was asked for", remedy)
    faults = find_tag_faults(objects, ctx.release)
    return Blocked(f"istioctl would not bring the release: {'; '.join(faults[:3])}", remedy) if faults else None


def _block_trust_change(ctx: Context, objects: Sequence[Manifest], live: Sequence[Manifest]) -> Blocked | None:
    before, _ = read_mesh_config(_data_of(find_object(live, "ConfigMap", "istio")))
    after, _ = read_mesh_config(_data_of(find_object(objects, "ConfigMap", "istio")))
    if not before or not after:
        return None
    old, new = read_trust_domains(before), read_trust_domains(after)
    why, remedy = describe_trust_change(read_policies(ctx.kubernetes), old, new)
    return Blocked(why, remedy) if why else None


def _describe_unread(recorded: Recorded) -> tuple[str, ...]:
    if not recorded.unread:
        return ()
    rules = "; ".join(describe_rule(one) for one in recorded.unread)
    return (f"Kinds of other products could not be looked through ({rules})",)


def _hide_secret(made: Any) -> Any:
    if isinstance(made, Mapping) and made.get("kind") == "Secret":
        return {**made, "data": dict.fromkeys(made.get("data") or {}, KEPT_BACK)}
    return made


def _data_of(manifest: Manifest | None) -> Mapping[str, str] | None:
    return None if manifest is None else manifest.get("data") or {}
