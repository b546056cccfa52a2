"""Canary and skip namespaces that do not exist."""

from __future__ import annotations

import pytest

from steps.contract.options import UpgradeOptions
from steps.preflight.named_namespaces import check_named

KNOWN = ("data", "shop", "kube-system")


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (UpgradeOptions(), []),
        (UpgradeOptions(canary_namespaces=("data",), skip_namespaces=("shop",)), []),
        (
            UpgradeOptions(canary_namespaces=("dta", "shop")),
            ["canary namespaces: there is no namespace dta; close to it: data"],
        ),
        (UpgradeOptions(skip_namespaces=("xyzzy",)), ["skip namespaces: there is no namespace xyzzy"]),
    ],
)
def test_a_namespace_that_does_not_exist_is_refused(options: UpgradeOptions, sentences: list[str]) -> None:
    """A typo would let the canary be nothing, or move what was to be left alone."""
    found = list(check_named(KNOWN, options))
    assert [check.sentence for check in found] == sentences
    assert {check.severity for check in found} <= {"error"}
