"""What a benchmark answers and how it is shown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One number and the bound it must keep: at most `limit`, or at least where `at_least` is set."""

    what: str
    value: float
    unit: str
    limit: float
    at_least: bool = False
    how: str = ""

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def describe(self) -> tuple[str, ...]:
        """The cells of one table row."""
        bound = f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}"
        return (self.what, f"{self.value:.3g} {self.unit}", bound, "yes" if self.holds else "**no**", self.how)


def describe_machine() -> str:
    """Processor, cores, system and Python, in one line."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def write_section(path: Path, name: str, title: str, findings: Iterable[Finding]) -> None:
    """Replace the section `name` of the benchmarks document, or add it at the end."""
    text = (
        path.read_text()
        if path.exists()
        else "# Benchmarks\n\nWritten by `./dev bench --write`. Ratios are of one run, on the machine named.\n"
    )
    opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    head, found, rest = text.partition(opening)
    tail = rest.partition(closing)[2] if found else ""
    table = _render(("what", "measured", "bound", "kept", "how"), [finding.describe() for finding in findings])
    section = f"{opening}## {title}\n\n{table}\n{describe_machine()}\n{closing}"
    path.write_text((head if found else text.rstrip("\n") + "\n\n") + section + tail)


def _render(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(line) + " |\n" for line in [head, ("---",) * len(head), *rows])


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
