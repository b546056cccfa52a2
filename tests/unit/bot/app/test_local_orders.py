"""Pause, resume and abort from the command line of the bot's machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.app.cli import main
from bot.app.local_orders import bare_target, give_order, is_obeyed
from bot.clicks.clicks import Clicks
from bot.clicks.orders import Abort, Pause, Relocate, Resume, Rollback
from bot.journal.records import OPERATOR, Action
from bot.journal.store import StoreBroken
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import ANA, Build, Engine, HandClock

JOURNAL = "asm-upgrade.db"
ORDERS: dict[str, type[Pause] | type[Resume] | type[Abort] | type[Rollback] | type[Relocate]] = {
    "pause": Pause, "resume": Resume, "abort": Abort, "rollback": Rollback, "move": Relocate,
}  # fmt: skip


def order(engine: Engine, folder: Path, action: Action, reason: str = "") -> str:
    """Give an order to a bot that settles clicks as it does."""
    given = ORDERS[action]("cluster-x", reason)
    return give_order(folder / JOURNAL, given, KEY, engine.clock, lambda _seconds: _settle(engine))


def _settle(engine: Engine) -> None:
    engine.upgrades.settle_clicks()


def run(*arguments: str, **options: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, list(arguments), **options)  # type: ignore[arg-type]


def test_a_running_bot_answers(build: Build, tmp_path: Path) -> None:
    """The upgrade is paused, and the thread says from where."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    assert order(engine, tmp_path, "pause") == "Paused cluster-x-1. `/asm-upgrade resume cluster-x` goes on."
    assert engine.row().paused_by == OPERATOR
    assert "paused by the command line" in str(engine.bodies("milestone")[-1])


def test_what_the_command_line_paused_slack_may_resume(build: Build, tmp_path: Path) -> None:
    """And the other way round."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    order(engine, tmp_path, "pause")
    assert engine.click("resume", ANA) == "Resumed cluster-x-1."
    engine.click("pause", ANA)
    assert order(engine, tmp_path, "resume") == "Resumed cluster-x-1."


def test_an_abort_keeps_its_reason(build: Build, tmp_path: Path) -> None:
    """In the thread, like anybody's."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    order(engine, tmp_path, "abort", "Slack is down")
    assert engine.row().aborted_by == OPERATOR
    assert "aborted by the command line: Slack is down" in str(engine.bodies("milestone"))


def test_a_bot_that_is_down_takes_the_order_up_later(build: Build, tmp_path: Path) -> None:
    """Nothing is lost."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    assert give_order(tmp_path / JOURNAL, Pause("cluster-x"), KEY, HandClock(), lambda _seconds: None) == ""
    assert engine.row().paused_by == ""
    _settle(engine)
    assert engine.row().paused_by == OPERATOR


@pytest.mark.parametrize("action", ["start", "approve", "deny", "retry", "break-glass"])
def test_nothing_else_is_ordered_from_there(build: Build, action: Action) -> None:
    """Approvals stay with the people named in clusters.toml."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    assert engine.click(action, OPERATOR) == f"`{action}` is not done from the command line."


def test_a_way_back_is_ordered_when_slack_is_away(build: Build, tmp_path: Path) -> None:
    """By the reason and the account, as an abort is."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    assert order(engine, tmp_path, "rollback", "Slack is down").startswith("Taking back cluster-x-1: ")
    assert "taken back by the command line: Slack is down" in str(engine.bodies("milestone"))


def test_an_upgrade_is_moved_from_the_machine(build: Build, tmp_path: Path) -> None:
    """Where its channel is lost and nobody can type in it; the journal says whether it is so."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    path, given = tmp_path / JOURNAL, bare_target(Relocate("Cluster-X", "#c0other001"))
    assert (given, is_obeyed(path, given)) == (Relocate("cluster-x", "C0OTHER001"), False)
    assert order(engine, tmp_path, "move", "C0OTHER001").startswith("cluster-x-1 goes on in <#C0OTHER001>")
    assert (engine.row().channel, is_obeyed(path, given)) == ("C0OTHER001", True)
    assert "Name the channel" in order(engine, tmp_path, "move", "mesh-ops")


def test_a_way_back_asks_first(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a yes nothing is written."""
    engine = build({})
    monkeypatch.setenv("ASM_UPGRADE_STATE", str(tmp_path))
    assert run("rollback", "cluster-x", input="n\n").exit_code == 1
    assert Clicks(engine.store).list_unsettled() == []


def test_without_a_journal_it_says_where_it_looked(tmp_path: Path) -> None:
    """Most often the wrong folder."""
    with pytest.raises(StoreBroken, match="set ASM_UPGRADE_STATE"):
        give_order(tmp_path / JOURNAL, Pause("cluster-x"), KEY, HandClock())


def test_the_command_fails_without_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 1."""
    monkeypatch.setenv("ASM_UPGRADE_STATE", str(tmp_path))
    answer = run("pause", "cluster-x")
    assert (answer.exit_code, answer.output.count("\n")) == (1, 1)


def test_an_order_for_nothing_exits_with_1(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, with what was probably meant; nothing is written, so no bot has to run."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    monkeypatch.setenv("ASM_UPGRADE_STATE", str(tmp_path))
    for target, told in (("nope", "there is no upgrade nope,"), ("cluster-y", "Did you mean cluster-x")):
        answer = run("pause", target)
        assert (answer.exit_code, told in answer.output, answer.output.count("\n")) == (1, True, 1)
    assert Clicks(engine.store).list_unsettled() == []


def test_the_exit_code_says_whether_it_is_so(build: Build, tmp_path: Path) -> None:
    """By the journal, whatever was answered."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    path = tmp_path / JOURNAL
    assert not is_obeyed(path, Pause("cluster-x"))
    order(engine, tmp_path, "pause")
    assert (is_obeyed(path, Pause("cluster-x")), is_obeyed(path, Resume("cluster-x"))) == (True, False)
    order(engine, tmp_path, "resume")
    assert is_obeyed(path, Resume("cluster-x-1"))
    assert order(engine, tmp_path, "rollback", "no").endswith("so there is nothing to take back.")
    assert not is_obeyed(path, Rollback("cluster-x", "no"))
    order(engine, tmp_path, "abort", "enough")
    assert (is_obeyed(path, Abort("cluster-x", "enough")), is_obeyed(path, Pause("nope"))) == (True, False)


def test_an_abort_asks_first(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a yes nothing is written."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    monkeypatch.setenv("ASM_UPGRADE_STATE", str(tmp_path))
    assert run("abort", "cluster-x", input="n\n").exit_code == 1
    assert Clicks(engine.store).list_unsettled() == []
