"""Checks of the fields of clusters.toml that say how an upgrade is made: each answers what is wrong, or ""."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from typing import TypeGuard, get_args

from bot.likeness import describe_unknown
from steps.contract.options import EarlierOptions, Limits
from steps.install.flags import find_flag_fault, flag_path
from steps.install.overlays import REFUSED_FIELDS
from steps.mesh import ENDPOINTS

LARGEST = 10**9
LARGEST_METRIC = 10**18
# The limits that count things.
WHOLE = frozenset(item.name for item in fields(Limits) if isinstance(item.default, int))
LABEL_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def check_text(value: object) -> str:
    """A text that is not empty."""
    return "" if isinstance(value, str) and value.strip() else "must be a text that is not empty"


def check_texts(value: object) -> str:
    """A list of texts."""
    return "" if is_texts(value) else 'must be a list of texts, such as ["a", "b"]'


def is_texts(value: object) -> TypeGuard[list[str]]:
    """Whether it is a list of texts that are not empty."""
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number; nan is none, as nothing is above it or below."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def check_flag(value: object) -> str:
    """True or false."""
    return "" if isinstance(value, bool) else "must be true or false"


def check_earlier(value: object) -> str:
    """Whether the options of the earlier install are taken."""
    return "" if value in get_args(EarlierOptions) else "must be take or leave"


def check_mode(value: object) -> str:
    """An mTLS mode."""
    return "" if value in ("PERMISSIVE", "STRICT") else 'must be "PERMISSIVE" or "STRICT"'


def check_gates(value: object) -> str:
    """Whether one approval may cover what follows."""
    return "" if value in ("each", "through") else 'must be "each" or "through"'


def check_set_flags(value: object) -> str:
    """What istioctl 1.4's `--set` takes."""
    if not is_texts(value):
        return "must be a list of key=value texts, as given to istioctl --set"
    wrong = [flag for flag in value if flag.count("=") != 1 or "," in flag]
    if wrong:
        return (
            f"has {', '.join(repr(flag) for flag in wrong)}: istioctl 1.4 takes exactly one `=` and no comma "
            "in a --set flag; put such a value into an overlay file"
        )
    faults = [fault for flag in value if (fault := find_flag_fault(flag))]
    faults += [
        f"{flag!r} would {REFUSED_FIELDS[path]}" for flag in value if (path := flag_path(flag)) in REFUSED_FIELDS
    ]
    return "; ".join(faults)


def check_namespaces(value: object) -> str:
    """A list of names of namespaces, which are DNS labels."""
    if not is_texts(value):
        return check_texts(value)
    wrong = [name for name in value if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)]
    return f"has {', '.join(map(repr, wrong))}, which no namespace can be called" if wrong else ""


def check_limits(value: object) -> str:
    """A table of limits."""
    known = {item.name for item in fields(Limits)}
    if not isinstance(value, dict):
        return "must be a table"
    wrong = [name for name in value if name not in known]
    if wrong:
        return "; ".join(describe_unknown(name, sorted(known)) for name in wrong)
    low = [name for name, number in value.items() if not is_number(number) or not 0 <= number <= LARGEST]
    if low:
        return f"has {', '.join(low)} that is no number from 0 to {LARGEST}"
    parts = [name for name, number in value.items() if name in WHOLE and not isinstance(number, int)]
    return f"has {', '.join(parts)} that is no whole number" if parts else ""


def check_label(value: object) -> str:
    """A label of pods: its key alone, or with its value. "" stands for none."""
    if value == "":
        return ""
    key, _, given = value.partition("=") if isinstance(value, str) else ("", "", "")
    prefix, slash, name = key.rpartition("/")
    fine = LABEL_PART.fullmatch(name) and (not given or LABEL_PART.fullmatch(given))
    fine = fine and (not slash or re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", prefix))
    return "" if fine else "must be a label of pods, such as team=shop or example.com/by-hand"


def check_minutes(value: object) -> str:
    """A number of minutes, a day at most."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 24 * 60
    return "" if fine else "must be a number of minutes between 0 and 1440"


def check_endpoints(value: object) -> str:
    """Kinds of GKE endpoints, each once."""
    fine = is_texts(value) and 0 < len(set(value)) == len(value) and set(value) <= set(ENDPOINTS)
    return "" if fine else f"must be a list of {', '.join(ENDPOINTS)}, each once"


def check_promql(value: object) -> str:
    """PromQL expressions with their limits."""
    fine = isinstance(value, dict) and all(
        is_number(limit) and abs(limit) <= LARGEST_METRIC for limit in value.values()
    )
    return "" if fine else "must be a table of PromQL expressions and the number that each must not exceed"
