"""The canary and skip namespaces that a person named, held against those that the cluster has."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from steps.contract.checks import Check, failed
from steps.contract.options import UpgradeOptions

SHOWN = 3


def check_named(known: Sequence[str], options: UpgradeOptions) -> Iterator[Check]:
    """An error for each list that names a namespace which does not exist: a typo would match nothing."""
    for what, named in (("canary", options.canary_namespaces), ("skip", options.skip_namespaces)):
        unknown = [one for one in named if one not in known]
        if unknown:
            yield failed(
                f"{what} namespaces",
                f"{what} namespaces: {describe_unknown_namespaces(unknown, known)}",
                f"Abort, and start again with {what} namespaces that exist; clusters.toml may name some as well.",
            )


def describe_unknown_namespaces(unknown: Sequence[str], known: Sequence[str]) -> str:
    """`there is no namespace dta; close to it: data`."""
    close = list(dict.fromkeys(name for one in unknown for name in difflib.get_close_matches(one, known, SHOWN)))
    told = f"there is no namespace {', '.join(unknown)}"
    return f"{told}; close to it: {', '.join(close)}" if close else told
