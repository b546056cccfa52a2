"""Plugin: a test that is skipped for a reason that tests/skips.py does not list fails."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

from tests.skips import is_listed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse a test's skip."""
    report = yield
    refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse the skip of a whole module."""
    report = yield
    refuse(report)
    return report


def refuse(report: Any) -> None:
    """Turn a skip for an unlisted reason into a failure."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not is_listed(reason, hosted=bool(os.environ.get("CI"))):
        report.outcome = "failed"
        report.longrepr = f"skipped for a reason that tests/skips.py does not list: {reason}"
