"""A workload with all that its restart is judged by, and what a risk of it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from steps.mesh import EMPTY, DisruptionBudget, Workload, WorkloadRef
from steps.workloads.injection import Selector
from steps.workloads.inventory import Finding, Inventory
from steps.workloads.method import Method

Level: TypeAlias = Literal["note", "care", "outage"]
LEVELS: tuple[Level, ...] = ("note", "care", "outage")


@dataclass(frozen=True)
class Risk:
    """One risk of one workload: what is so, what the bot will do, what a person can do. `level` orders them.

    A `passing` one comes and goes with the load: it is shown, but an approval doesn't bind to it. A `shared` one is
    told once for all workloads that have it. `since` is when it began, None where that is not known.
    """

    kind: str
    level: Level
    fact: str
    bot: str
    person: str = ""
    passing: bool = False
    shared: bool = False
    since: datetime | None = None

    @property
    def sentence(self) -> str:
        """The risk as one line."""
        line = f"{self.fact}; the bot {self.bot}"
        return f"{line}; you can {self.person}" if self.person else line


@dataclass(frozen=True)
class Subject:
    """A workload with everything its risks are judged by."""

    ref: WorkloadRef
    method: Method
    workload: Workload | None
    findings: Sequence[Finding]
    inventory: Inventory

    @property
    def budgets(self) -> tuple[DisruptionBudget, ...]:
        """The disruption budgets that cover the workload's pods."""
        labels = self.findings[0].pod.labels if self.findings else EMPTY
        return tuple(
            budget
            for budget in self.inventory.budgets
            if budget.namespace == self.ref.namespace and covers(budget, labels)
        )


def covers(budget: DisruptionBudget, labels: Mapping[str, str]) -> bool:
    """Whether a budget selects a pod with these labels; an empty selector does only under policy/v1."""
    if not budget.selector and not budget.requirements:
        return budget.selects_all
    return Selector(budget.selector, budget.requirements).matches(labels)


def worst_level(risks: Iterable[Risk]) -> Level:
    """The worst level among risks; "note" where there are none."""
    return max((risk.level for risk in risks), key=LEVELS.index, default="note")
