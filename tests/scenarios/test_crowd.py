"""Many people at the same button."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sandbox.watching.messages import consent
from tests.scenarios.rig import ANA, BEN, CAI, Rig

CLICKS = 50


def click_at_once(rig: Rig, count: int) -> list[str]:
    """So many clicks of two approvers on the open question at the same moment; the private answers."""
    message = next(message for message in reversed(rig.world.messages()) if consent(message))
    button = consent(message)
    assert button is not None
    before = {user: len(rig.private(user)) for user in (BEN, CAI)}
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda number: rig.click((BEN, CAI)[number % 2], message, button), range(count)))
    rig.settle()
    return [note["text"] for user in (BEN, CAI) for note in rig.private(user)[before[user] :]]


def test_one_of_fifty_clicks_wins_and_the_others_are_told(rig: Rig) -> None:
    """One compare-and-set decides."""
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: any(consent(message) for message in rig.world.messages()))
    answers = Counter(text.split(" ", 2)[0] for text in click_at_once(rig, CLICKS))
    assert answers == {"You": 1, "Too": CLICKS - 1}
