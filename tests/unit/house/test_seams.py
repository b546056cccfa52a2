"""What passes between steps and bot has one form each: notes by their note, people and commands as values."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import steps
from steps.contract.notes import Note
from steps.plan import STEPS

OF_SLACK = re.compile(r"<@|<#|<!|/asm-upgrade|\"(primary|danger)\"|\b[Ss]lack\b")


def list_sources(root: Path, *packages: str) -> Iterator[Path]:
    return (path for package in packages for path in sorted((root / package).rglob("*.py")))


def list_keys() -> list[str]:
    """The keys of all notes, of whichever module of the steps."""
    names = (found.name for found in pkgutil.walk_packages(steps.__path__, "steps."))
    kept = {id(note): note for name in names for note in vars(importlib.import_module(name)).values()}
    return [note.key for note in kept.values() if isinstance(note, Note)]


def test_each_note_has_a_key_of_its_own() -> None:
    """Two notes under one key would read each other's values."""
    keys = list_keys()
    assert len(keys) > 30
    assert sorted(keys) == sorted(set(keys))


def test_notes_are_read_by_their_note(project_root: Path) -> None:
    """No key stands anywhere but where its note is declared; two are the ids of steps as well."""
    quoted = {f'"{key}"' for key in list_keys() if key not in STEPS}
    sources = list_sources(project_root, "bot", "handlers", "steps")
    found = {
        f"{path.relative_to(project_root)}: {key}"
        for path in sources
        for line in path.read_text().splitlines()
        if " = Note(" not in line
        for key in quoted
        if key in line
    }
    assert found == set()


def test_steps_know_nothing_of_slack(project_root: Path) -> None:
    """Neither how it writes a person or a command, nor how it draws a button."""
    found = [
        str(path.relative_to(project_root))
        for path in list_sources(project_root, "steps")
        if OF_SLACK.search(path.read_text())
    ]
    assert found == []


def find_places(root: Path, pattern: str) -> set[str]:
    """The modules of the bot and the steps in which a pattern stands."""
    found = list_sources(root, "bot", "handlers", "steps")
    return {str(path.relative_to(root)) for path in found if re.search(pattern, path.read_text())}


def test_the_audit_is_appended_to_in_one_place(project_root: Path) -> None:
    """Each row is sealed with the one before it."""
    assert find_places(project_root, r"(?i)insert into audit\b") == {"bot/journal/journal.py"}


def test_a_pod_is_ready_by_its_condition(project_root: Path) -> None:
    """Its containers are counted only to say why a pod that is not in service isn't."""
    explaining = {"steps/workloads/stalls.py", "steps/phases/sidecars/flights/recording.py"}
    assert find_places(project_root, r"pod\.ready\s*[<>=!]|\.ready\s*[<>=!]+\s*\w+\.total") == explaining
    assert find_places(project_root, r"has_condition\(status, \"Ready\"\)") == {"bot/gateways/kubernetes/pods.py"}
