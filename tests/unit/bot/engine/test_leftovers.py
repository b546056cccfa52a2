"""What is taken back of an ended upgrade stands on the record, begun and done, and in the journal's own chain."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from bot.engine.leftovers import Leftovers
from bot.journal.audit import Acted
from bot.journal.verifying import Chains, verify_journal
from bot.telling.chronicle import Chronicle
from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.contract.step import Done
from steps.mesh import Binding, BindingMark
from steps.phases.own_binding import OWN_BINDING
from tests.unit.bot.workbench import Build, Engine
from tests.unit.steps.paper_ports import ACCOUNT, PaperKubernetes

EMPTY = Binding(OWN_BINDING, "cluster-admin", ())


@pytest.fixture
def engine(build: Build) -> Engine:
    """One upgrade that has ended."""
    engine = build({"end": lambda _ctx: Done("over")})
    engine.add_upgrade(["end"])
    engine.runner.turn()
    assert engine.row().ended_at
    return engine


def bound(engine: Engine, upgrade: str = "cluster-x-1") -> PaperKubernetes:
    """A cluster on which that upgrade left the bot's account bound."""
    kubernetes = PaperKubernetes()
    kubernetes.live_by_roles()
    mark = BindingMark(engine.journal.read_id(), upgrade)
    kubernetes.bindings = {OWN_BINDING: replace(EMPTY, users=(ACCOUNT,), mark=mark)}
    return kubernetes


def look(engine: Engine, kubernetes: PaperKubernetes) -> None:
    """As at a start of the bot."""
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [])
    Leftovers(engine.journal, chronicle, engine.clock).look(cast(Kubernetes, kubernetes), engine.row())


def list_results(engine: Engine) -> list[str]:
    """What the audit says that became of it."""
    events = [entry.event for entry in engine.journal.list_audit("cluster-x-1")]
    return [deed.result for event in events if isinstance(event, Acted) for deed in event.deeds]


def test_what_was_taken_back_stands_in_the_audit(engine: Engine) -> None:
    """Of the upgrade that left it, and once."""
    kubernetes = bound(engine)
    for _ in range(2):
        look(engine, kubernetes)
    assert kubernetes.bindings == {OWN_BINDING: EMPTY}
    assert list_results(engine) == ["begun", f"{OWN_BINDING} emptied"]


def test_the_journals_own_chain_ends_with_it(engine: Engine) -> None:
    """So that it can't be cut off unseen, and nothing else is wrong with the journal."""
    look(engine, bound(engine))
    chains = Chains(engine.store)
    assert verify_journal(chains).faults == ()
    assert chains.list_ends()[-1].head == chains.list_rows("cluster-x-1")[-1].seal
    with engine.store.transact() as db:
        db.execute("delete from audit where action = 'act'")
    assert verify_journal(chains).faults != ()


def test_a_kill_in_the_call_leaves_that_it_began(engine: Engine) -> None:
    """The next bot finds the binding emptied, and could not tell by whom."""
    kubernetes = bound(engine)

    def die(_binding: Binding) -> None:
        raise KeyboardInterrupt

    kubernetes.revise_binding = die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        look(engine, kubernetes)
    assert list_results(engine) == ["begun"]


def test_a_refused_call_stands_in_the_audit(engine: Engine) -> None:
    """With what the server said."""
    kubernetes = bound(engine)

    def refuse(_binding: Binding) -> None:
        raise GiveUp("the server says no", "ask it")

    kubernetes.revise_binding = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(GiveUp):
        look(engine, kubernetes)
    assert list_results(engine) == ["begun", "failed: the server says no"]


def test_what_a_restored_journal_lacks_stands_with_the_clusters_latest_upgrade(engine: Engine) -> None:
    """By the name that its mark has."""
    look(engine, bound(engine, "cluster-x-9"))
    assert list_results(engine)[-1] == f"{OWN_BINDING} emptied"
    told = str(engine.bodies("milestone")[-1]["sentence"])
    assert told.startswith("cluster-admin, which cluster-x-9, lost since, had left behind")


def test_what_others_were_added_to_is_left_and_stands_nowhere(engine: Engine) -> None:
    """Nothing was done."""
    kubernetes = bound(engine)
    found = kubernetes.bindings[OWN_BINDING]
    kubernetes.bindings = {OWN_BINDING: replace(found, others=("Group admins",))}
    look(engine, kubernetes)
    assert (list_results(engine), kubernetes.bindings[OWN_BINDING].users) == ([], (ACCOUNT,))
