from __future__ import annotations

import itertools
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.gateways.programs.long_programs import ProgramRuns, cap_output
from bot.gateways.programs.places import Places
from steps.contract.errors import NoPlace, TryAgain
from steps.contract.ports import NotStarted, PlacesTaken, ProgramEnded, Running
from tests.fifo import Fifo, MakeFifo
from tests.unit.bot.gateways.programs.runs_folder import ENVIRONMENT, SECONDS, Bench, shell


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a folder for runs."""
    made = Bench(tmp_path)
    yield made
    made.end()


def test_a_run_that_never_began_is_told(bench: Bench) -> None:
    """Nothing is started by looking."""
    assert bench.bot().observe("cluster-x-1-apply-1") == NotStarted()


def test_exit_code_and_output_are_kept(bench: Bench) -> None:
    """Both streams end in one output, in order."""
    bot = bench.bot()
    assert bot.start("run", shell("echo out; echo err >&2; exit 3"), ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    assert bot.observe("run") == ProgramEnded(3, "out\nerr\n")


def test_a_running_program_shows_its_output(bench: Bench, make_fifo: MakeFifo) -> None:
    """Later turns tail what was written so far."""
    bot, gate = bench.bot(), make_fifo("gate")
    told = make_fifo("told")
    bot.start("run", shell(f"echo begun; echo > {told}; read line < {gate}; echo done"), ENVIRONMENT, 60)
    told.wait_until_told()
    bench.clock.now += 7
    assert bot.observe("run") == Running(7.0, "begun\n")
    gate.release()
    assert bot.wait_for_end("run", SECONDS)
    assert bot.observe("run") == ProgramEnded(0, "begun\ndone\n")


def test_a_run_is_started_once(bench: Bench, make_fifo: MakeFifo) -> None:
    """Starting again while it runs, or after it ended, starts nothing."""
    bot, gate = bench.bot(), make_fifo("gate")
    assert bot.start("run", shell(f"echo one; read line < {gate}"), ENVIRONMENT, 60)
    assert not bot.start("run", shell("echo two"), ENVIRONMENT, 60)
    gate.release()
    assert bot.wait_for_end("run", SECONDS)
    assert not bot.start("run", shell("echo three"), ENVIRONMENT, 60)
    assert bot.observe("run") == ProgramEnded(0, "one\n")


def test_what_finds_no_place_waits_until_a_program_has_ended(bench: Bench, make_fifo: MakeFifo) -> None:
    """Nothing of it is begun meanwhile; a program of a bot before this one takes a place as well."""
    gate, bench.most = make_fifo("gate"), 1
    assert bench.bot().start("first", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    bot = bench.bot()
    assert bot.observe("second") == PlacesTaken(1)
    with pytest.raises(NoPlace, match="no more than 1 other program may run at once"):
        bot.start("second", shell("echo two"), ENVIRONMENT, 60)
    assert isinstance(bot.observe("first"), Running)
    gate.release()
    assert bot.wait_for_end("first", SECONDS)
    assert bot.observe("second") == NotStarted()
    assert bot.start("second", shell("echo two"), ENVIRONMENT, 60)
    assert bot.wait_for_end("second", SECONDS)


def test_a_program_of_a_cluster_whose_key_begins_with_a_digit_runs_like_any(bench: Bench, make_fifo: MakeFifo) -> None:
    """It is waited for, and takes a place of the next bot too."""
    gate, bench.most = make_fifo("gate"), 1
    assert bench.bot().start("2-prod-1-apply-3", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    bot = bench.bot()
    assert (bot.list_running(""), bot.list_running("2-prod-1-")) == (("2-prod-1-apply-3",), ("2-prod-1-apply-3",))
    assert (bot.list_running("cluster-x-"), bot.list_running("2-prod-1")) == ((), ("2-prod-1-apply-3",))
    assert bot.observe("second") == PlacesTaken(1)
    gate.release()
    assert bot.wait_for_end("2-prod-1-apply-3", SECONDS)


def test_what_runs_is_found_without_a_look_at_what_ever_ran(
    bench: Bench, make_fifo: MakeFifo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fleet leaves thousands of folders, and each turn of a step asks."""
    gate, bot = make_fifo("gate"), bench.bot()
    assert bot.start("cluster-x-1-apply", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    assert bot.start("cluster-x-2-apply", shell("true"), ENVIRONMENT, 60)
    assert bot.wait_for_end("cluster-x-2-apply", SECONDS)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", lambda *_given: pytest.fail("it looked at all that ever ran"))
        assert (bot.list_running(""), bot.list_running("cluster-x-2-")) == (("cluster-x-1-apply",), ())
    gate.release()
    assert bot.wait_for_end("cluster-x-1-apply", SECONDS)
    assert bot.list_running("") == ()


def test_a_run_whose_folder_was_removed_takes_no_place(bench: Bench, make_fifo: MakeFifo) -> None:
    """Otherwise no program of any cluster would start until the bot is."""
    gate, bench.most = make_fifo("gate"), 1
    bot = bench.bot()
    assert bot.start("first", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    gate.release()
    assert bot.wait_for_end("first", SECONDS)
    shutil.rmtree(bot.find_folder("first"))
    assert bot.observe("second") == NotStarted()
    assert bot.start("second", shell("echo two"), ENVIRONMENT, 60)
    assert bot.wait_for_end("second", SECONDS)


def test_what_was_admitted_takes_one_place_beyond_the_limit(bench: Bench, make_fifo: MakeFifo) -> None:
    """One, however many are admitted; all others wait as before, and behind it too."""
    gate, bench.most = make_fifo("gate"), 1
    other, bot = make_fifo("other"), bench.bot()
    assert bot.start("first", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    for run_id in ("back", "back-2"):
        bot.admit(run_id)
    assert (bot.observe("second"), bot.observe("back")) == (PlacesTaken(1), NotStarted())
    assert bot.start("back", shell(f"read line < {other}"), ENVIRONMENT, 60)
    assert (bot.observe("second"), bot.observe("back-2")) == (PlacesTaken(2), PlacesTaken(2))
    with pytest.raises(NoPlace):
        bot.start("back-2", shell("echo two"), ENVIRONMENT, 60)
    for fifo, run_id in ((gate, "first"), (other, "back")):
        fifo.release()
        assert bot.wait_for_end(run_id, SECONDS)


def test_another_bot_adopts_what_runs(bench: Bench, make_fifo: MakeFifo) -> None:
    """After a restart the program is found running, and not doubled."""
    gate = make_fifo("gate")
    bench.bot().start("run", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    adopter = bench.bot()
    assert isinstance(adopter.observe("run"), Running)
    assert not adopter.start("run", shell("echo two"), ENVIRONMENT, 60)
    gate.release()
    assert adopter.wait_for_end("run", SECONDS)
    assert isinstance(adopter.observe("run"), ProgramEnded)


def test_a_killed_bots_program_goes_on_and_its_exit_code_is_unknown(bench: Bench, make_fifo: MakeFifo) -> None:
    """kill -9 of the bot leaves the program alone; what it ended with, the cluster must tell."""
    gate = make_fifo("gate")
    script = f"read line < {gate}; echo done"
    assert bench.start_and_be_killed(script) == -signal.SIGKILL
    adopter = bench.bot()
    assert isinstance(adopter.observe("run"), Running)
    gate.release()
    assert adopter.wait_for_end("run", SECONDS)
    assert adopter.observe("run") == ProgramEnded(None, "done\n")
    assert not adopter.start("run", shell("echo again"), ENVIRONMENT, 60)


def test_a_program_killed_together_with_the_bot_ended_somehow(bench: Bench, make_fifo: MakeFifo) -> None:
    """A machine that went down leaves a run that ended, never one to start again."""
    gate, told = make_fifo("gate"), make_fifo("told")
    script = f"echo begun; echo > {told}; read line < {gate}"
    bench.start_and_be_killed(script)
    told.wait_until_told()
    bench.kill_group("run")
    adopter = bench.bot()
    assert adopter.wait_for_end("run", SECONDS)
    assert adopter.observe("run") == ProgramEnded(None, "begun\n")
    assert not adopter.start("run", shell("echo again"), ENVIRONMENT, 60)


def test_a_program_killed_from_outside_is_told_by_its_signal(bench: Bench, make_fifo: MakeFifo) -> None:
    """Somebody else's kill is no exit code of the program's own, and no time limit."""
    bot, gate, told = bench.bot(), make_fifo("gate"), make_fifo("told")
    bot.start("run", shell(f"echo > {told}; read line < {gate}"), ENVIRONMENT, 60)
    told.wait_until_told()
    bench.kill_group("run")
    assert bot.wait_for_end("run", SECONDS)
    assert bot.observe("run") == ProgramEnded(-signal.SIGKILL, "")


def test_a_start_that_was_never_carried_out_can_be_repeated(bench: Bench) -> None:
    """A bot killed before the program existed leaves nothing that blocks the next start."""
    place = bench.folder / "runs" / "run"
    place.mkdir(parents=True)
    (place / "lock").touch()
    (place / "run.json").write_text('{"program": "istioctl", "limit_seconds": 60, "started": 1000.0}')
    bot = bench.bot()
    assert bot.observe("run") == NotStarted()
    assert bot.start("run", shell("echo one"), ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)


def test_no_program_is_started_that_nobody_could_watch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end would go unseen; it is started once there is a thread again, and its exit code is known."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    bot = bench.bot()
    with pytest.raises(TryAgain, match="no thread could be started for watch-run"):
        bot.start("run", shell("exit 3"), ENVIRONMENT, 60)
    monkeypatch.undo()
    assert bot.observe("run") == NotStarted()
    assert bot.start("run", shell("exit 3"), ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    assert bot.observe("run") == ProgramEnded(3, "")


def test_a_program_past_its_limit_is_told_to_end(bench: Bench, make_fifo: MakeFifo) -> None:
    """SIGTERM reaches the whole group, the program's children as well."""
    bot, gate = bench.bot(), make_fifo("gate")
    told = make_fifo("told")
    bot.start("run", shell(f"(trap 'echo child; exit' TERM; echo > {told}; read l < {gate}) & wait"), ENVIRONMENT, 60)
    told.wait_until_told()
    bench.clock.now += 61
    assert isinstance(bot.observe("run"), Running)
    gate.release()  # it may have been on its way to read when the signal came
    assert bot.wait_for_end("run", SECONDS)
    ended = bot.observe("run")
    assert isinstance(ended, ProgramEnded)
    assert (ended.exit_code, ended.timed_out) == (-signal.SIGTERM, True)
    assert ended.output.endswith("child\n")


def test_a_program_that_ignores_sigterm_is_killed(bench: Bench, make_fifo: MakeFifo) -> None:
    """After the grace time it is SIGKILL."""
    bot, gate, told = bench.bot(), make_fifo("gate"), make_fifo("told")
    bot.start("run", shell(f"trap '' TERM; echo > {told}; while :; do read line < {gate}; done"), ENVIRONMENT, 60)
    told.wait_until_told()
    bench.clock.now += 61
    bot.observe("run")
    assert isinstance(bot.observe("run"), Running)
    bench.clock.now += 10
    bot.observe("run")
    assert bot.wait_for_end("run", SECONDS)
    assert bot.observe("run") == ProgramEnded(-signal.SIGKILL, "", timed_out=True)


def test_an_adopted_program_keeps_its_limit(bench: Bench, make_fifo: MakeFifo) -> None:
    """The time counts from the start, not from the restart of the bot."""
    gate, told = make_fifo("gate"), make_fifo("told")
    bench.bot().start("run", shell(f"echo > {told}; read line < {gate}"), ENVIRONMENT, 60)
    told.wait_until_told()
    bench.clock.now += 61
    adopter = bench.bot()
    adopter.observe("run")
    assert adopter.wait_for_end("run", SECONDS)
    ended = adopter.observe("run")
    assert isinstance(ended, ProgramEnded)
    assert ended.timed_out


def test_a_program_that_does_not_exist_ends_with_127(bench: Bench) -> None:
    """The shell's own word on it is the output."""
    bot = bench.bot()
    bot.start("run", ["/nowhere/istioctl"], ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    ended = bot.observe("run")
    assert isinstance(ended, ProgramEnded)
    assert ended.exit_code == 127
    assert "/nowhere/istioctl" in ended.output


def test_arguments_reach_the_program_unchanged(bench: Bench) -> None:
    """No shell looks at what the guide's flags contain."""
    bot = bench.bot()
    flag = "values.global.proxy.env.GCP_METADATA=a|b|$(id)|`id` 'x' \"y\""
    bot.start("run", ["/bin/echo", flag], ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    assert bot.observe("run") == ProgramEnded(0, flag + "\n")


def test_the_program_gets_the_given_environment_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot's tokens are not handed on."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    bot = bench.bot()
    bot.start("run", ["/usr/bin/env"], ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    assert "xoxb-secret" not in bot.read_output("run")


def test_long_output_is_tailed(bench: Bench) -> None:
    """Only the last part is read, whatever a program writes."""
    bot = bench.bot()
    bot.start("run", shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"), ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    output = bot.read_output("run")
    assert len(output) <= 16_000
    assert output.endswith("line 2999\n")


def test_waiting_has_an_end(bench: Bench, make_fifo: MakeFifo) -> None:
    """A program that goes on is not waited for for ever."""
    bot, gate = bench.bot(), make_fifo("gate")
    bot.start("run", shell(f"read line < {gate}"), ENVIRONMENT, 60)
    assert not bot.wait_for_end("run", 0.05)
    gate.release()


def test_a_run_id_stays_within_the_folder(bench: Bench) -> None:
    """An id is a name, not a path."""
    bot = bench.bot()
    bot.start("../../escaped", shell("true"), ENVIRONMENT, 60)
    assert bot.wait_for_end("../../escaped", SECONDS)
    assert [path.parent for path in bench.folder.rglob("*escaped*")] == [bench.folder / "runs"]


def test_what_a_program_prints_is_kept_up_to_a_size(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning and its end, with how much is missing; a disk that fills up would end the bot."""
    monkeypatch.setattr("bot.gateways.programs.long_programs.MOST_OUTPUT", 4_000)
    bot = bench.bot()
    bot.start("run", ["/bin/sh", "-c", "echo first; seq 1 10000; echo last"], ENVIRONMENT, 60)
    assert bot.wait_for_end("run", SECONDS)
    kept = (bench.folder / "runs" / "run" / "output").read_text()
    assert len(kept) < 2_200
    assert (kept[:7], kept[-5:]) == ("first\n1", "last\n")
    assert "bytes left out" in kept


def test_what_a_program_prints_goes_on_behind_what_was_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the file open and appends."""
    monkeypatch.setattr("bot.gateways.programs.long_programs.MOST_OUTPUT", 4_000)
    path = tmp_path / "output"
    with path.open("ab", buffering=0) as program:
        for number in range(20):
            program.write(b"x" * 999 + b"\n")
            program.write(f"line {number}\n".encode())
            cap_output(path)
            assert path.stat().st_size <= 4_000 + 1_010
    assert path.read_bytes().endswith(b"line 19\n")


def test_nothing_is_capped_that_is_not_there(tmp_path: Path) -> None:
    """A program that has not begun has no output."""
    cap_output(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


class ReleasingEvent(threading.Event):
    """Somebody who is in no hurry, and whose first waiting lets the program go on."""

    def __init__(self, gate: Fifo) -> None:
        super().__init__()
        self._gate: Fifo | None = gate

    def wait(self, timeout: float | None = None) -> bool:
        if self._gate is not None:
            self._gate.release()
            self._gate = None
        return super().wait(timeout)


def test_programs_are_waited_for(bench: Bench, make_fifo: MakeFifo) -> None:
    """A bot that is told to stop leaves once they have ended, with their exit codes noted."""
    bot, gate = bench.bot(), make_fifo("gate")
    bot.start("run", shell(f"read line < {gate}; exit 3"), ENVIRONMENT, 60)
    assert bot.wait_for_all(SECONDS, ReleasingEvent(gate)) == ()
    assert bot.observe("run") == ProgramEnded(3, "")


@pytest.mark.parametrize(("seconds", "hurried"), [(0.0, False), (SECONDS, True)])
def test_the_wait_for_programs_has_an_end(bench: Bench, seconds: float, hurried: bool) -> None:
    """Its time is over, or somebody asked a second time; what runs is left to the next bot."""
    bot, hurry = bench.bot(), threading.Event()
    bot.start("run", shell("exec sleep 60"), ENVIRONMENT, 60)
    if hurried:
        hurry.set()
    assert bot.wait_for_all(seconds, hurry) == ("run",)


@pytest.mark.parametrize(("trap", "code"), [("", -signal.SIGTERM), ("trap '' TERM; ", -signal.SIGKILL)])
def test_programs_that_can_not_outlive_the_bot_are_ended(
    bench: Bench, make_fifo: MakeFifo, trap: str, code: int
) -> None:
    """By SIGKILL where they don't listen; how they ended is noted."""
    ticks, told = itertools.count(), make_fifo("told")
    # After the grace of SIGTERM the time stands still: how long a killed program takes to be gone is the machine's.
    bot = ProgramRuns(bench.folder / "runs", Places(4, 1), lambda: min(float(next(ticks)), 6.0), grace_seconds=5.0)
    bot.start("run", shell(f"{trap}echo > {told}; exec sleep 60"), ENVIRONMENT, 10_000)
    told.wait_until_told()
    bot.end_all()
    assert bot.observe("run") == ProgramEnded(code, "")
