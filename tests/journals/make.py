"""Freezes journals: `python -m tests.journals.make` films upgrades of cluster-x and writes the scenes that are missing.

A frame that is there is never written anew: it is what an earlier bot left behind. A new scene gets new names.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from tests.journals.filming import Film
from tests.journals.restoring import open_studio
from tests.journals.scenes import SCENES
from tests.scenarios.rig import open_world


@click.command()
@click.argument("wanted", nargs=-1)
def make(wanted: tuple[str, ...]) -> None:
    """Film the scenes that are missing, or of them those named."""
    with tempfile.TemporaryDirectory() as root, open_world(Path(root), rate_limits=False, neighbour=True) as world:
        film = Film(open_studio(world))
        for name, play in SCENES.items():
            if not film.has(name) and (not wanted or name in wanted):
                play(film)
        click.echo("\n".join(film.taken) or "nothing is missing")


if __name__ == "__main__":
    make()
