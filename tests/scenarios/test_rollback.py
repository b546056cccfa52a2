"""The way back through Slack: ordered after the end or in the middle, and what the cluster is then."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.watching.messages import kind_of
from tests.journals.restoring import open_studio
from tests.scenarios.film import THE_END, Film
from tests.scenarios.records import list_thread, sort_waves
from tests.scenarios.rig import ANA, BEN, CAI, Rig, open_world
from tests.scenarios.sights import Sight, look, read_row

GOLDEN = Path(__file__).parent.parent / "golden" / "rollback.txt"
pytestmark = pytest.mark.timeout(600)
REASON = "the new proxies leak"


def order_return(rig: Rig, user: str = ANA) -> str:
    """Somebody types the command; the private answer."""
    return rig.command(user, f"rollback cluster-x {REASON}")


def list_asked(rig: Rig, upgrade: str) -> list[str]:
    """The steps that asked a person anything."""
    return [question.step for question in rig.bot.journal.list_questions(upgrade)]


@dataclass(frozen=True)
class Story:
    """An upgrade, its way back and an upgrade again: what the cluster held before, and after each."""

    rig: Rig
    before: Sight
    upgraded: Sight
    back: Sight
    again: Sight


@pytest.fixture(scope="module")
def story(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """cluster-x, upgraded, taken back by Ana alone, the policies put back by Ben, and upgraded once more."""
    with (
        open_world(tmp_path_factory.mktemp("story"), wire=False) as world,
        open_studio(world).resume(film.reel.frames[THE_END]) as rig,
    ):
        sights = [film.reel.before, look(world)]
        for words in (f"rollback cluster-x {REASON}", "start cluster-x"):
            rig.command(ANA, words)
            rig.upgrade_all(BEN)
            sights.append(look(world))
        rig.deliver()
        yield Story(rig, *sights)


def test_the_cluster_is_as_before(story: Story) -> None:
    """Control plane, sidecars and policies; pods that a person was left with never moved."""
    assert (story.back, story.upgraded == story.before) == (story.before, False)


def test_one_person_s_word_is_enough(story: Story) -> None:
    """The approval of the control plane covers the way back; only the edited policies ask."""
    assert read_row(story.rig, "cluster-x-2").requester == ANA
    assert list_asked(story.rig, "cluster-x-2") == ["authorization/approve-return"]


def test_both_are_linked(story: Story) -> None:
    """A row of its own, that names what it takes back."""
    first, second = read_row(story.rig, "cluster-x-1"), read_row(story.rig, "cluster-x-2")
    assert (first.state, second.state, second.takes_back) == ("upgraded", "returned", "cluster-x-1")


def test_only_what_was_moved_is_restarted(story: Story) -> None:
    """The pods that kept the earlier sidecar all along are counted."""
    entries = story.rig.bot.journal.read_ledger("cluster-x-2")
    assert {entry.state for entry in entries} == {"upgraded"}
    assert sum(entry.evidence.startswith("already on") for entry in entries) == 2


def test_the_rights_are_given_back(story: Story) -> None:
    """The binding of the manifests stands empty again."""
    bindings = [
        found.get("subjects")
        for found in story.rig.world.cluster.canonical_state()
        if found["kind"] == "ClusterRoleBinding" and found["metadata"]["name"].startswith("cluster-admin-binding")
    ]
    assert bindings == [[]]


def test_an_upgrade_again_ends_where_one_upgrade_ends(story: Story) -> None:
    """The way back leaves nothing behind."""
    journal = story.rig.bot.journal
    assert (read_row(story.rig, "cluster-x-3").state, story.again) == ("upgraded", story.upgraded)
    assert journal.count_ledger("cluster-x-3") == journal.count_ledger("cluster-x-1")


def test_the_thread_reads_as_the_golden_transcript(story: Story) -> None:
    """What people read of the way back, in order. GOLDEN=write makes the file anew."""
    messages = story.rig.world.messages()
    root = [message["ts"] for message in messages if kind_of(message) == "root"][1]
    thread = [
        ("milestone" if kind == "progress" and "re-injected" not in text else kind, text)
        for (kind, text), message in zip(list_thread(story.rig.world), messages, strict=True)
        if message.get("thread_ts") == root or message["ts"] == root
    ]
    told = "".join(f"{kind or 'file'}: {text}\n" for kind, text in sort_waves(thread))
    told = re.sub(r"[\d.]+ MB", "SIZE", told)  # of an archive with the sandbox's own programs in it
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")


def test_nothing_is_taken_back_that_nothing_was_written_of(rig: Rig) -> None:
    """Before the first write, and without any upgrade; and never without a reason."""
    assert order_return(rig) == "No upgrade of cluster-x has changed it, so there is nothing to take back."
    rig.command(ANA, "start cluster-x")
    assert "has written nothing to the control plane" in order_return(rig, CAI)
    assert rig.command(ANA, "rollback cluster-x").startswith("Say why: `/asm-upgrade rollback cluster-x REASON`.")
