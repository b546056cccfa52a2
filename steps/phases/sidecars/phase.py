"""The acting steps of the phase: the canary, the waves, and what is left to a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta

from steps.contract.errors import GiveUp
from steps.contract.ledger import EntryState, LedgerEntry, count_entries, count_pods
from steps.contract.step import Context, Done, Outcome, Step, Waiting
from steps.phases.same_release import on_same_ground
from steps.phases.sidecars.approvals.acknowledging import ask_about_left
from steps.phases.sidecars.approvals.cards import attach_ledger, describe_ledger, list_left
from steps.phases.sidecars.approvals.gates import approve_canary, approve_rest, read_approved
from steps.phases.sidecars.approvals.newcomers import meet_newcomers
from steps.phases.sidecars.approvals.planning import PATIENCE, plan_sidecars
from steps.phases.sidecars.approvals.renewal import ask_to_go_on
from steps.phases.sidecars.flights.tally import ALL, OPEN_STATES, Tally, group_waves, read_tally
from steps.phases.sidecars.moving.skipping import settle_left, settle_moved
from steps.phases.sidecars.moving.soak import begin_watch, soak_wave
from steps.phases.sidecars.moving.wave import Settled, move_wave


def restart_canary(ctx: Context) -> Outcome:
    """Re-inject the canary namespaces."""
    tally = read_tally(ctx)
    refs = read_approved(ctx, tally, canary=True)
    if refs:
        begin_watch(ctx)
    return _move_approved(ctx, tally, refs) or Done(describe_moved(ctx, tally, refs))


def restart_waves(ctx: Context) -> Outcome:
    """Re-inject everything else that was approved, and what appeared since."""
    tally = read_tally(ctx)
    refs = read_approved(ctx, tally, canary=False)
    outcome = _move_approved(ctx, tally, refs) or meet_newcomers(ctx, tally)
    return outcome or Done(describe_moved(ctx, tally, refs), attachments=(attach_ledger(tally.list_all()),))


def _move_approved(ctx: Context, tally: Tally, refs: Sequence[str]) -> Outcome | None:
    """As `_move_waves`; under an approval that is too old what is in flight lands, and a person is asked."""
    ended = ctx.approval_ended
    if ended is None or ctx.hold:
        return _move_waves(ctx, tally, refs)
    outcome = _move_waves(dataclasses.replace(ctx, hold="the approval is too old"), tally, refs)
    if isinstance(outcome, Waiting) and outcome.held:
        return ask_to_go_on(ctx, tally, refs, ended)
    return outcome


def _move_waves(ctx: Context, tally: Tally, refs: Sequence[str]) -> Outcome | None:
    """One turn; None once every wave is settled and has soaked."""
    for wave, own in group_waves(tally, refs, apart=ctx.options.keeps_waves_apart).items():
        if tally.list_open(own):
            moved = move_wave(ctx, tally, own, counted=refs)
            if not isinstance(moved, Settled):
                return moved
        if wave != ALL and _has_moved(tally, own):
            soaking = soak_wave(ctx, wave)
            if soaking is not None:
                return soaking
    return None


def _has_moved(tally: Tally, refs: Sequence[str]) -> bool:
    return any(entry.state not in ("manual", "skipped") for ref in refs for entry in tally.list_entries(ref))


def describe_moved(ctx: Context, tally: Tally, refs: Sequence[str]) -> str:
    """`497/498 pods re-injected with 1.4.10-asm.18, 1 skipped`; pods that are gone are not counted."""
    counts = count_entries(entry for ref in refs for entry in tally.list_entries(ref))
    total = count_pods(counts)
    others: tuple[EntryState, ...] = ("manual", "skipped", "gone")
    rest = "".join(f", {counts[state]} {state}" for state in others if counts[state])
    return f"{counts['upgraded']}/{total} pods re-injected with {ctx.release.version}{rest}"


def acknowledge_left(ctx: Context) -> Outcome:
    """Ask a person to acknowledge each pod that keeps its old sidecar; nothing to ask where there is none."""
    tally = read_tally(ctx)
    refs = read_approved(ctx, tally, canary=False)
    outcome = _move_approved(ctx, tally, refs) or meet_newcomers(ctx, tally)
    if outcome is not None:
        return outcome
    settle_moved(ctx, tally)
    settle_left(ctx, tally)
    entries = tally.list_all()
    check_sums(entries)
    left, ledger = list_left(entries), describe_ledger(ctx, entries)
    if not left:
        return Done(f"every pod is accounted for: {ledger}", attachments=(attach_ledger(entries),))
    outcome = ask_about_left(ctx, entries, left)
    if not isinstance(outcome, Done):
        return outcome
    return dataclasses.replace(outcome, sentence=f"{outcome.sentence}: {ledger}", attachments=(attach_ledger(entries),))


def check_sums(entries: Sequence[LedgerEntry]) -> None:
    """GiveUp unless upgraded + manual + skipped + gone + failed is all, with failed 0 and each one explained."""
    wrong = [entry for entry in entries if entry.state in OPEN_STATES or not _is_explained(entry)]
    if wrong:
        names = ", ".join(f"{entry.namespace}/{entry.pod} {entry.state}" for entry in wrong[:5])
        raise GiveUp(
            f"the ledger does not add up: {len(wrong)} of {len(entries)} pods have no end ({names})",
            "This is a fault of the bot: keep the journal for a report. Retry looks at the cluster again.",
        )


def _is_explained(entry: LedgerEntry) -> bool:
    match entry.state:
        case "manual":
            return bool(entry.reason and entry.command)
        case "skipped":
            return bool(entry.reason and entry.by)
        case _:
            return bool(entry.evidence)


# each workload has a patience of its own, which scales with its size; this one only ends what nobody foresaw
WAVES_PATIENCE = timedelta(days=3)

STEPS: tuple[Step, ...] = (
    Step("sidecars/plan", plan_sidecars, PATIENCE),
    Step("sidecars/approve-canary", approve_canary),
    Step("sidecars/canary", on_same_ground(restart_canary), WAVES_PATIENCE),
    Step("sidecars/approve", approve_rest),
    Step("sidecars/restart", on_same_ground(restart_waves), WAVES_PATIENCE),
    Step("sidecars/acknowledge", on_same_ground(acknowledge_left)),
)
CANARY_STEPS: frozenset[str] = frozenset({"sidecars/approve-canary", "sidecars/canary"})
