"""What the control-plane phase will change: rendered, dry-run and held against the cluster."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steps.contract.cards import Attachment, Detail
from steps.contract.ports import Manifest
from steps.contract.step import Blocked, Context
from steps.install.dry_run import try_apply
from steps.install.flags import build_apply_arguments
from steps.install.overlays import join_overlays
from steps.install.policies import read_policies
from steps.install.recovery import list_leaves, look_up, read_mesh_config, read_values
from steps.install.removals import find_removals
from steps.install.rendered import Difference, compare_with_live, find_object, list_images, parse_manifest, read_live
from steps.install.trust import describe_trust_change, read_trust_domains
from steps.mesh import ClusterIdentity
from steps.notes.download import ARGUMENTS, IMAGES, REMOVALS, RENDERED, recall_tools
from steps.notes.prepare import choose_mtls, measure_identity, recall_flags

_SHOWN = 20


@dataclass(frozen=True)
class Rendering:
    """What istioctl will be called with and what it renders; `sha256` is that of the rendered text."""

    identity: ClusterIdentity
    arguments: tuple[str, ...]
    overlays: tuple[tuple[str, str], ...]
    text: str
    sha256: str
    objects: tuple[Manifest, ...]


@dataclass(frozen=True)
class Preview:
    """A rendering held against the cluster.

    `values` says how the install's merged values change, `removals` names what the apply would delete, `doubt` what
    the dry run left unproven.
    """

    rendering: Rendering
    difference: Difference
    values: tuple[str, ...]
    removals: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def sentence(self) -> str:
        """`412 objects rendered: 2 added, 40 changed, none removed`."""
        found = self.difference
        return (
            f"{len(self.rendering.objects)} objects rendered: {len(found.added)} added, {len(found.changed)} changed,"
            f" {len(self.removals) or 'none'} removed"
        )

    @property
    def risks(self) -> tuple[str, ...]:
        """What a person has to know of it before all else."""
        removed = f"The apply would remove {name_removals(self.removals)}." if self.removals else ""
        return tuple(text for text in (removed, f"{self.doubt}." if self.doubt else "") if text)

    @property
    def details(self) -> tuple[Detail, ...]:
        """The folded parts of a card: arguments, images, added objects, values."""
        return (
            Detail("istioctl", format_command(self.rendering.arguments, self.rendering.overlays)),
            *([Detail("Removed objects", _shorten(self.removals))] if self.removals else []),
            Detail("Images", self.difference.images or ("no image changes",)),
            Detail("Added objects", _shorten(self.difference.added)),
            Detail("Changed values of the install", _shorten(self.values)),
        )

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Everything that differs, and the rendered manifest."""
        found, space = self.difference, ("",)
        removed = ("# removed", *self.removals, *space) if self.removals else ()
        changed = ("# added", *found.added, *space, "# changed fields", *found.fields, *space, "# values", *self.values)
        lines = (*removed, *changed)
        return (
            Attachment("difference.txt", "\n".join(lines) + "\n"),
            Attachment("manifest.yaml", self.rendering.text),
        )


def format_command(arguments: Sequence[str], overlays: Sequence[tuple[str, str]] = ()) -> tuple[str, ...]:
    """istioctl's command as a shell takes it, one flag per line."""
    head, flags = list(arguments[:2]), list(arguments[2:])
    pairs = [f"  {flag} {shlex.quote(value)}" for flag, value in zip(flags[::2], flags[1::2], strict=True)]
    files = [f"  -f {shlex.quote(name)}" for name, _ in overlays]
    lines = ["istioctl " + " ".join(head), *pairs, *files]
    return (*(f"{line} \\" for line in lines[:-1]), lines[-1])


def measure_preview(ctx: Context) -> Preview | Blocked:
    """Render, dry-run and compare again, and keep the findings; Blocked where the apply could not go well."""
    rendering = render(ctx)
    proof = try_apply(ctx, rendering.arguments, rendering.overlays)
    if isinstance(proof, Blocked):
        return proof
    removals = find_removals(ctx.kubernetes, rendering.objects, proof.disabled)
    live = read_live(ctx.kubernetes, rendering.objects)
    _keep(ctx, rendering, removals)
    blocked = _block_trust_change(ctx, rendering.objects, live)
    if blocked:
        return blocked
    values = list_value_changes(rendering.objects, live, ctx.release.injector_config)
    return Preview(rendering, compare_with_live(rendering.objects, live), values, removals, proof.doubt)


def render(ctx: Context) -> Rendering:
    """Render with the arguments for the cluster as it is now."""
    identity = measure_identity(ctx)
    arguments = build_apply_arguments(ctx.release, identity, ctx.options, choose_mtls(ctx), recall_flags(ctx))
    overlays = join_overlays(ctx.options.overlays)
    text = ctx.mesh_tools.render_manifest(recall_tools(ctx), arguments, overlays)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Rendering(identity, arguments, overlays, text, sha256, parse_manifest(text))


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


def _keep(ctx: Context, rendering: Rendering, removals: Sequence[str]) -> None:
    ctx.revise(ARGUMENTS, rendering.arguments)
    ctx.revise(RENDERED, rendering.sha256)
    ctx.revise(REMOVALS, tuple(removals))
    ctx.revise(IMAGES, list_images(rendering.objects, ctx.release.namespace))


def _block_trust_change(ctx: Context, objects: Sequence[Manifest], live: Sequence[Manifest]) -> Blocked | None:
    before, _ = read_mesh_config(_data_of(find_object(live, "ConfigMap", "istio")))
    after, _ = read_mesh_config(_data_of(find_object(objects, "ConfigMap", "istio")))
    if not before or not after:
        return None
    old, new = read_trust_domains(before), read_trust_domains(after)
    why, remedy = describe_trust_change(read_policies(ctx.kubernetes), old, new)
    return Blocked(why, remedy) if why else None


def _data_of(manifest: Manifest | None) -> Mapping[str, str] | None:
    return None if manifest is None else manifest.get("data") or {}


def _shorten(lines: Sequence[str]) -> tuple[str, ...]:
    if not lines:
        return ("none",)
    more = (f"and {len(lines) - _SHOWN} more, in the attached file",) if len(lines) > _SHOWN else ()
    return (*lines[:_SHOWN], *more)
