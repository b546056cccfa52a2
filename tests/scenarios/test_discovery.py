"""Clusters that GKE knows and clusters.toml doesn't: proposed from Slack, never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.settings.clusters import parse_clusters
from sandbox.bot.settings import CLUSTERS
from sandbox.state_folder import StateFolder, write_private
from tests.scenarios.rig import ANA, BEN, CHANNEL, DEE, Rig, open_world

DISCOVERY = '\n[discovery]\nprojects = ["closed-project"]\n'


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A bot that knows cluster-x, in a project with cluster-y; a second project may not be searched."""
    with open_rig(tmp_path_factory.mktemp("discovery")) as built:
        yield built


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Rig]:
    """Another one, which has not looked into GKE yet."""
    with open_rig(tmp_path) as built:
        yield built


@contextmanager
def open_rig(root: Path) -> Iterator[Rig]:
    """The bot of this module in a folder."""
    write_private(StateFolder(root).clusters_file, CLUSTERS + DISCOVERY)
    with open_world(root, neighbour=True, rate_limits=False) as world:
        built = Rig(world)
        yield built
        built.crash()


@pytest.fixture(autouse=True)
def credentials(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot's key file, which each test is given anew."""
    name = "GOOGLE_APPLICATION_CREDENTIALS"
    monkeypatch.setenv(name, rig.world.variables[name])


@pytest.fixture(scope="module")
def revision(rig: Rig) -> int:
    """How often anything was written in cluster-y before the bot came."""
    assert rig.world.neighbour
    return rig.world.neighbour.store.revision


@pytest.fixture(scope="module")
def proposed(rig: Rig, revision: int) -> Rig:
    """A proposal for cluster-y, asked for by ana, that has come to its end."""
    form = open_form(rig, ANA)
    answer = rig.world.act(
        "view-submit",
        user=ANA,
        view_id=form["id"],
        values={"cluster": {"asm-start:cluster": "cluster-y"}, "canary": {"canary": "shop"}},
    )
    assert answer["ok"]
    rig.run_until(lambda: read_state(rig) == "proposed" and bool(list_endings(rig)))
    return rig


def read_state(rig: Rig) -> str:
    """Where the first proposal stands."""
    row = rig.bot.journal.find_upgrade("cluster-y-1")
    return row.state if row else "none"


def open_form(rig: Rig, user: str) -> dict[str, Any]:
    """The form that `start` alone opens, once everything is in it that will be."""
    rig.world.act("command", user=user, channel=CHANNEL, text="/asm-upgrade start")
    rig.world.wait_for_form(user)
    rig.world.wait_for("views", lambda state: "Looking in GKE" not in str(state["views"][user][-1]["blocks"]), rig.turn)
    return rig.world.wait_for_form(user)


def list_options(form: dict[str, Any]) -> dict[str, list[str]]:
    """What the cluster picker offers, by the heading of its groups."""
    element = form["blocks"][0]["element"]
    groups = element.get("option_groups") or [{"label": {"text": ""}, "options": element["options"]}]
    return {group["label"]["text"]: [option["value"] for option in group["options"]] for group in groups}


def read_home(rig: Rig, user: str) -> str:
    """Somebody's Home tab after it was opened and everything has settled, as text."""
    seen = rig.world.read_feed()
    rig.world.act("home", user=user)
    rig.world.wait_for("home", lambda _state: rig.world.has_come("home", seen), rig.bot.home_tabs.turn)
    for _ in range(8):
        rig.turn()
        rig.bot.home_tabs.turn()
        rig.pass_time(4)
    return str(rig.world.state()["homes"][user]["blocks"])


def read_card(rig: Rig) -> str:
    """The last message of the first proposal, as text."""
    return str(list_endings(rig)[0]["blocks"])


def list_endings(rig: Rig) -> list[dict[str, Any]]:
    """The proposals that are in a thread."""
    replies = [message for message in rig.world.messages() if message.get("thread_ts") not in (None, message["ts"])]
    return [message for message in replies if "Proposal only: cluster-y" in str(message["blocks"])]


def test_the_form_opens_before_google_has_answered(fresh: Rig) -> None:
    """A trigger lives three seconds; what GKE knows comes in by an update."""
    fresh.world.act("command", user=ANA, channel=CHANNEL, text="/asm-upgrade start")
    form = fresh.world.wait_for_form(ANA)
    first = list_options(form)

    def find_other(state: dict[str, Any]) -> dict[str, list[str]] | None:
        shown = list_options(state["views"][ANA][-1])
        return None if shown == first else shown

    # The form's own thread says what it wants after Slack has opened it.
    then = fresh.world.wait_for("views", find_other, fresh.bot.search.turn)
    fresh.world.act("view-close", user=ANA, view_id=form["id"])
    assert (first, then) == (
        {"": ["cluster-x"]},
        {"In clusters.toml": ["cluster-x"], "Found in GKE: proposal only": ["cluster-y"]},
    )


def test_the_form_says_which_mtls_mode_is_in_force(rig: Rig) -> None:
    """Read from the cluster itself, which was never upgraded by the bot."""
    form = open_form(rig, ANA)
    rig.turn()
    shown = str(rig.world.state()["views"][ANA][-1]["blocks"])
    rig.world.act("view-close", user=ANA, view_id=form["id"])
    assert "Keep what is in force (PERMISSIVE when last read)" in shown


def test_a_project_that_may_not_be_searched_is_named_in_the_form(rig: Rig) -> None:
    """And hides no other."""
    form = open_form(rig, ANA)
    rig.world.act("view-close", user=ANA, view_id=form["id"])
    assert "closed-project could not be searched" in str(form["blocks"])


def test_the_home_tab_lists_what_was_found(rig: Rig) -> None:
    """With a button for those who may propose."""
    home = read_home(rig, ANA)
    assert ("Found in GKE, not in clusters.toml" in home, "cluster-y" in home, "Propose" in home) == (True, True, True)


def test_who_may_not_start_anything_gets_no_button(rig: Rig) -> None:
    """Dee has no rights."""
    home = read_home(rig, DEE)
    assert ("cluster-y" in home, "Propose" in home) == (True, False)


def test_who_may_not_start_anything_proposes_nothing(rig: Rig) -> None:
    """By command either."""
    assert "not among this cluster's requesters" in rig.command(DEE, "start cluster-y")


def test_the_card_says_that_nobody_can_approve(proposed: Rig) -> None:
    """And why."""
    assert "was found in GKE and is not in clusters.toml, so nobody can approve it" in read_card(proposed)


def test_the_card_has_no_buttons(proposed: Rig) -> None:
    """There is nothing to click, for nobody."""
    assert "'type': 'button'" not in read_card(proposed)


def test_the_card_has_the_lines_to_add(proposed: Rig) -> None:
    """Appended to the file as it is, they make the cluster one of the bot's."""
    lines = re.search(r"\[clusters\.cluster-y\].*?canary_namespaces = [^']*", read_card(proposed))
    assert lines
    text = CLUSTERS + "\n" + lines.group(0).replace("\\n", "\n")
    clusters, faults = parse_clusters(text, Path("clusters.toml"))
    found = clusters["cluster-y"]
    assert (faults, found.address.location, found.options.canary_namespaces, found.policy.approvers) == (
        [],
        "us-east1",
        ("shop",),
        frozenset({BEN, "U0CAI00003"}),
    )


def test_nobody_can_approve_it(proposed: Rig) -> None:
    """By command either."""
    assert "nobody can approve it" in proposed.command(BEN, "approve cluster-y")


def test_the_cluster_was_only_read(proposed: Rig, revision: int) -> None:
    """No object was made, changed or removed."""
    assert proposed.world.neighbour
    assert proposed.world.neighbour.store.revision == revision


def test_a_command_proposes_a_cluster_that_was_not_looked_for_yet(proposed: Rig) -> None:
    """The start waits for the look, and nobody else does."""
    proposed.world.clock.advance(3600)
    told = proposed.command(BEN, "start cluster-y")
    proposed.run_until(lambda: proposed.bot.journal.find_open_upgrade("cluster-y") is None)
    assert "it can be proposed and nobody can approve it. The proposal cluster-y-2" in told


def test_an_unknown_cluster_is_refused_with_what_was_found(proposed: Rig) -> None:
    """Together with what could not be searched."""
    answer = proposed.command(ANA, "start cluster-z")
    parts = ("no cluster `cluster-z`", "not in clusters.toml: cluster-y", "closed-project could not")
    assert [part for part in parts if part not in answer] == []


def test_google_out_of_order_blocks_nothing(rig: Rig) -> None:
    """The form opens, keeps what was known and says what is wrong."""
    known = open_form(rig, ANA)
    rig.world.act("view-close", user=ANA, view_id=known["id"])
    rig.world.clock.advance(3600)
    rig.world.google.switches.status = 403
    try:
        form = open_form(rig, ANA)
    finally:
        rig.world.google.switches.status = 0
    rig.world.act("view-close", user=ANA, view_id=form["id"])
    assert ("example-project could not be searched" in str(form), "cluster-y" in str(form["blocks"][0])) == (True, True)
