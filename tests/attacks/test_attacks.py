"""Every attack of the table is launched through its door, and stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.journal.store import Store
from tests.attacks import (
    archive_door,
    cluster_door,
    environment_door,
    file_door,
    http_door,
    slack_doors,
    slack_house,
    state_door,
)
from tests.attacks.table import DOORS, KINDS, Attack, Door
from tests.unit.bot.keys import KEY

ATTACKS: list[Attack] = [
    *slack_doors.ATTACKS,
    *http_door.ATTACKS,
    *file_door.ATTACKS,
    *cluster_door.ATTACKS,
    *archive_door.ATTACKS,
    *state_door.ATTACKS,
    *environment_door.ATTACKS,
]
# What stands behind each door; those of one function share it.
GROUNDS: Mapping[Door, Callable[[Path], AbstractContextManager[Any]]] = {
    "command": slack_house.open_house,
    "button": slack_house.open_house,
    "form": slack_house.open_house,
    "event": slack_house.open_house,
    "http": http_door.open_server,
    "file": file_door.open_desk,
    "cluster": cluster_door.open_cluster,
    "archive": archive_door.open_shelf,
    "state folder": state_door.open_journals,
    "environment": environment_door.open_environment,
}


@pytest.fixture(scope="module")
def enter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Door], Any]]:
    """What stands behind a door, opened once."""
    opened: dict[object, Any] = {}
    with ExitStack() as stack:

        def open_door(door: Door) -> Any:
            make = GROUNDS[door]
            if make not in opened:
                opened[make] = stack.enter_context(make(tmp_path_factory.mktemp("ground")))
            return opened[make]

        yield open_door


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_it_is_stopped(attack: Attack, enter: Callable[[Door], Any]) -> None:
    """Nothing changes, nothing hangs, and the next one is served."""
    assert attack.launch(enter(attack.door)) == ""


@pytest.mark.parametrize(
    "act",
    [slack_doors.approve_rightly, slack_doors.deny_rightly, slack_doors.pause_rightly],
    ids=lambda act: act.__name__,
)
def test_what_is_allowed_is_not_stopped(act: Callable[[slack_house.House], int], tmp_path: Path) -> None:
    """The attacks would prove nothing before a door that is walled up."""
    with slack_house.open_house(tmp_path) as house:
        assert house.judge(lambda: act(house)) == "it changed something"


@pytest.mark.parametrize("name", ["asking", "passed", "held"])
def test_a_journal_that_nobody_touched_goes_on(name: str, tmp_path: Path) -> None:
    """As far as it may: the one whose gate was passed acts."""
    with state_door.open_journals(tmp_path) as journals:
        assert journals.list_acts(name, ()) == (["cluster-x"] if name == "passed" else [])


# What is only waited for, shown or told: nobody decides by it.
UNDECIDED = {
    "deliveries", "held_steps", "identity", "ledger", "presence", "put_away", "reminders", "steps", "webhooks",
}  # fmt: skip


def test_every_table_that_a_decision_rests_on_is_attacked(tmp_path: Path) -> None:
    """A new table of the journal is attacked, or said to be of no such use."""
    store = Store(tmp_path / "asm-upgrade.db", KEY)
    rows = store.read("select name from sqlite_master where type = 'table' and name not like '\\_%' escape '\\'")
    store.close()
    attacked = {attack.name.partition(":")[0] for attack in state_door.ATTACKS}
    assert {row["name"] for row in rows} - {"sqlite_sequence"} == attacked | UNDECIDED


def test_the_table_is_counted() -> None:
    """No door and no kind of attack is left out."""
    doors = Counter(attack.door for attack in ATTACKS)
    assert sum(doors.values()) >= 150
    assert {door: number for door in DOORS if (number := doors[door]) < 10} == {}
    assert {attack.kind for attack in ATTACKS} == set(KINDS)
    assert [name for name, number in Counter(attack.id for attack in ATTACKS).items() if number > 1] == []


def test_the_numbers_are_written_down(project_root: Path) -> None:
    """docs/security.md says how many there are, by door and kind."""
    counted = Counter((attack.door, attack.kind) for attack in ATTACKS)
    lines = [f"| | {' | '.join(KINDS)} | all |", f"| --- |{' --- |' * (len(KINDS) + 1)}"]
    for door in DOORS:
        numbers = [counted[door, kind] for kind in KINDS]
        lines.append(f"| {door} | {' | '.join(str(number or '') for number in numbers)} | {sum(numbers)} |")
    lines.append(
        f"| all | {' | '.join(str(sum(counted[d, kind] for d in DOORS)) for kind in KINDS)} | {len(ATTACKS)} |"
    )
    table = "\n".join(lines)
    assert table in (project_root / "docs" / "security.md").read_text(encoding="utf-8"), f"\n{table}"
