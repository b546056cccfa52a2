"""What pod templates ask of nodes and nodes of pods, as the API writes it; and its quantities as numbers."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct, field

# No real quantity is larger, and 1e999999999 written out as a whole number would fill the memory.
LONGEST = 64
LARGEST_POWER = 24
FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


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


def parse_quantity(text: str) -> Decimal:
    """A quantity such as 250m, 2Gi or 1e3; 0 where it is empty, not one, or out of all bounds."""
    number = text.rstrip("numkKMGTPEi")
    try:
        read = Decimal(number) * FACTORS[text[len(number) :]]
    except (ArithmeticError, KeyError):
        return Decimal(0)
    return read if len(text) <= LONGEST and read.is_finite() and read.adjusted() <= LARGEST_POWER else Decimal(0)


def count_millicores(text: str) -> int:
    """CPU in millicores, rounded up as the scheduler does."""
    return _round_up(parse_quantity(text) * 1000)


def count_bytes(text: str) -> int:
    """Memory in bytes, rounded up."""
    return _round_up(parse_quantity(text))


def _round_up(number: Decimal) -> int:
    whole = int(number)
    return whole if whole == number else whole + 1
