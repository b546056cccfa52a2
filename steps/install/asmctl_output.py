"""What asmctl writes, read loosely: its forms differ between 0.2, 0.3 and 0.4."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CHECK = re.compile(r"^Validating (.*\S)\s*$")
_VERSION = re.compile(r"^\[asmctl version (.+?)\]")
_BOILERPLATE = ("Using Kubernetes context:", "To change the context", "Please fix the issue and try")


@dataclass(frozen=True)
class CheckResult:
    """One check; `lines` is what it wrote between its name and its OK, remedy included."""

    name: str
    passed: bool
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidationReport:
    """All checks in their order. `error` is asmctl's last word, "" where it has none."""

    version: str
    checks: tuple[CheckResult, ...]
    error: str

    @property
    def passed(self) -> bool:
        """Whether there was a check, each ended with OK and nothing was complained of."""
        return bool(self.checks) and all(check.passed for check in self.checks) and not self.error

    @property
    def failing(self) -> CheckResult | None:
        """The first check that did not end with OK."""
        return next((check for check in self.checks if not check.passed), None)


def read_validation(output: str) -> ValidationReport:
    """Read `Validating X` ... `OK` pairs; free lines in between belong to the check before them."""
    version, error = "", ""
    checks: list[CheckResult] = []
    lines: list[str] = []
    for line in output.replace("\r\n", "\n").split("\n"):
        text = line.strip()
        if found := _VERSION.match(text):
            version = found.group(1)
        elif found := _CHECK.match(text):
            checks.append(CheckResult(found.group(1), passed=False))
            lines = []
        elif text == "OK" and checks and not checks[-1].passed:
            checks[-1] = CheckResult(checks[-1].name, True, tuple(lines))
        elif text.startswith("Error:"):
            error = text.removeprefix("Error:").strip()
        elif text and not text.startswith(_BOILERPLATE):
            lines.append(text)
            checks = _note_line(checks, lines)
    return ValidationReport(version, tuple(checks), error)


def describe_checks(checks: Sequence[CheckResult]) -> tuple[str, ...]:
    """A line per check of a running asmctl: the last one has not ended yet, an earlier one without OK failed."""
    words = ["OK" if check.passed else "not OK" for check in checks]
    if checks and not checks[-1].passed:
        words[-1] = "running"
    return tuple(f"{word}: {check.name}" for word, check in zip(words, checks, strict=True))


def _note_line(checks: list[CheckResult], lines: list[str]) -> list[CheckResult]:
    if checks and not checks[-1].passed:
        checks[-1] = CheckResult(checks[-1].name, False, tuple(lines))
    return checks
