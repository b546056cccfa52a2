"""Fifty people of one user group, and nobody else, through Slack's own payloads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.bot.settings import CLUSTERS
from sandbox.slack.workspace.cast import Cast, Person, UserGroup
from sandbox.state_folder import StateFolder, write_private
from sandbox.watching.messages import consent
from tests.scenarios.rig import ANA, Rig, open_world

CROWD = tuple(Person(f"U0CROWD{number:03}", f"crowd{number}", f"Crowd {number}") for number in range(50))
GUEST = Person("U0GUEST001", "guest", "A guest", is_restricted=True)
OUTSIDER = Person("U0OUTSIDER", "outsider", "An outsider", team="T0OTHERCO1")
GROUP = UserGroup("S0CROWD001", "crowd", "Crowd", (*(person.id for person in CROWD), GUEST.id, OUTSIDER.id))


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Rig]:
    """An upgrade that waits for an approval of the group."""
    text = CLUSTERS.replace('approvers = ["U0BEN00002", "U0CAI00003"]', f'approvers = ["{GROUP.id}"]')
    cast = replace(Cast().with_people(*CROWD, GUEST, OUTSIDER), groups=(GROUP,))
    folder = StateFolder(tmp_path)
    write_private(folder.clusters_file, text)
    with open_world(tmp_path, cast=cast) as world:
        rig = Rig(world)
        rig.command(ANA, "start cluster-x")
        rig.run_until(lambda: any(consent(message) for message in world.messages()))
        yield rig
        rig.crash()


def click_together(rig: Rig, people: tuple[Person, ...]) -> list[str]:
    """Each of them clicks the open question at the same moment; the private answers."""
    message = next(message for message in reversed(rig.world.messages()) if consent(message))
    button = consent(message)
    assert button is not None
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda person: rig.click(person.id, message, button), people))
    rig.settle()
    return [note["text"] for person in people for note in rig.private(person.id)]


def test_strangers_of_the_group_are_refused(asking: Rig) -> None:
    """A guest and somebody of another company."""
    answers = click_together(asking, (GUEST, OUTSIDER))
    assert answers == [
        "Guests can't give orders to this bot; ask a member of the workspace.",
        "You belong to another workspace, and this bot takes orders from people of its own only.",
    ]


def test_one_of_fifty_people_wins_and_49_are_told(asking: Rig) -> None:
    """One compare-and-set decides."""
    answers = Counter(click_together(asking, CROWD))
    row = asking.bot.journal.list_questions("cluster-x-1")[0]
    late = f"Too late: access of cluster-x-1 was already approved by <@{row.decided_by}>."
    assert answers == {"You approved access of cluster-x-1.": 1, late: 49}
