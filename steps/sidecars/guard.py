"""Nothing is restarted unless injector and control plane are on the target."""

from __future__ import annotations

from steps.errors import GiveUp
from steps.injection import parse_injector
from steps.rollout import find_image_fault, find_rollout_gap, list_expected
from steps.stalls import find_webhook_gap
from steps.step import Context


def find_injection_gap(ctx: Context, *, settled: bool = False) -> str:
    """Why no pod may be restarted right now, "" where all is well; `settled` asks for finished rollouts as well.

    GiveUp where the injector would give another version: that does not pass by itself.
    """
    release = ctx.release
    check_injected_version(ctx)
    webhook = ctx.kubernetes.read_webhook(release.injector_webhook)
    endpoints = ctx.kubernetes.count_ready_endpoints(release.namespace, release.injector_service)
    return find_webhook_gap(webhook, endpoints) or _find_plane_gap(ctx, settled)


def check_injected_version(ctx: Context) -> None:
    """GiveUp unless the injector's configuration names the release's sidecar."""
    release = ctx.release
    name = f"{release.namespace}/{release.injector_config}"
    texts = ctx.kubernetes.read_config_map(release.namespace, release.injector_config)
    injector = parse_injector(texts, name)
    if injector.tag == release.version:
        return
    raise GiveUp(
        f"the injector injects {injector.image}, not {release.version}; nothing more is restarted",
        f"Find out who changed the ConfigMap {name}; apply {release.version} again, then retry.",
    )


def _find_plane_gap(ctx: Context, settled: bool) -> str:
    release = ctx.release
    kinds = sorted({workload.kind for workload in release.workloads})
    live = {workload.ref: workload for workload in ctx.kubernetes.list_workloads(release.namespace, kinds)}
    refs = list_expected(release, {})
    for ref in refs:
        fault = find_image_fault(release, ref, {}, live.get(ref))
        if fault:
            raise GiveUp(
                f"the control plane is not on {release.version}: {fault}; nothing more is restarted",
                f"Find out who changed {ref}; apply {release.version} again, then retry.",
            )
    gaps = ((ref.name, find_rollout_gap(live[ref])) for ref in refs) if settled else ()
    return next((f"control plane not settled: {name}: {gap}" for name, gap in gaps if gap), "")
