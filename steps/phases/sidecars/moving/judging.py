"""What follows for each flight of a turn, including what can't be told from the flight alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steps.contract.step import Context
from steps.contract.wording import Aside
from steps.notes.sidecars import CHECKED, Checked
from steps.phases.sidecars.flights.flight import Failing, Flight, Held, judge
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.tally import Tally
from steps.phases.sidecars.moving.taken_back import name_reverters
from steps.workloads.injection import has_target
from steps.workloads.inventory import is_live


def judge_flights(ctx: Context, tally: Tally, flights: Iterable[Flight]) -> list[Judged]:
    """Each flight with what follows from it."""
    patience = ctx.options.limits.workload_patience_seconds
    judged = [(flight, judge(flight, ctx.now, ctx.release, patience)) for flight in flights]
    return name_reverters(ctx, tally, spare_deleted_namespaces(ctx, judged))


def spare_deleted_namespaces(ctx: Context, judged: Sequence[Judged]) -> Sequence[Judged]:
    """A workload whose namespace is being deleted doesn't fail: it will be gone."""
    if not any(isinstance(verdict, Failing) for _, verdict in judged):
        return judged
    alive = {namespace.name for namespace in ctx.kubernetes.list_namespaces() if not namespace.terminating}
    return [
        (flight, Held("its namespace is being deleted"))
        if isinstance(verdict, Failing) and flight.planned.ref.namespace not in alive
        else (flight, verdict)
        for flight, verdict in judged
    ]


def check_first(ctx: Context, judged: Sequence[Judged]) -> bool:
    """Whether a pod made by the restart has been seen with the release's sidecar, and in service."""
    made = (
        pod
        for flight, _ in judged
        if flight.begun
        for pod in flight.pods or ()
        if is_live(pod) and pod.is_ready and pod.uid not in flight.known and has_target(pod, ctx.release)
    )
    pod = next(made, None)
    if pod is None:
        return False
    ctx.revise(CHECKED, Checked(f"{pod.namespace}/{pod.name}", pod.proxy_image))
    ctx.say(Aside(f"first restarted pod checked: {pod.namespace}/{pod.name} runs {pod.proxy_image}"))
    return True
