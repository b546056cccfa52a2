"""Plugin: each file begins with the variables that the run began with, whatever the worlds of another file set.

A world puts its stand-in programs before the PATH; one that a whole file shares would leave them there for the next.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, MutableMapping

import pytest

BEGINNING = pytest.StashKey[Mapping[str, str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep what is set."""
    session.stash[BEGINNING] = dict(os.environ)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Put it back behind the last test of a file, once its fixtures are gone."""
    done = yield
    if nextitem is None or nextitem.path != item.path:
        put_back(os.environ, item.session.stash[BEGINNING])
    return done


def put_back(variables: MutableMapping[str, str], beginning: Mapping[str, str]) -> None:
    """Unset what came, and set what is gone or changed."""
    for name in variables.keys() - beginning.keys():
        del variables[name]
    for name in [name for name in beginning if variables.get(name) != beginning[name]]:
        variables[name] = beginning[name]
