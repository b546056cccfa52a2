"""How many pods were sent for a new sidecar, and when, by the calls on record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from bot.evidence.record import CallMade, ChangeRecord


def count_moves(record: ChangeRecord) -> list[tuple[datetime, int]]:
    """Each moment at which pods were sent for a new sidecar, with how many had been sent by then.

    Only pods that have it in the end count: a restart sends all pods of its workload, an eviction sends one.
    """
    places = _list_places(record)
    sent: set[str] = set()
    moves: list[tuple[datetime, int]] = []
    for call in record.calls:
        if born := places.get(_name_place(call), frozenset()) - sent:
            sent |= born
            moves.append((call.at, len(sent)))
    return moves


def _list_places(record: ChangeRecord) -> Mapping[str, frozenset[str]]:
    """The upgraded pods' uids, by their workload and by their own name."""
    places: dict[str, set[str]] = defaultdict(set)
    for entry in record.ledger:
        if entry.state == "upgraded":
            places[entry.workload].add(entry.uid)
            places[f"{entry.namespace} {entry.pod}"].add(entry.uid)
    return {place: frozenset(uids) for place, uids in places.items()}


def _name_place(call: CallMade) -> str:
    if call.result != "accepted":
        return ""
    match call.did:
        case "restart workload":
            return call.to.partition(" ")[0]
        case "evict pod":
            return " ".join(call.to.split(" ")[:2])
        case _:
            return ""
