"""`./dev bench [NAME ...]`: measure, compare with the bounds, leave with 1 where one is missed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from tests.bench.findings import Finding, describe_machine, write_section

BENCHMARKS = (
    "help",
    "guard",
    "acknowledgement",
    "verify",
    "inventory",
    "prepare",
    "sidecars",
    "report",
    "random_clusters",
    "reinjection",
    "rollback",
    "real_way_back",
    "tick",
    "years",
    "fleet",
    "waiting",
    "texts",
    "doors",
    "sigterm",
    "soak",
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--write", is_flag=True, help="Put the findings into docs/benchmarks.md.")
def main(names: tuple[str, ...], write: bool) -> None:
    """Run the benchmarks named, or all."""
    click.echo(describe_machine())
    missed = [finding for name in names or BENCHMARKS for finding in run_benchmark(name, write) if not finding.holds]
    sys.exit(1 if missed else 0)


def run_benchmark(name: str, write: bool) -> list[Finding]:
    """Measure one benchmark and show its findings."""
    benchmark = importlib.import_module(f"tests.bench.{name}")
    click.echo(f"\n{benchmark.TITLE}")
    findings: list[Finding] = benchmark.measure()
    for finding in findings:
        what, measured, bound, kept, how = finding.describe()
        click.echo(f"  {what}: {measured} (bound {bound}: {kept.strip('*')}; {how})")
    if write and findings:
        write_section(DOCUMENT, name, benchmark.TITLE, findings)
    return findings


if __name__ == "__main__":
    main()
