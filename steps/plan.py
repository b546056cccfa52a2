"""The order of an upgrade: phases and their steps, written down. Order is the safety property."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steps.contract.options import UpgradeOptions
from steps.contract.step import Step
from steps.phases import abort, access, authorization, download, finish, validate
from steps.phases.control_plane import phase as control_plane
from steps.phases.prepare import phase as prepare
from steps.phases.prepare import proposal
from steps.phases.sidecars import phase as sidecars


@dataclass(frozen=True)
class Phase:
    """A phase of the guide with its steps in order; `title` is what a person reads."""

    name: str
    title: str
    steps: tuple[Step, ...]


PHASES: tuple[Phase, ...] = (
    Phase("prepare", "Prepare", prepare.STEPS),
    Phase("access", "Access", access.STEPS),
    Phase("download", "Download", download.STEPS),
    Phase("control-plane", "Control plane", control_plane.STEPS),
    Phase("validate", "Validate", validate.STEPS),
    Phase("sidecars", "Sidecars", sidecars.STEPS),
    Phase("authorization", "Authorization", authorization.STEPS),
    Phase("finish", "Finish", finish.STEPS),
)
ABORT = Phase("abort", "Abort", abort.STEPS)
PROPOSAL = Phase("proposal", "Proposal", proposal.STEPS)
STEPS: Mapping[str, Step] = {step.id: step for phase in (*PHASES, PROPOSAL, ABORT) for step in phase.steps}
ABORT_PLAN: tuple[str, ...] = tuple(step.id for step in abort.STEPS)
# Prepare posts its own proposal only where an upgrade follows.
PROPOSAL_PLAN: tuple[str, ...] = tuple(
    step.id for step in (*prepare.STEPS, *proposal.STEPS) if step.id != "prepare/propose"
)
READING_PHASES = frozenset({"prepare", "proposal", "abort"})


def reads_only(plan: Iterable[str]) -> bool:
    """Whether a plan changes nothing in its cluster; aborting gives back what earlier steps took, here nothing."""
    return all(step_id.partition("/")[0] in READING_PHASES for step_id in plan)


def build_plan(options: UpgradeOptions) -> tuple[str, ...]:
    """The ids of the steps of one upgrade, fixed at its start.

    Without canary namespaces the canary steps are left out.
    """
    canary = bool(options.canary_namespaces)
    ids = (step.id for phase in PHASES for step in phase.steps)
    return tuple(step_id for step_id in ids if canary or step_id not in sidecars.CANARY_STEPS)
