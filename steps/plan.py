"""The order of an upgrade: phases and their steps, written down. Order is the safety property."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from steps.contract.options import UpgradeOptions
from steps.contract.step import Step
from steps.phases import abort, access, authorization, download, finish, prepare, validate
from steps.phases.control_plane import phase as control_plane
from steps.phases.lease.holding import hold_lease
from steps.phases.rested import bind_again
from steps.phases.sidecars import phase as sidecars
from steps.phases.way_back import phase as way_back

PlanKind: TypeAlias = Literal["upgrade", "proposal", "abort", "rollback", "landing"]


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
ROLLBACK = Phase("rollback", "Way back", way_back.STEPS)
LANDING = Phase("landing", "Landing", way_back.LANDING)
PROPOSAL = Phase("proposal", "Proposal", prepare.PROPOSAL_STEPS)
# The bot is cluster-admin from right before the control plane is written to until it is validated, and not longer.
ORDER: tuple[Step, ...] = (
    *prepare.STEPS,
    *access.GATE,
    *download.STEPS,
    *control_plane.GATES,
    *access.BINDING_STEPS,
    *control_plane.ACTS,
    *validate.STEPS,
    *access.RELEASE,
    *sidecars.STEPS,
    *authorization.STEPS,
    *finish.STEPS,
)
# Steps that both have in common have the same ids; a way back is an upgrade to the earlier release.
WAY_BACK: tuple[Step, ...] = (
    *way_back.PREPARE,
    *way_back.ACCESS,
    *(step for step in download.STEPS if step.id != "download/approve"),
    *way_back.APPROVE,
    *access.BINDING_STEPS,
    *control_plane.ACTS,
    *access.RELEASE,
    *sidecars.STEPS,
    *way_back.POLICIES,
    *(step for step in finish.STEPS if step.id != "finish/report"),
    *way_back.REPORT,
)
STEPS: Mapping[str, Step] = {
    step.id: hold_lease(bind_again(step))
    for phase in (*PHASES, PROPOSAL, ABORT, ROLLBACK, LANDING)
    for step in phase.steps
}
FIRST_WRITE = "control-plane/apply"
READING_PHASES = frozenset({"prepare", "proposal", "abort"})


def reads_only(plan: Iterable[str]) -> bool:
    """Whether a plan changes nothing in its cluster; aborting gives back what earlier steps took, here nothing."""
    return all(step_id.partition("/")[0] in READING_PHASES for step_id in plan)


def is_past_first_write(plan: Sequence[str], step_id: str) -> bool:
    """Whether the control plane may have been written to once an upgrade stands at this step of its plan."""
    if FIRST_WRITE not in plan or step_id not in plan:
        return FIRST_WRITE in plan
    return plan.index(step_id) >= plan.index(FIRST_WRITE)


def build_plan(kind: PlanKind, options: UpgradeOptions) -> tuple[str, ...]:
    """The ids of the steps of a plan, fixed when it begins.

    Without canary namespaces the canary steps are left out. Prepare posts its own proposal only where an upgrade
    follows.
    """
    match kind:
        case "upgrade":
            return _list_steps(ORDER, options)
        case "proposal":
            steps = (*prepare.STEPS, *PROPOSAL.steps)
            return tuple(step.id for step in steps if step.id != "prepare/propose")
        case "abort":
            return tuple(step.id for step in ABORT.steps)
        case "rollback":
            return _list_steps(WAY_BACK, options)
        case "landing":
            return tuple(step.id for step in LANDING.steps)
        case _:
            assert_never(kind)


def _list_steps(order: Sequence[Step], options: UpgradeOptions) -> tuple[str, ...]:
    left_out = frozenset[str]() if options.canary_namespaces else sidecars.CANARY_STEPS
    return tuple(step.id for step in order if step.id not in left_out)


def name_phases(plan: Sequence[str]) -> Mapping[str, str]:
    """The phase under which each step of a plan is shown.

    A step of a phase that the plan has left before is shown with the phase that it stands in: binding the bot's account
    with the control plane, and taking that back with validate.
    """
    shown: dict[str, str] = {}
    phase, known = "", set[str]()
    for step_id in plan:
        own = step_id.partition("/")[0]
        phase = phase if own in known and own != phase else own
        known.add(own)
        shown[step_id] = phase
    return shown


def is_guest(plan: Sequence[str], step_id: str) -> bool:
    """Whether a step is shown with another phase than its own."""
    return name_phases(plan).get(step_id) != step_id.partition("/")[0]


def is_way_back(plan: Sequence[str]) -> bool:
    """Whether a plan takes an upgrade back, also where it was aborted since."""
    return plan[0] == WAY_BACK[0].id


def tell_kind(plan: Sequence[str]) -> PlanKind:
    """What kind of plan it is, by its last step; a plan that was aborted ends as an abort does."""
    ends: Mapping[str, PlanKind] = {
        PROPOSAL.steps[-1].id: "proposal",
        ABORT.steps[-1].id: "abort",
        WAY_BACK[-1].id: "rollback",
        LANDING.steps[-1].id: "landing",
    }
    return ends.get(plan[-1], "upgrade")
