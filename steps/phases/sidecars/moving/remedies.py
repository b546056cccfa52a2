"""What a person can do about a workload that does not get there: it fits the reason, and names the ways on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from steps.mesh import WorkloadRef
from steps.phases.sidecars.flights.moves import Judged
from steps.phases.sidecars.flights.reasons import list_unready
from steps.workloads.causes import advise

SKIP = (
    "skip it: its pods keep what they have now and are listed as skipped, and a restart that has moved no pod is taken"
    " back."
)
# Reasons name a pod as `new pod NAME does not start: …` or `…; NAME: …`.
_POD = re.compile(r"(?:new pod |; )([a-z0-9][a-z0-9.-]*)(?: does not start)?: ")


def advise_failure(reason: str, ref: WorkloadRef, judged: Sequence[Judged]) -> str:
    """The remedy that the reason calls for, and the ways on."""
    first = f"{advise(reason, ref.namespace, find_subject(reason) or ref.name)}{_advise_ordered(ref, judged)}".strip()
    return f"{first} Then retry, or {SKIP}" if first else f"Mend it and retry, or {SKIP}"


def find_subject(reason: str) -> str:
    """The pod that a reason names, "" where it names none."""
    found = _POD.search(reason)
    return found[1] if found else ""


def _advise_ordered(ref: WorkloadRef, judged: Sequence[Judged]) -> str:
    """An OrderedReady StatefulSet waits for a broken pod for ever, also once its template is mended."""
    flight = next((flight for flight, _ in judged if flight.planned.ref == ref), None)
    if flight is None or flight.workload is None or not flight.workload.ordered:
        return ""
    broken = next((pod for pod in list_unready(flight) if pod.uid not in flight.known), None)
    if broken is None:
        return ""
    return (
        f" Where it is the template that has to be mended, delete the broken pod afterwards too, as a StatefulSet"
        f" that is OrderedReady waits for it: kubectl -n {ref.namespace} delete pod {broken.name}."
    )
