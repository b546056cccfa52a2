"""What pod templates ask of nodes and nodes of pods, as the API writes it."""

from __future__ import annotations

from msgspec import Raw, Struct, field


class Expression(Struct, gc=False):
    """One matchExpressions entry."""

    key: str
    operator: str
    values: list[str] | None = None


class AffinityTerm(Struct, rename="camel", gc=False):
    """A required term of pod affinity; its namespaces are its own where it names none."""

    topology_key: str = ""
    label_selector: Raw = Raw()
    namespaces: list[str] | None = None


class PodAffinity(Struct, gc=False):
    """Pod affinity, as far as it is required."""

    required: list[AffinityTerm] | None = field(default=None, name="requiredDuringSchedulingIgnoredDuringExecution")


class NodeTerm(Struct, rename="camel", gc=False):
    """One of the terms of which a node has to meet one; `match_fields` names it."""

    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class NodeTerms(Struct, rename="camel", gc=False):
    """The terms."""

    node_selector_terms: list[NodeTerm] = []


class NodeAffinity(Struct, gc=False):
    """Node affinity, as far as it is required."""

    required: NodeTerms | None = field(default=None, name="requiredDuringSchedulingIgnoredDuringExecution")


class Affinity(Struct, rename="camel", gc=False):
    """The affinity of a pod template, as far as it keeps pods apart or rules nodes out."""

    pod_anti_affinity: PodAffinity | None = None
    node_affinity: NodeAffinity | None = None


class SpreadConstraint(Struct, rename="camel", gc=False):
    """How evenly pods have to be spread."""

    topology_key: str = ""
    when_unsatisfiable: str = ""


class Toleration(Struct, gc=False):
    """Which taints a pod bears."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class TaintItem(Struct, gc=False):
    """A taint of a node."""

    key: str = ""
    value: str = ""
    effect: str = ""
