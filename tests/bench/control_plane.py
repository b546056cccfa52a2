"""Where the benchmarks on a real control plane find its programs."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tests.conftest import CONTROL_PLANE_PROGRAMS

VARIABLE = "KUBEBUILDER_ASSETS"


def find_programs(what: str) -> Path | None:
    """The folder of the programs; None, after saying what is left out and what is missing, where there is none."""
    named = os.environ.get(VARIABLE, "")
    folder = Path(named)
    absent = [name for name in CONTROL_PLANE_PROGRAMS if not named or not os.access(folder / name, os.X_OK)]
    if not absent:
        return folder
    where = f"{folder} has no {', '.join(absent)}" if named else f"{VARIABLE} is not set"
    click.echo(
        f"  left out: {what}, for {where}. Set {VARIABLE} to a folder with {', '.join(CONTROL_PLANE_PROGRAMS)} "
        "(the Kubernetes 1.20.2 server binaries and etcd have them)"
    )
    return None
