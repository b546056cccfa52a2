"""What a worker of the tests keeps to itself: that nothing happened."""

from __future__ import annotations

from typing import Any

import pytest

from tests.thrift import send_if_telling

PRINTED = [["Captured stdout setup", "a line"]]


@pytest.mark.parametrize(
    ("when", "outcome", "sections", "told"),
    [
        ("setup", "passed", [], False),
        ("teardown", "passed", [], False),
        ("call", "passed", [], True),
        ("call", "failed", [], True),
        ("setup", "failed", [], True),
        ("teardown", "failed", [], True),
        ("setup", "skipped", [], True),
        ("setup", "passed", PRINTED, True),
        ("teardown", "passed", PRINTED, True),
    ],
)
def test_a_report_is_told_where_it_says_something(
    when: str, outcome: str, sections: list[list[str]], told: bool
) -> None:
    """Whatever failed, was skipped or was printed, and that the test itself passed."""
    sent: list[dict[str, Any]] = []
    report = {"when": when, "outcome": outcome, "sections": sections}
    send_if_telling(lambda _name, **more: sent.append(more["data"]), "testreport", data=report)
    assert sent == [report] * told


@pytest.mark.parametrize(("name", "told"), [("logstart", False), ("logfinish", True), ("workerfinished", True)])
def test_all_but_a_beginning_is_told(name: str, told: bool) -> None:
    """What ends is counted."""
    sent: list[str] = []
    send_if_telling(lambda event, **_more: sent.append(event), name, nodeid="tests/test_it.py::test_it")
    assert sent == [name] * told
