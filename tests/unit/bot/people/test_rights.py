"""Every action by every kind of person in every state, held against a table of what is legal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clicks.clicks import Click
from bot.journal.store import Row
from bot.people.roster import Directory
from bot.settings.policy import Policy
from steps.contract.cards import Card, Choice
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.society import (
    BOT,
    EVE,
    GONE,
    GROUP,
    GUEST,
    HOME,
    OTHER,
    OUTSIDER,
    STRANGERS,
    UNKNOWN,
    PaperDirectory,
)
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, Engine, build_engine, write_click

ACTIONS = ("start", "approve", "deny", "decide", "break-glass", "pause", "resume", "retry", "abort", "rollback", "move")
PEOPLE = (ANA, BEN, CAI, DEE, EVE, *sorted(STRANGERS))
# clusters.toml names the strangers everywhere: what keeps them out is their account.
POLICY = Policy(
    requesters=frozenset({ANA, BEN}) | STRANGERS,
    approvers=frozenset({ANA, BEN, GROUP}) | STRANGERS,
    break_glass=frozenset({CAI, EVE}) | STRANGERS,
)
# The table. ANA started the upgrade; CAI is an approver through the group; EVE may
# break the glass and is nothing else; DEE is nobody.
MAY: dict[str, set[str]] = {
    "start": {ANA, BEN},
    "approve": {BEN, CAI},
    "accept": {BEN, CAI},
    "deny": {ANA, BEN, CAI},
    "break-glass": {CAI, EVE},
    "pause": {ANA, BEN, CAI, EVE},
    "resume": {ANA, BEN, CAI, EVE},
    "retry": {ANA, BEN, CAI, EVE},
    "abort": {ANA, BEN, CAI, EVE},
    "rollback": {ANA, BEN, CAI, EVE},
    "move": {ANA, BEN, CAI},
}
LEGAL: dict[str, set[str]] = {
    "none": {"start"},
    "running": {"pause", "abort", "move"},
    "asking": {"approve", "deny", "break-glass", "pause", "abort", "move"},
    "blocked": {"accept", "retry", "abort", "move"},
    "paused": {"resume", "abort", "move"},
    "paused at a question": {"resume", "abort", "move"},
    "aborting": {"move"},
    "ended": {"start"},
    "written": {"pause", "abort", "rollback", "move"},
    "paused after a write": {"resume", "abort", "rollback", "move"},
    "ended after a write": {"start", "rollback"},
}
# About a question; a card that is another's or an older one must do nothing.
QUESTIONS = {"approve", "deny", "accept", "break-glass", "retry"}
# Nobody has to have read a card to stop something, nor to have a look at it repeated.
NEED_NO_CARD = {"deny", "retry"}
CLICKS = st.fixed_dictionaries(
    {
        "action": st.sampled_from(ACTIONS),
        "user": st.sampled_from(PEOPLE),
        "choice": st.sampled_from(["", "", "approve", "deny", "accept", "retry", "skip", "' or 1=1 --"]),
        "card": st.sampled_from(["none", "right", "right", "older", "newer", "another"]),
        "team": st.sampled_from(["", HOME, HOME, HOME, OTHER]),
    }
)


def run_gate(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def run_block(ctx: Context) -> Outcome:
    """A block that may be accepted."""
    return Done("accepted") if ctx.decision else Blocked("a check failed", "Look.", (Choice("accept", "Accept"),))


STEPS = {
    "running": lambda _ctx: Waiting("for pods", 5),
    "asking": run_gate,
    "blocked": run_block,
    "abort/revoke": lambda _ctx: Done(""),
    "abort/report": lambda _ctx: Done("aborted"),
}


@contextmanager
def stand(state: str, directory: Directory | None = None) -> Iterator[Engine]:
    """An engine with an upgrade of ANA's in this state, over people on paper or those of a directory."""
    with tempfile.TemporaryDirectory() as folder:
        engine = build_engine(Path(folder), STEPS, policy=POLICY, directory=directory or PaperDirectory())
        try:
            _bring(engine, state)
            yield engine
        finally:
            engine.store.close()


def _bring(engine: Engine, state: str) -> None:
    if state == "none":
        return
    kind = {"paused at a question": "asking", "blocked": "blocked", "asking": "asking"}.get(state, "running")
    engine.add_upgrade([kind, "running"])
    engine.runner.turn()
    engine.post_cards()
    if state.startswith("paused"):
        engine.click("pause", ANA)
    if state == "written" or state.endswith("after a write"):
        engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
        engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    if state == "aborting" or state.startswith("ended"):
        engine.click("abort", ANA)
    while state.startswith("ended") and engine.row().state != "aborted":
        engine.runner.turn()


def name_deed(state: str, click: dict[str, Any]) -> str:
    """What a click amounts to, "" where it means nothing there."""
    if click["action"] not in ("approve", "deny", "decide"):
        return str(click["action"])
    choice = click["choice"] or click["action"]
    offered = {"asking": {"approve", "deny"}, "blocked": {"accept"}}.get(state, set())
    return str(choice) if choice in offered else ""


