"""Right before a batch: what was approved of its workloads held against what this turn has read of them anyway."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from steps.contract.step import Context
from steps.notes.sidecars import list_evicting
from steps.phases.sidecars.approvals.approved import drop_out, find_worse, recall_approved
from steps.phases.sidecars.flights.flight import Changed, Flight
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.tally import Tally
from steps.workloads.injection import Injector
from steps.workloads.inventory import Finding, Inventory, Surroundings, is_live
from steps.workloads.method import Method, choose_way
from steps.workloads.risk import find_risks
from steps.workloads.subject import Risk, Subject


def drop_changed(ctx: Context, tally: Tally, judged: Sequence[Judged]) -> None:
    """Take workloads out of their approval that can't be moved by its method any more, where nothing is in flight."""
    changed = {str(flight.planned.ref): verdict.why for flight, verdict in judged if isinstance(verdict, Changed)}
    drop_out(ctx, tally, changed)


def find_worse_flights(ctx: Context, flights: Mapping[str, Flight], injector: Injector) -> Mapping[str, str]:
    """Why workloads are more than what was approved of them, by id; those that aren't are left out."""
    approved = recall_approved(ctx, [flight.planned for flight in flights.values()])
    evicting = list_evicting(ctx)
    found = {
        ref: find_worse(approved[ref], *measure_flight(flight, injector, evicting)) for ref, flight in flights.items()
    }
    return {ref: why for ref, why in found.items() if why}


def measure_flight(flight: Flight, injector: Injector, evicting: Collection[str]) -> tuple[Method, tuple[Risk, ...]]:
    """Method and risks of a flight by its controller and its own pods; what takes more requests counts at the gates."""
    ref, workload = flight.planned.ref, flight.workload
    uids = {entry.uid for entry in flight.entries}
    old = [pod for pod in flight.pods or () if pod.uid in uids and is_live(pod) and pod.proxy_image]
    findings = tuple(Finding(pod, ref, "outdated") for pod in old)
    ways = [choose_way(finding, workload, evicting, injector.image).method for finding in findings]
    method: Method = next((way for way in ways if way != "manual"), "manual")
    surroundings = Surroundings({}, {ref: workload} if workload else {}, injector)
    subject = Subject(ref, method, workload, findings, Inventory(findings, surroundings))
    return method, find_risks(subject)


def is_landed(flight: Flight) -> bool:
    """Whether nothing that the bot set in motion is still under way."""
    if not flight.begun or flight.planned.method != "evict" or flight.workload is None:
        return True
    return sum(1 for pod in flight.pods or () if is_live(pod) and pod.is_ready) >= flight.workload.replicas
