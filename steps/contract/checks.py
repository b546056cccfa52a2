"""One line of a preflight: what was looked at, how it stands, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Check:
    """A finding of the preflight; an error stops an upgrade, `remedy` says what to do about it."""

    name: str
    severity: Severity
    sentence: str
    remedy: str = ""


def passed(name: str, sentence: str) -> Check:
    """A check that found nothing wrong."""
    return Check(name, "ok", sentence)


def warned(name: str, sentence: str, remedy: str = "") -> Check:
    """A check that found something to know before approving."""
    return Check(name, "warning", sentence, remedy)


def failed(name: str, sentence: str, remedy: str) -> Check:
    """A check that stops the upgrade."""
    return Check(name, "error", sentence, remedy)


def select_checks(checks: Iterable[Check], severity: Severity) -> tuple[Check, ...]:
    """Those of one severity, in their order."""
    return tuple(check for check in checks if check.severity == severity)
