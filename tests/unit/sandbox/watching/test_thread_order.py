"""A terminal tells a thread in its order, though an edit comes after the posts that follow it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from sandbox.watching.narrator import ThreadOrder

Json = dict[str, Any]


class Watched:
    """An order with what it showed, and what it will do later."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.later: list[Callable[[], None]] = []
        self.order = ThreadOrder(self._show, lambda _, act: self.later.append(act))

    def _show(self, message: Json) -> None:
        self.shown.append((message["ts"], message["text"]))

    def take(self, ts: str, kind: str, text: str, *, open_still: bool = False) -> None:
        """A message, or an edit of one."""
        payload = {"kind": kind, "moving": int(open_still and kind == "progress")}
        button = {"type": "actions", "elements": [{"type": "button", "text": {"text": "Approve"}}]}
        blocks = [button] if open_still and kind == "gate" else []
        metadata = {"event_type": "asm_upgrade_message", "event_payload": payload}
        self.order.take({"ts": ts, "text": text, "blocks": blocks, "metadata": metadata})


def test_an_answer_is_told_before_what_followed_from_it() -> None:
    """Also where the edit of the question comes last."""
    watched = Watched()
    watched.take("1", "gate", "Download?", open_still=True)
    watched.take("2", "milestone", "verified")
    assert watched.shown == [("1", "Download?")]
    watched.take("1", "gate", "approved")
    assert watched.shown[1:] == [("1", "approved"), ("2", "verified")]


def test_the_end_of_a_work_is_told_before_the_next_question() -> None:
    """A bar that has stopped moving is a last word."""
    watched = Watched()
    watched.take("1", "progress", "1/5 pods", open_still=True)
    watched.take("2", "gate", "Validate?", open_still=True)
    watched.take("3", "milestone", "bound")
    watched.take("1", "progress", "5/5 pods")
    assert [text for _, text in watched.shown] == ["1/5 pods", "5/5 pods", "Validate?"]
    watched.take("2", "gate", "approved")
    assert [text for _, text in watched.shown][3:] == ["approved", "bound"]


def test_what_happens_while_a_question_stands_open_is_told_all_the_same() -> None:
    """A moment later: nobody has answered, and a reminder or a pause is worth telling."""
    watched = Watched()
    watched.take("1", "gate", "Download?", open_still=True)
    watched.take("2", "milestone", "paused by @ben")
    watched.later[0]()
    assert watched.shown[-1] == ("2", "paused by @ben")


def test_the_root_is_never_held_and_nothing_stays_behind_at_the_end() -> None:
    """The sandbox leaves with all that it heard told."""
    watched = Watched()
    watched.take("1", "gate", "Download?", open_still=True)
    watched.take("0", "root", "cluster-x")
    watched.take("2", "finished", "upgraded")
    watched.order.flush()
    assert [text for _, text in watched.shown] == ["Download?", "cluster-x", "upgraded"]


def test_each_message_has_its_last_word_before_the_next_begins() -> None:
    """For every order in which they can come: a post comes before its own edit and after the post above it."""
    for came in list_orders():
        watched = Watched()
        for ts, word in came:
            watched.take(ts, "gate", word, open_still=word == "asked")
        told = [(ts, word) for ts in "123" for word in ("asked", "answered")]
        assert watched.shown == [line for line in told if line in watched.shown]
        assert {ts for ts, word in watched.shown if word == "answered"} == {"1", "2", "3"}


def list_orders() -> list[list[tuple[str, str]]]:
    """Every order in which three questions and their answers can come."""
    rest = [("1", "answered"), ("2", "asked"), ("2", "answered"), ("3", "asked"), ("3", "answered")]
    orders = [[("1", "asked"), *order] for order in itertools.permutations(rest)]
    return [came for came in orders if came.index(("2", "asked")) < came.index(("3", "asked")) and has_sense(came)]


def has_sense(came: list[tuple[str, str]]) -> bool:
    """Whether nothing is answered before it was asked."""
    return all(came.index((ts, "asked")) < came.index((ts, "answered")) for ts in "123")
