"""The steps that only a way back has; those that it shares with an upgrade stand in their own phases."""

from __future__ import annotations

from datetime import timedelta

from steps.contract.errors import GiveUp
from steps.contract.ledger import count_entries
from steps.contract.step import Context, Done, Outcome, Step
from steps.contract.wording import Person
from steps.notes.prepare import recall_source
from steps.notes.way_back import ORDERED_RETURN
from steps.phases.abort import PATIENCE, hand_back
from steps.phases.control_plane.phase import RECORDING_PATIENCE
from steps.phases.finish import build_report, describe_moved_pods, keep_seen_mesh
from steps.phases.owned_plane import on_unowned
from steps.phases.same_cluster import on_same_cluster
from steps.phases.way_back import approving, policies
from steps.phases.way_back.preparing import approve_access, prepare, recall_taken


def report(ctx: Context) -> Outcome:
    """Say how the way back ended, with its evidence."""
    keep_seen_mesh(ctx)
    taken, counts = recall_taken(ctx), count_entries(ctx.ledger.read_entries())
    versions = f"{ctx.release.version} (from {recall_source(ctx)})"
    end = f"{ctx.cluster.key} is back on {versions}, {describe_moved_pods(counts)}"
    return Done(f"{end}; {taken.upgrade} is taken back", build_report(ctx, counts))


def land(ctx: Context) -> Outcome:
    """Let a program that runs come to its end: the way back begins from a control plane that nothing writes to."""
    ordered = ctx.recall(ORDERED_RETURN)
    if ordered is None:
        raise GiveUp("nobody is known who wants it taken back", "This is a fault of the bot; abort ends the upgrade.")
    outcome = hand_back(ctx, "taking back")
    if not isinstance(outcome, Done):
        return outcome
    told = f"; {outcome.sentence}" if outcome.sentence else ""
    return Done(f"taken back by {Person(ordered.by)}: {ordered.reason}{told}")


PREPARE: tuple[Step, ...] = (Step("rollback/prepare", on_same_cluster(prepare)),)
ACCESS: tuple[Step, ...] = (Step("access/approve-return", approve_access),)
APPROVE: tuple[Step, ...] = (Step("control-plane/approve-return", on_unowned(approving.approve), RECORDING_PATIENCE),)
POLICIES: tuple[Step, ...] = (
    Step("authorization/approve-return", policies.approve),
    Step("authorization/return", on_same_cluster(policies.restore), timedelta(minutes=30)),
)
REPORT: tuple[Step, ...] = (Step("finish/report-return", report),)
LANDING: tuple[Step, ...] = (Step("landing/land", land, PATIENCE),)
STEPS: tuple[Step, ...] = (*PREPARE, *ACCESS, *APPROVE, *POLICIES, *REPORT)
