"""The way back from every step of the plan, by command and by button: what runs lands, and the cluster is as before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from bot.clicks.clicks import Clicks
from bot.journal.records import ENDED
from sandbox.watching.messages import buttons, kind_of
from steps.contract.options import UpgradeOptions
from steps.notes.control_plane import FIRST_WRITE
from steps.plan import FIRST_WRITE as APPLY
from steps.plan import build_plan
from tests.journals.filming import FilmRig, find_row, take_whole_frame
from tests.journals.frames import Frame
from tests.journals.kept_recordings import keep_recordings
from tests.journals.restoring import Studio, open_studio
from tests.scenarios.rig import ANA, BEN, CAI, CHANNEL, Rig, World, open_world
from tests.scenarios.sights import Sight, look, read_row
from tests.scenarios.test_rollback import REASON, list_asked
from tests.unit.bot.workbench import write_click

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
THE_END = "the end"
# Where an upgrade stands when somebody takes it back, and the messages whose button does it: the root has it from the
# first write to the end, a card while it asks, and the report for as long as the setting says.
MOMENTS = {
    "control-plane/apply": ("root",),
    "control-plane/rollout": ("root",),
    "validate/approve": ("root", "gate"),
    "validate/run": ("root",),
    "access/release": ("root",),
    "sidecars/plan": ("root",),
    "sidecars/approve-canary": ("root", "gate"),
    "sidecars/canary": ("root",),
    "sidecars/approve": ("root", "gate"),
    "sidecars/restart": ("root",),
    "sidecars/acknowledge": ("root", "gate"),
    "authorization/approve": ("root", "gate"),
    "authorization/apply": ("root",),
    "finish/revoke": ("root",),
    "finish/report": ("root",),
    THE_END: ("finished",),
}
# istioctl and asmctl are at work then, and no frame holds how far they have come: those are filmed before they begin.
# An istioctl may end before the bot looks once more.
PROGRAMS = ("control-plane/apply", "validate/run")
AT_WORK = re.compile(r"\bhas started\b|\bruns\b")
# Pods that have moved when the frame of a wave is taken.
MOVED = {"sidecars/canary": 1, "sidecars/restart": 5}


def test_every_step_from_the_first_write_on_is_in_the_table() -> None:
    """A new step is asked where its way back begins; before the first write there is nothing to take back."""
    plan = build_plan("upgrade", UpgradeOptions(canary_namespaces=("data",)))
    assert tuple(MOMENTS) == (*plan[plan.index(APPLY) :], THE_END)


@dataclass
class Film:
    """One upgrade of cluster-x with a frame of each of its steps, and what the cluster held before it."""

    studio: Studio
    before: Sight
    frames: dict[str, Frame] = field(default_factory=dict)

    def freeze(self, rig: FilmRig) -> None:
        """Take a frame of a step that is reached for the first time, once it is worth one."""
        row = find_row(rig)
        if row is None or row.ended_at or row.step not in MOMENTS or row.step in self.frames:
            return
        asks = "gate" in MOMENTS[row.step]
        moved = rig.bot.journal.count_ledger(row.id).get("upgraded", 0)
        if (row.state == "asking") == asks and moved >= MOVED.get(row.step, 0):
            self.frames[row.step] = take_whole_frame(self.studio, row.step)

    @contextmanager
    def reach(self, moment: str) -> Iterator[Rig]:
        """A bot whose upgrade stands at this moment, with its program at work and all told."""
        with self.studio.resume(self.frames[moment]) as rig:
            if moment in PROGRAMS:
                rig.run_until(lambda: AT_WORK.search(read_row(rig, "cluster-x-1").sentence) is not None, 60)
                assert rig.bot.journal.recall("cluster-x-1", FIRST_WRITE) is not None
            speak(rig)
            row = read_row(rig, "cluster-x-1")
            assert row.step == moment or (moment == THE_END and row.state == "upgraded")
            yield rig


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    """An upgrade in a world of its own, in which what one way back's istioctl did is taken again by others."""
    with pytest.MonkeyPatch.context() as variables, ExitStack() as stack:
        variables.setenv("PATH", os.environ["PATH"])
        world = stack.enter_context(open_world(tmp_path_factory.mktemp("film"), rate_limits=False, wire=False))
        shelf = tmp_path_factory.mktemp("shelf")
        stack.enter_context(keep_recordings(world.cluster, shelf, lambda run: run.startswith("cluster-x-2-")))
        film = Film(open_studio(world), look(world))
        rig = FilmRig(world)
        rig.look = lambda: film.freeze(rig)
        rig.command(ANA, "start cluster-x canary=data")
        rig.upgrade_all(BEN)
        rig.look = lambda: None
        film.frames[THE_END] = take_whole_frame(film.studio, THE_END)
        rig.crash()
        film.studio.wait_until_alone()
        yield film


