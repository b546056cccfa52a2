"""istioctl's dry run: whether the apply would go through, and which components it would remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from steps.contract.cards import Attachment
from steps.contract.errors import TryAgain
from steps.contract.ports import ProgramResult
from steps.contract.step import Blocked, Context
from steps.install.istioctl_output import read_apply_output
from steps.notes.download import recall_tools

# A dry run sends a hundred requests and repeats none. After this long what it would have told is read without it.
PASSING_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True)
class DryRun:
    """What the dry run told.

    `disabled` are the components that the flags switch off, None where that is unknown; `doubt` says why, "" where the
    dry run went through.
    """

    disabled: tuple[str, ...] | None
    doubt: str = ""


def try_apply(ctx: Context, arguments: Sequence[str], overlays: Sequence[tuple[str, str]]) -> DryRun | Blocked:
    """Let istioctl run dry; TryAgain for a fault that may pass."""
    result = ctx.mesh_tools.dry_run(ctx.cluster, recall_tools(ctx), arguments, overlays)
    return judge_dry_run(result, ctx.now - ctx.waiting_since)


def judge_dry_run(result: ProgramResult, waited: timedelta) -> DryRun | Blocked:
    """A dry run that went through, kubectl's warnings included, or that meets nothing but faults of the connection.

    It changes nothing, so it is repeated without asking anybody; where one of its requests fails each time, rendering
    has proven the flags and the cluster itself says what would be removed.
    """
    report = read_apply_output(result.output)
    if result.exit_code == 0 or report.only_warnings:
        return DryRun(report.pruned)
    said = report.errors[0] if report.errors else f"istioctl ended with {result.exit_code}"
    if not report.only_passing:
        return Blocked(
            f"the dry run failed: {said}",
            "Correct the flag or the overlay that the attached output names, and start again.",
            attachments=(Attachment("dry-run.txt", result.output),),
        )
    if waited < PASSING_PATIENCE:
        raise TryAgain(f"the dry run failed: {said}", 5.0)
    return DryRun(None, f"istioctl's dry run did not get through ({said}); what would be removed was read without it")