def judge(state: str, click: dict[str, Any]) -> bool:
    """Whether the table lets the click change anything."""
    deed = name_deed(state, click)
    if deed not in LEGAL[state] or click["user"] not in MAY[deed] or click["team"] == OTHER:
        return False
    return deed not in QUESTIONS or click["card"] == "right" or (deed in NEED_NO_CARD and click["card"] == "none")


def build_click(engine: Engine, click: dict[str, Any], number: int = 0) -> Click:
    """The click as a listener would make it, or somebody who forges a button's value."""
    row = engine.journal.find_upgrade("cluster-x-1")
    step, generation = {
        "none": ("", 0),
        "right": (row.step if row else "asking", row.generation if row else 1),
        "older": (row.step if row else "asking", 0),
        "newer": (row.step if row else "asking", 99),
        "another": ("control-plane/approve", 1),
    }[click["card"]]
    choice = "C0OTHER001" if click["action"] == "move" else click["choice"]
    return write_click(
        f"forged-{number}", click["action"], click["user"], engine.clock.now(), "cluster-x", step, generation,
        choice, "because", click["team"], "C0MESHOPS1",
    )  # fmt: skip


def read_deeds(engine: Engine) -> list[list[Row]]:
    """Everything that a click could change, and what the audit says."""
    tables = ("upgrades", "approvals", "consents", "audit", "memory", "ledger")
    return [engine.store.read(f"select * from {table}") for table in tables]


def send(engine: Engine, click: Click) -> bool:
    """Whether the click changed anything."""
    before = read_deeds(engine)
    engine.upgrades.receive(click)
    engine.upgrades.settle_clicks()
    return read_deeds(engine) != before


@pytest.mark.parametrize("state", LEGAL)
@given(clicks=st.lists(CLICKS, min_size=12, max_size=12))
@settings(max_examples=6)
def test_a_click_changes_something_exactly_where_the_table_allows_it(state: str, clicks: list[dict[str, Any]]) -> None:
    """Forged choices, stale cards and wrong workspaces included; refused clicks first, as they leave the state."""
    with stand(state) as engine:
        for number, click in enumerate(sorted(clicks, key=lambda click: judge(state, click))):
            changed = send(engine, build_click(engine, click, number))
            assert (click, changed) == (click, judge(state, click))
            if changed:
                return


@pytest.mark.parametrize("state", LEGAL)
def test_every_person_and_action_of_the_table(state: str) -> None:
    """The plain clicks, all of them: nothing is left to chance."""
    plain = [
        {"action": action, "user": user, "choice": "", "card": "right", "team": HOME}
        for action in ACTIONS
        for user in PEOPLE
    ]
    with stand(state) as engine:
        refused = [click for click in plain if not judge(state, click)]
        changed = [click for number, click in enumerate(refused) if send(engine, build_click(engine, click, number))]
    assert changed == []


@pytest.mark.parametrize("state", [state for state in LEGAL if LEGAL[state]])
def test_all_that_the_table_allows_is_possible(state: str) -> None:
    """The other half of the table."""
    failed = []
    for deed in sorted(LEGAL[state]):
        for user in sorted(MAY[deed]):
            action = "decide" if deed == "accept" else deed
            click = {"action": action, "user": user, "choice": "", "card": "right", "team": HOME}
            click["choice"] = deed if deed == "accept" else ""
            with stand(state) as engine:
                if not send(engine, build_click(engine, click)):
                    failed.append(click)
    assert failed == []


@pytest.mark.parametrize("user", [OUTSIDER, GUEST, GONE, BOT, UNKNOWN])
def test_a_stranger_changes_nothing_even_in_an_approving_group(user: str) -> None:
    """Who may edit a group in Slack can make nobody a member of the workspace."""
    with stand("asking") as engine:
        click = {"action": "approve", "user": user, "choice": "approve", "card": "right", "team": HOME}
        assert not send(engine, build_click(engine, click))


@pytest.mark.parametrize("deed", ["approve", "deny", "abort", "pause"])
def test_a_replayed_click_changes_nothing(deed: str) -> None:
    """The same envelope, delivered again after it was settled."""
    with stand("asking") as engine:
        click = build_click(engine, {"action": deed, "user": BEN, "choice": "", "card": "right", "team": HOME})
        assert (send(engine, click), send(engine, click)) == (True, False)


@pytest.mark.parametrize("deed", ["approve", "deny", "break-glass"])
def test_a_decided_card_changes_nothing_when_clicked_again(deed: str) -> None:
    """A new click on an old card, by somebody who could have decided."""
    with stand("asking") as engine:
        first = build_click(engine, {"action": "approve", "user": BEN, "choice": "", "card": "right", "team": HOME})
        late = build_click(engine, {"action": deed, "user": CAI, "choice": "", "card": "right", "team": HOME}, 1)
        assert (send(engine, first), send(engine, late)) == (True, False)