def speak(rig: Rig) -> None:
    """Send what is to be told, and do nothing else."""
    for _ in range(600):
        wait = rig.bot.announcer.turn()
        if not rig.bot.outbox.list_unsent(rig.world.clock.now()):
            return
        rig.world.clock.advance(min(wait or 1.0, 1.0))
    raise AssertionError("Slack does not take it")


def list_buttons(world: World) -> dict[str, list[tuple[dict[str, object], dict[str, object]]]]:
    """The buttons that take an upgrade back with their messages, by the kind of message."""
    found: dict[str, list[tuple[dict[str, object], dict[str, object]]]] = {}
    for message in world.messages():
        for button in buttons(message):
            if button["action_id"] == "asm:rollback":
                found.setdefault(kind_of(message), []).append((message, button))
    return found


def press(rig: Rig, kind: str, user: str) -> None:
    """Somebody presses the button on a message of this kind and says why; it is committed when this returns."""
    rig.click(user, *list_buttons(rig.world)[kind][-1])
    view = rig.world.wait_for_form(user)
    rig.world.act("view-submit", user=user, view_id=view["id"], values={"reason": {"reason": REASON}})


def find_states(rig: Rig) -> list[str]:
    """The states of the upgrade and of its way back."""
    return [read_row(rig, f"cluster-x-{number}").state for number in (1, 2)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_button_takes_the_upgrade_back_from_where_it_stands(film: Film, moment: str) -> None:
    """One on each message that the table names and on no other; pressed, the cluster is as before in the end."""
    with film.reach(moment) as rig:
        assert tuple(list_buttons(rig.world)) == MOMENTS[moment]
        press(rig, MOMENTS[moment][-1], CAI)
        rig.run_until(lambda: rig.bot.journal.find_upgrade("cluster-x-2") is not None, 600)
        rig.upgrade_all(BEN)
        assert find_states(rig) == ["upgraded" if moment == THE_END else "rolled back", "returned"]
        assert read_row(rig, "cluster-x-2").requester == CAI
        assert set(list_asked(rig, "cluster-x-2")) <= {"authorization/approve-return"}
        assert look(rig.world) == film.before


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_command_takes_the_upgrade_back_from_where_it_stands(film: Film, moment: str) -> None:
    """What runs is let end, the upgrade ends as rolled back, and its way back stands there."""
    with film.reach(moment) as rig:
        told = write_click("back", "rollback", ANA, rig.world.clock.now(), "cluster-x", reason=REASON, channel=CHANNEL)
        assert rig.bot.upgrades.receive(told)
        rig.bot.upgrades.settle_clicks()
        answer = Clicks(rig.bot.store).find_answer("back") or ""
        assert answer.startswith("cluster-x-2 takes" if moment == THE_END else "Taking back cluster-x-1: ")
        rig.run_until(lambda: rig.bot.journal.find_upgrade("cluster-x-2") is not None, 600)
        assert read_row(rig, "cluster-x-1").state in ENDED
        assert find_states(rig)[0] == ("upgraded" if moment == THE_END else "rolled back")
        assert (read_row(rig, "cluster-x-2").takes_back, list_asked(rig, "cluster-x-2")) == ("cluster-x-1", [])
