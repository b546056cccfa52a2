"""What the frames hold, and that filming and going back are each other's opposite."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from steps.contract.options import UpgradeOptions
from steps.plan import build_plan
from tests.journals.filming import Film, name_returning
from tests.journals.frames import list_frames, load_frame
from tests.journals.restoring import Studio
from tests.journals.scenes import SCENES
from tests.journals.surroundings import take_surroundings

# Addresses of a run, folders of a machine, keys of a world.
OF_A_MACHINE = re.compile(r"127\.0\.0\.1:\d+|/tmp/|/home/|/usr/|/Users/|PRIVATE KEY|xox[bap]-|ya29\.sandbox-")


@pytest.mark.parametrize("name", list_frames())
def test_a_frame_holds_nothing_of_the_machine_that_made_it(name: str) -> None:
    """Journals, Slack, cluster and files alike."""
    frame = load_frame(name)
    text = frame.scripts[-1] + json.dumps(frame.around)
    assert set(OF_A_MACHINE.findall(text)) == set()


@pytest.mark.parametrize("name", ["half-an-archive", "plan-24-sidecars-restart-in-flight", "running-apply"])
def test_what_is_restored_is_what_was_frozen(name: str, studio: Studio) -> None:
    """Taken again it is the same, but for how long ago a program was begun and what the stand-ins learned since."""
    frame = load_frame(name)
    studio.restore(frame)
    for program in studio.running:
        program.end()
    again = take_surroundings(studio.world, studio.placeholders)
    assert set(again) == {key for key in frame.around if not key.startswith("running|")}
    moved = {key for key in again if not is_kept(frame.around[key], again[key])}
    assert {key.rpartition("/")[2] for key in moved} <= {"cluster", "run.json", "lock", "output"}


def is_kept(frozen: object, again: object) -> bool:
    """Whether all that was frozen is there again; a stand-in of today may know more of a thing."""
    if isinstance(frozen, dict) and isinstance(again, dict):
        return all(name in again and is_kept(value, again[name]) for name, value in frozen.items())
    return frozen == again


def test_every_step_of_a_way_back_has_a_frame() -> None:
    """Of a plan without canaries; a new step is filmed under a new name."""
    plan = build_plan("rollback", UpgradeOptions())
    assert {name_returning(plan, step) for step in plan} <= set(list_frames())


def test_in_some_frame_a_program_runs() -> None:
    """Whoever goes on from it finds the program at work, and waits for it."""
    frames = [name for name in list_frames() if name.startswith("running-")]
    assert {name for name in frames if not list_running(name)} == set()
    assert any(list_running(name) for name in frames)


def list_running(name: str) -> list[str]:
    return [key for key in load_frame(name).around if key.startswith("running|")]


def test_a_scene_can_be_filmed_by_today_s_bot(studio: Studio, tmp_path: Path) -> None:
    """The frame that it makes is put together like one that was frozen long ago."""
    film = Film(studio, tmp_path)
    SCENES["denied-access"](film)
    frame = load_frame("denied-access", tmp_path)
    assert (film.taken, frame.after, frame.ends) == (["denied-access"], "plan-04-access-approve", "upgraded")
    assert any("blocked" in line for (table, _), line in frame.rows.rows.items() if table == "upgrades")
