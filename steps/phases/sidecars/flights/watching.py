"""What is watched of the canary before the rest is asked about: readiness, restarts, and requests by Prometheus."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import timedelta

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.step import Context
from steps.contract.wording import Aside, count_things, describe_seconds
from steps.mesh import Pod
from steps.notes.sidecars import CANARY_AFTER, CANARY_BEFORE, CANARY_PODS, Requests, WatchedPods
from steps.workloads.inventory import is_live

# Pods are counted so often while a canary soaks.
EVERY = timedelta(seconds=60)
# Rates are over so long: before the first restart, and at the end of the soak.
RATE = "5m"
# The histogram of Istio 1.4's telemetry in the proxy, of later proxies and of Mixer, and milliseconds in its unit.
DURATIONS = (
    ("istio_request_duration_bucket", 1.0),
    ("istio_request_duration_milliseconds_bucket", 1.0),
    ("istio_request_duration_seconds_bucket", 1000.0),
)


def note_before(ctx: Context) -> None:
    """Ask for the canary's requests before the first of its pods is restarted, once."""
    if ctx.recall(CANARY_BEFORE) is None:
        ctx.revise(CANARY_BEFORE, measure_requests(ctx, ctx.options.canary_namespaces))


def watch_pods(ctx: Context) -> None:
    """Count the canary's pods, once a minute, and keep the fewest that were ready."""
    kept = ctx.recall(CANARY_PODS)
    if kept and timedelta(0) <= ctx.now - kept.at < EVERY:
        return
    pods = [
        pod
        for namespace in ctx.options.canary_namespaces
        for pod in ctx.kubernetes.list_pods(namespace)
        if is_live(pod) and pod.proxy_image
    ]
    ctx.revise(CANARY_PODS, join_look(pods, kept, ctx))


def join_look(pods: Sequence[Pod], kept: WatchedPods | None, ctx: Context) -> WatchedPods:
    """This look joined with those before it."""
    ready = sum(pod.is_ready for pod in pods)
    restarts = sum(pod.restarts for pod in pods)
    least = min(ready, kept.least) if kept else ready
    return WatchedPods(ctx.now, kept.since if kept else ctx.now, len(pods), ready, least, restarts)


def note_after(ctx: Context) -> None:
    """Count once more and ask for the requests at the end of the soak, and say what was watched."""
    kept = ctx.recall(CANARY_PODS)
    if kept:
        ctx.revise(CANARY_PODS, dataclasses.replace(kept, at=ctx.now - 2 * EVERY))
    watch_pods(ctx)
    ctx.revise(CANARY_AFTER, measure_requests(ctx, ctx.options.canary_namespaces))
    for line in describe_watched(ctx):
        ctx.say(Aside(f"canary watched: {line}"))


def measure_requests(ctx: Context, namespaces: Iterable[str]) -> Requests:
    """The share of 5xx and the 99th percentile of latency, and why they are not known; nothing stops by that."""
    url, probes = ctx.options.prometheus_url, ctx.probes
    if not url:
        return Requests(fault="no prometheus_url is set for this cluster")
    where = f'reporter="destination",destination_workload_namespace=~"{"|".join(sorted(namespaces))}"'
    try:
        total = probes.query_metric(url, f"sum(rate(istio_requests_total{{{where}}}[{RATE}]))")
        if not total:
            return Requests(fault="Prometheus knows of no requests to them")
        failed = probes.query_metric(url, f'sum(rate(istio_requests_total{{{where},response_code=~"5.."}}[{RATE}]))')
        return Requests(total, (failed or 0.0) / total, _measure_latency(ctx, where))
    except (TryAgain, GiveUp) as fault:
        return Requests(fault=fault.why)


def _measure_latency(ctx: Context, where: str) -> float | None:
    for metric, factor in DURATIONS:
        query = f"histogram_quantile(0.99, sum(rate({metric}{{{where}}}[{RATE}])) by (le))"
        found = ctx.probes.query_metric(ctx.options.prometheus_url, query)
        if found is not None:
            return found * factor
    return None


def describe_watched(ctx: Context) -> tuple[str, ...]:
    """What was watched of the canary, a line each for pods and requests; nothing where it was not watched."""
    pods, before, after = ctx.recall(CANARY_PODS), ctx.recall(CANARY_BEFORE), ctx.recall(CANARY_AFTER)
    if pods is None or after is None:
        return ()
    span = describe_seconds((pods.at - pods.since).total_seconds())
    counted = (
        f"{pods.ready} of {count_things(pods.pods, 'pod')} ready, at no look of {span} fewer than {pods.least}; "
        f"{count_things(pods.restarts, 'container restart')}"
    )
    return counted, describe_requests(before or Requests(fault="it was not asked before"), after)


def describe_requests(before: Requests, after: Requests) -> str:
    """`5xx 0.1 % before, 0.2 % after; 99 % of requests within 40 ms before, 42 ms after`, or why that is not known."""
    if before.fault and after.fault:
        return f"5xx and latency not known: {after.fault}"
    shares = f"5xx {_say_share(before)} before, {_say_share(after)} after"
    return f"{shares}; 99 % of requests within {_say_latency(before)} before, {_say_latency(after)} after"


def _say_share(one: Requests) -> str:
    return f"not known ({one.fault})" if one.fault else f"{one.failing * 100:.2g} %"


def _say_latency(one: Requests) -> str:
    return "not known" if one.fault or one.latency_ms is None else f"{one.latency_ms:.0f} ms"
