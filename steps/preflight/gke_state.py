"""How GKE has a cluster, judged: what is not whole, or not of a kind that the release runs on."""

from __future__ import annotations

from collections.abc import Iterator

from steps.contract.checks import Check, failed, select_checks, warned
from steps.contract.release import Release
from steps.mesh import ClusterIdentity, GkeState

NAME = "GKE"
UNSUPPORTED = "Nothing can be upgraded on it."


def check_gke(identity: ClusterIdentity, release: Release) -> tuple[Check, ...]:
    """A check for each thing that GKE says against an upgrade, none where all is well or Google is not asked."""
    return (*_check_status(identity), *_check_kind(identity, release))


def refuse_gke(identity: ClusterIdentity, release: Release) -> Check | None:
    """The first that stops an upgrade; None where none does."""
    return next(iter(select_checks(check_gke(identity, release), "error")), None)


def _check_status(identity: ClusterIdentity) -> Iterator[Check]:
    state, look = identity.gke, _name_command(identity)
    match state.status:
        case "PROVISIONING":
            yield failed(NAME, _say(state, "it is still being made"), "Wait until it is RUNNING, then retry.")
        case "STOPPING":
            yield failed(NAME, _say(state, "it is being deleted"), f"{UNSUPPORTED} See who deletes it: {look}")
        case "ERROR":
            yield failed(NAME, _say(state, "it is unusable"), f"{UNSUPPORTED} What GKE knows of it: {look}")
        case "DEGRADED":
            yield warned(NAME, _say(state, "it does not work in full until somebody acts"), f"See {look} first.")
        case "RECONCILING":
            yield warned(NAME, _say(state, "GKE works on its master or nodes"), "Better wait until it is RUNNING.")
        case _:
            return


def _check_kind(identity: ClusterIdentity, release: Release) -> Iterator[Check]:
    state = identity.gke
    if state.autopilot:
        yield failed(
            NAME,
            f"{identity.name} is an Autopilot cluster: ASM {release.version} needs NET_ADMIN in pods and paths of the "
            "nodes, which Autopilot does not give",
            "Use an ASM release made for Autopilot.",
        )
    if state.alpha:
        end = f"GKE deletes it at {state.expires:%Y-%m-%d %H:%M} UTC" if state.expires else "GKE deletes it in time"
        yield warned(NAME, f"{identity.name} is an alpha cluster: {end}, and never upgrades it", "")


def _say(state: GkeState, meaning: str) -> str:
    """`GKE says DEGRADED, it does not work in full until somebody acts: no route to the nodes`."""
    words = f": {state.said}" if state.said else ""
    return f"GKE says {state.status}, {meaning}{words}"


def _name_command(identity: ClusterIdentity) -> str:
    place = f"--project {identity.project_id} --location {identity.location}"
    return f"gcloud container clusters describe {identity.name} {place}"
