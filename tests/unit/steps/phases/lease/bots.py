"""Two bots of two journals on one cluster on paper."""

from __future__ import annotations

from steps.contract.step import Decision, Outcome
from steps.mesh import Binding
from steps.phases.lease.takeover import TAKE_OVER
from steps.phases.own_binding import OWN_BINDING
from steps.phases.prepare import identify
from steps.plan import STEPS
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_ports import PaperKubernetes

REASON = "its machine is gone"
BIND = "access/bind"


def start_bot(journal: str, kubernetes: PaperKubernetes | None = None) -> Paper:
    """A bot of its own journal, right before it binds its account, on a cluster that may have others."""
    paper = start_paper()
    paper.journal_id = journal
    if kubernetes is not None:
        paper.kubernetes = kubernetes
    else:
        paper.kubernetes.live_by_roles()
        paper.kubernetes.bindings = {OWN_BINDING: Binding(OWN_BINDING, "cluster-admin", ())}
    paper.run(identify)
    return paper


def run(paper: Paper, step: str, decision: Decision | None = None) -> Outcome:
    """One turn of a step as the plan has it."""
    return STEPS[step].run(paper.context(decision, step))


def holder(paper: Paper) -> str:
    """Who holds the cluster."""
    held = paper.kubernetes.leases.held
    return held.mark.journal if held and held.mark else ""


def take_over(paper: Paper, choice: str = TAKE_OVER.id, by: str = "U0BEN00002", reason: str = REASON) -> Decision:
    """An approver's word."""
    return Decision(choice, by, paper.now, reason=reason)
