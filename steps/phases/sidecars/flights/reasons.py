"""Why a workload does not get on, in the cluster's own words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from steps.contract.wording import shorten
from steps.mesh import Pod
from steps.phases.sidecars.flights.flight import Flight
from steps.workloads.causes import find_telling
from steps.workloads.inventory import is_live


def find_reason(flight: Flight) -> str:
    """The first reason that tells of a known cause, else the first that anybody gave; "" where nobody did."""
    failure = flight.workload.failure if flight.workload else ""
    return shorten(
        find_telling([failure, *_list_problems(flight), flight.words, flight.refusal]) or _find_unready(flight)
    )


def pick_silent(flight: Flight) -> Pod | None:
    """A pod that is not ready and doesn't say why, those of the restart first."""
    return next((pod for pod in list_unready(flight) if not pod.problem), None)


def list_unready(flight: Flight) -> list[Pod]:
    """The live pods that are not ready, those that the restart made first."""
    unready = (pod for pod in flight.pods or () if is_live(pod) and not pod.is_ready)
    return sorted(unready, key=lambda pod: (pod.uid in flight.known, pod.name))


def _list_problems(flight: Flight) -> Iterator[str]:
    return (f"{pod.name}: {pod.problem}" for pod in list_unready(flight) if pod.problem)


def _find_unready(flight: Flight) -> str:
    pod = next(iter(list_unready(flight)), None)
    if pod is None:
        return ""
    state = "runs and" if pod.phase == "Running" else f"is {pod.phase or 'Pending'} and"
    return f"{pod.name} {state} is not ready ({pod.ready}/{pod.total})"
