"""The beginning of a way back: which cluster it is, where it really stands, and what is gone back to."""

from __future__ import annotations

from steps.contract.cards import Card
from steps.contract.checks import select_checks
from steps.contract.errors import GiveUp
from steps.contract.step import Blocked, Context, Done, Outcome
from steps.contract.wording import Person, count_things
from steps.gates import fold_facts
from steps.notes.prepare import (
    MESH_SEEN,
    SIDECARS,
    SeenMesh,
    choose_mtls,
    describe_identity,
    measure_identity,
    recall_flags,
    recall_source,
)
from steps.notes.way_back import TAKEN_BACK, TakenBack, find_cover
from steps.phases import access
from steps.phases.versions_found import count_versions, list_versions
from steps.preflight.machine import check_machine
from steps.preflight.survey import count_sidecars

ASSUMED = "key and address of ASM {} are assumed to be the guide's; the verification decides"


def recall_taken(ctx: Context) -> TakenBack:
    """The upgrade that is taken back."""
    taken = ctx.recall(TAKEN_BACK)
    if taken is None:
        raise GiveUp("it is not known which upgrade is taken back", "Abort, and order the way back again.")
    return taken


def prepare(ctx: Context) -> Outcome:
    """Look at the cluster and say what the way back will do; changes nothing."""
    taken, identity = recall_taken(ctx), measure_identity(ctx)
    checks = check_machine(ctx.mesh_tools, ctx.release_files, ctx.release, identity.server_version)
    errors = select_checks(checks, "error")
    if errors:
        return Blocked("; ".join(c.sentence for c in errors), " ".join(c.remedy for c in errors))
    release = ctx.release
    pods = [pod for pod in ctx.kubernetes.list_pods() if not pod.terminating]
    plane = count_versions((pod for pod in pods if pod.namespace == release.namespace), release)
    counted = count_sidecars(pods, release.namespace)
    sidecars = counted.by_version
    moving = sidecars.get(taken.release, 0)
    ctx.revise(SIDECARS, counted)
    ctx.revise(MESH_SEEN, SeenMesh(tuple(sorted(filter(None, plane))), sidecars))
    card = Card(
        title=f"Way back of {ctx.cluster.key} to ASM {release.version}",
        summary=(
            f"Takes back {taken.upgrade}: the control plane of {release.version} with the options of that install, "
            f"then {count_things(moving, 'pod')} with a sidecar of {taken.release}. Nothing has been changed so far.",
            describe_cover(ctx),
        ),
        facts=(
            ("versions", f"{recall_source(ctx)} → {release.version}"),
            ("control plane now", list_versions(plane)),
            ("sidecars now", list_versions(sidecars)),
            ("mTLS", choose_mtls(ctx)),
            *describe_identity(identity),
        ),
        risks=(*release.warnings, *([f"{ASSUMED.format(release.version)}."] if release.assumed else [])),
        details=(
            fold_facts("Flags of the install that is gone back to", [("set", flag) for flag in recall_flags(ctx)]),
        ),
    )
    return Done(f"way back of {taken.upgrade}: {recall_source(ctx)} → {release.version}", card)


def describe_cover(ctx: Context) -> str:
    """Who has approved it, or who has to."""
    cover = find_cover(ctx)
    if cover is None:
        return "No approval of the upgrade covers it any more, so each gate asks."
    return (
        f"{Person(cover.by)}'s approval of the control plane covers it until {cover.until:%Y-%m-%d %H:%M} UTC: "
        "it asks only where it would do something else than was foreseen."
    )


def approve_access(ctx: Context) -> Outcome:
    """Ask about cluster-admin unless the approval of the control plane covers the way back."""
    cover = find_cover(ctx)
    if cover is None or ctx.decision is not None:
        return access.approve(ctx)
    return Done(f"access is covered by {Person(cover.by)}'s approval of the control plane")
