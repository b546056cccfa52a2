"""What the control-plane phase will change: rendered, dry-run and held against the cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steps.apply_output import cut_output, read_apply_output
from steps.flags import build_apply_arguments
from steps.identity import measure_identity
from steps.policies import find_authorization_findings, list_trust_domains
from steps.ports import Manifest
from steps.prepare import choose_mtls, recall_flags
from steps.recovery import look_up, read_mesh_config, read_values
from steps.rendered import (
    Difference,
    compare_with_live,
    find_object,
    find_removals,
    list_images,
    parse_manifest,
    read_live,
)
from steps.step import Attachment, Blocked, Card, Context, Detail
from steps.survey import read_policies
from steps.toolbox import describe_way_back, recall_tools

_SHOWN = 20


@dataclass(frozen=True)
class Preview:
    """What was found; `rendered` is the SHA-256 of the manifest."""

    sentence: str
    card: Card
    attachments: tuple[Attachment, ...]
    arguments: tuple[str, ...]
    rendered: str
    removals: tuple[str, ...]
    difference: Difference


def measure_preview(ctx: Context) -> Preview | Blocked:
    """Render, dry-run and compare anew, and keep the findings; Blocked where the apply could not go well."""
    identity, tools = measure_identity(ctx), recall_tools(ctx)
    arguments = build_apply_arguments(ctx.release, identity, ctx.options, choose_mtls(ctx), recall_flags(ctx))
    overlays = tuple((overlay.name, overlay.text) for overlay in ctx.options.overlays)
    text = ctx.mesh_tools.render_manifest(tools, arguments, overlays)
    objects = parse_manifest(text)
    result = ctx.mesh_tools.dry_run(ctx.cluster, tools, arguments, overlays)
    report = read_apply_output(result.output)
    if result.exit_code != 0 and not report.only_warnings:
        why = report.errors[-1] if report.errors else f"istioctl ended with {result.exit_code}"
        return Blocked(f"the dry run failed: {why}", _dry_run_remedy(), (), (_attach("dry-run.txt", result.output),))
    removals = find_removals(ctx.kubernetes, objects, report.pruned)
    live = read_live(ctx.kubernetes, objects)
    difference = compare_with_live(objects, live)
    rendered = hashlib.sha256(text.encode()).hexdigest()
    _keep(ctx, arguments, rendered, removals, objects)
    return (
        _block_removals(removals, report.pruned)
        or _block_identity_change(ctx, objects, live)
        or _describe(ctx, arguments, rendered, removals, difference, live, objects, text)
    )


def list_value_changes(objects: Sequence[Manifest], live: Sequence[Manifest], config_map: str) -> tuple[str, ...]:
    """How the install's merged values change: `global.tag: 1.4.7-asm.0 → 1.4.10-asm.18`; forgotten flags show here."""
    before, _ = read_values(_data_of(find_object(live, "ConfigMap", config_map)))
    after, _ = read_values(_data_of(find_object(objects, "ConfigMap", config_map)))
    if not before or not after:
        return ()
    paths = sorted({*_leaves(before), *_leaves(after)})
    return tuple(
        f"{path}: {look_up(before, path)!r} → {look_up(after, path)!r}"
        for path in paths
        if look_up(before, path) != look_up(after, path)
    )


def _describe(
    ctx: Context,
    arguments: tuple[str, ...],
    rendered: str,
    removals: tuple[str, ...],
    difference: Difference,
    live: Sequence[Manifest],
    objects: Sequence[Manifest],
    text: str,
) -> Preview:
    values = list_value_changes(objects, live, ctx.release.injector_config)
    sentence = (
        f"preview: {len(objects)} objects rendered, {len(difference.added)} added, {len(difference.changed)} changed,"
        f" {len(removals)} removed"
    )
    card = Card(
        title=f"What ASM {ctx.release.version} changes in {ctx.cluster.key}",
        summary=(f"{sentence}.", f"{describe_way_back(ctx)}."),
        details=(
            Detail("Images", difference.images or ("no image changes",)),
            Detail("Added objects", _shorten(difference.added)),
            Detail("Changed values of the install", _shorten(values)),
        ),
    )
    report = "\n".join(
        ["# arguments", " ".join(arguments), "# added", *difference.added, "# changed fields", *difference.fields]
    )
    attachments = (_attach("difference.txt", report), _attach("manifest.yaml", text))
    return Preview(sentence, card, attachments, arguments, rendered, removals, difference)


