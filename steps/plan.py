"""The order of an upgrade: phases and their steps, written down. Order is the safety property."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from steps.contract.options import UpgradeOptions
from steps.contract.step import Step
from steps.phases import abort, access, authorization, download, finish, prepare, validate
from steps.phases.control_plane import phase as control_plane
from steps.phases.sidecars import phase as sidecars

PlanKind: TypeAlias = Literal["upgrade", "proposal", "abort"]


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
PROPOSAL = Phase("proposal", "Proposal", prepare.PROPOSAL_STEPS)
STEPS: Mapping[str, Step] = {step.id: step for phase in (*PHASES, PROPOSAL, ABORT) for step in phase.steps}
FIRST_WRITE = "control-plane/apply"
READING_PHASES = frozenset({"prepare", "proposal", "abort"})


def reads_only(plan: Iterable[str]) -> bool:
    """Whether a plan changes nothing in its cluster; aborting gives back what earlier steps took, here nothing."""
    return all(step_id.partition("/")[0] in READING_PHASES for step_id in plan)


def has_written(plan: Sequence[str], step_id: str) -> bool:
    """Whether the control plane may have been written to once an upgrade stands at this step of its plan."""
    return FIRST_WRITE in plan and plan.index(step_id) >= plan.index(FIRST_WRITE)


def build_plan(kind: PlanKind, options: UpgradeOptions) -> tuple[str, ...]:
    """The ids of the steps of a plan, fixed when it begins.

    Without canary namespaces the canary steps are left out. Prepare posts its own proposal only where an upgrade
    follows.
    """
    match kind:
        case "upgrade":
            left_out = frozenset[str]() if options.canary_namespaces else sidecars.CANARY_STEPS
            return tuple(step.id for phase in PHASES for step in phase.steps if step.id not in left_out)
        case "proposal":
            steps = (*prepare.STEPS, *PROPOSAL.steps)
            return tuple(step.id for step in steps if step.id != "prepare/propose")
        case "abort":
            return tuple(step.id for step in ABORT.steps)
        case _:
            assert_never(kind)


def tell_kind(plan: Sequence[str]) -> PlanKind:
    """What kind of plan it is, by its last step; a plan that was aborted ends as an abort does."""
    ends: Mapping[str, PlanKind] = {PROPOSAL.steps[-1].id: "proposal", ABORT.steps[-1].id: "abort"}
    return ends.get(plan[-1], "upgrade")
