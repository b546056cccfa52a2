"""Nothing is restarted unless injector and control plane are on the target, and nothing that would lose its sidecar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from steps.contract.errors import GiveUp
from steps.contract.release import Release
from steps.contract.step import Context
from steps.contract.wording import describe_seconds
from steps.mesh import InjectorWebhook, Workload
from steps.notes.sidecars import GAP, GAP_WORDS, GUARDED, Injected, read_clock
from steps.workloads.control_plane import find_image_fault, find_rollout_gap, list_expected
from steps.workloads.injection import Injector, expects_sidecar, is_injected_namespace, is_target_image, parse_injector
from steps.workloads.inventory import find_pin
from steps.workloads.stalls import explain_webhook_gap, find_webhook_gap

UNSETTLED = "control plane not settled"
# the configuration is read before each batch; webhook, endpoints, images and namespaces only this often
GUARD_EVERY = timedelta(seconds=30)


@dataclass(frozen=True)
class Guarded:
    """What a batch may rely on: why nothing may be restarted, "" where it may, and who is injected."""

    gap: str
    injector: Injector
    injected: frozenset[str]

    def find_loss(self, workload: Workload, release: Release) -> str:
        """Why a restart would take the workload's sidecar away or leave an old one, "" where it would not."""
        pin = find_pin(workload.template_annotations)
        if pin and not is_target_image(pin, release):
            return f"its template pins its sidecar to {pin} by now"
        space = workload.ref.namespace
        if space not in self.injected:
            return f"a restart would take its sidecar away: namespace {space} is not injected any more"
        if not workload.images:
            # the template stands elsewhere, as an Argo Rollout's may
            return ""
        expected = expects_sidecar(
            workload.template_labels, workload.template_annotations, workload.host_network, self.injector
        )
        return "" if expected else "a restart would take its sidecar away: its template does not ask for one any more"


def guard_restarts(ctx: Context, checked: bool) -> Guarded:
    """Look at the injector before a batch.

    GiveUp where it would give another version, or where a gap lasts longer than a workload's patience.
    """
    kept = ctx.recall(GUARDED)
    injector = read_injector(ctx)
    if checked and kept and timedelta(0) <= ctx.now - kept.at < GUARD_EVERY:
        return Guarded("", injector, frozenset(kept.injected))
    webhook = ctx.kubernetes.read_webhook(ctx.release.injector_webhook)
    gap = find_injection_gap(ctx, webhook, settled=not checked)
    _limit_gap(ctx, gap)
    injected = frozenset(
        one.name for one in ctx.kubernetes.list_namespaces() if is_injected_namespace(one, injector, webhook)
    )
    if not gap:
        ctx.revise(GUARDED, Injected(ctx.now, tuple(sorted(injected))))
    return Guarded(gap, injector, injected)


def _limit_gap(ctx: Context, gap: str) -> None:
    note, words = GAP.of(ctx.generation), GAP_WORDS.of(ctx.generation)
    since = read_clock(ctx, note)
    if not gap:
        if since is not None:
            ctx.forget(note)
        return
    if since is None or ctx.recall(words) not in (gap, None):
        ctx.revise(note, ctx.now)
        ctx.revise(words, gap)
    elif (ctx.now - since).total_seconds() > ctx.options.limits.workload_patience_seconds:
        lasting = describe_seconds((ctx.now - since).total_seconds())
        raise GiveUp(f"nothing could be restarted for {lasting}: {gap}", _advise(ctx, gap))


def _advise(ctx: Context, gap: str) -> str:
    if gap.startswith(UNSETTLED):
        return f"kubectl -n {ctx.release.namespace} get pods shows what its rollout waits for; mend it, then retry."
    return explain_webhook_gap(gap).remedy


def find_injection_gap(ctx: Context, webhook: InjectorWebhook | None, *, settled: bool) -> str:
    """Why no pod may be restarted right now, "" where all is well; `settled` asks for finished rollouts as well.

    GiveUp where the control plane is not on the release: that does not pass by itself.
    """
    release = ctx.release
    endpoints = ctx.kubernetes.count_ready_endpoints(release.namespace, release.injector_service)
    return find_webhook_gap(webhook, endpoints) or _find_plane_gap(ctx, settled)


def read_injector(ctx: Context) -> Injector:
    """The injector's configuration; GiveUp unless it names the release's sidecar."""
    release = ctx.release
    name = f"{release.namespace}/{release.injector_config}"
    injector = parse_injector(ctx.kubernetes.read_config_map(release.namespace, release.injector_config), name)
    if is_target_image(injector.image, release):
        return injector
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
    return next((f"{UNSETTLED}: {name}: {gap}" for name, gap in gaps if gap), "")