def _keep(
    ctx: Context, arguments: Sequence[str], rendered: str, removals: Sequence[str], objects: Sequence[Manifest]
) -> None:
    ctx.memory.revise("download/arguments", list(arguments))
    ctx.memory.revise("download/rendered", rendered)
    ctx.memory.revise("download/removals", list(removals))
    ctx.memory.revise("download/images", list_images(objects, ctx.release.namespace))


def _block_removals(removals: Sequence[str], components: Sequence[str]) -> Blocked | None:
    if not removals and not components:
        return None
    named = ", ".join(removals) or f"objects of {', '.join(components)}"
    return Blocked(
        f"the apply would remove {named}",
        "Most often a --set flag or -f file of the earlier install is missing: start again with it. Removing objects"
        " with an approval is not offered by this version of the bot; delete them yourself if they are not wanted.",
    )


def _block_identity_change(ctx: Context, objects: Sequence[Manifest], live: Sequence[Manifest]) -> Blocked | None:
    """Stop where the rendered mesh config drops the trust domain, or an alias, that principals are written with."""
    before, _ = read_mesh_config(_data_of(find_object(live, "ConfigMap", "istio")))
    after, _ = read_mesh_config(_data_of(find_object(objects, "ConfigMap", "istio")))
    if not before or not after:
        return None
    old, new = _trust_domains(before), _trust_domains(after)
    policies = read_policies(ctx.kubernetes)
    lost = (set(old) - set(new)) & list_trust_domains(policies)
    if old and new and old[0] != new[0]:
        return Blocked(
            f"the apply would change the mesh's trust domain from {old[0]} to {new[0]} and every identity with it",
            "Keep the trust domain in force, or move it with aliases in a change of its own first.",
        )
    if not lost:
        return None
    broken = find_authorization_findings(policies, new[0] if new else "", new[1:])
    named = [f.where for f in broken if any(f.value.startswith(f"{domain}/") for domain in lost)]
    return Blocked(
        f"the apply would drop the trust domain alias {', '.join(sorted(lost))}, and these would stop matching:"
        f" {', '.join(dict.fromkeys(named))}",
        "Give global.trustDomainAliases in an IstioControlPlane file with -f, or edit the policies first.",
    )


def _trust_domains(config: Mapping[str, object]) -> tuple[str, ...]:
    aliases = config.get("trustDomainAliases")
    domain = config.get("trustDomain")
    listed = tuple(str(alias) for alias in aliases) if isinstance(aliases, list) else ()
    return (str(domain), *listed) if domain else listed


def _data_of(manifest: Manifest | None) -> Mapping[str, str] | None:
    return None if manifest is None else manifest.get("data") or {}


def _leaves(values: Mapping[str, object], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and "." not in key:
            found += _leaves(value, f"{path}.")
        else:
            found.append(path)
    return found


def _shorten(lines: Sequence[str]) -> tuple[str, ...]:
    if not lines:
        return ("none",)
    more = (f"and {len(lines) - _SHOWN} more, in the attached file",) if len(lines) > _SHOWN else ()
    return (*lines[:_SHOWN], *more)


def _attach(name: str, text: str) -> Attachment:
    return Attachment(name, text)


def _dry_run_remedy() -> str:
    return "The output is in the attached file; correct the flag or the overlay that it names and start again."


def show_output(output: str) -> tuple[str, ...]:
    """The last lines of a program's output."""
    return cut_output(output)
