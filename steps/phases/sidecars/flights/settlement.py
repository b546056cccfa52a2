"""What becomes of ledger entries whose pods are gone or left behind. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from steps.contract.ledger import EntryState, LedgerEntry
from steps.contract.release import Release
from steps.contract.wording import count_things
from steps.mesh import EMPTY, Pod
from steps.workloads.injection import has_target


def settle_entries(
    entries: Sequence[LedgerEntry],
    known: Collection[LedgerEntry],
    pods: Sequence[Pod],
    release: Release,
    *,
    final: bool,
    ready_only: bool = False,
    nodes: Mapping[str, str] = EMPTY,
    overdue: Collection[str] = (),
) -> tuple[LedgerEntry, ...]:
    """Match pods that are gone with replacements on the target.

    A StatefulSet's pod is replaced by the one of its name and a DaemonSet's by the one on its node (`nodes`, by the uid
    of the entry), others one for one. `known` are all entries of the workload: replacements that earlier entries
    account for are not counted twice. `pods` hold those on their way out too: such a pod is not gone. Entries without
    a replacement are gone where `final`, and left as they are otherwise. With `ready_only` a replacement that is not
    ready doesn't count. `overdue` are uids of pods that should have ended a while ago.
    """
    scene = _look_over(pods, {entry.uid for entry in known}, release, ready_only)
    left = len(scene.made) - count_spent(known, scene.live)
    settled = []
    for entry in sorted(entries, key=lambda one: (one.uid in scene.leaving, one.pod)):
        own, home = scene.live.get(entry.uid), name_home(entry, nodes)
        if own is not None:
            if has_target(own, release):
                settled.append(close_entry(entry, "upgraded", f"on {own.proxy_image}"))
        elif (successor := scene.find_successor(home)) and (home or left > 0):
            left -= 1
            late = scene.leaving.get(entry.uid) if entry.uid in overdue else None
            settled.append(close_entry(entry, "upgraded", _describe_successor(successor, late)))
        elif final and entry.uid not in scene.leaving:
            settled.append(close_entry(entry, "gone", _describe_absence(len(scene.live), scene.moved)))
    return tuple(settled)


@dataclass(frozen=True)
class _Scene:
    """The workload's pods: live and leaving ones by uid, and those on the target that no entry is about."""

    live: Mapping[str, Pod]
    leaving: Mapping[str, Pod]
    made: tuple[Pod, ...]
    by_home: Mapping[str, Pod]
    moved: int

    def find_successor(self, home: str) -> Pod | None:
        """The pod that stands where another stood; any of those made where no place is known."""
        return self.by_home.get(home) if home else next(iter(self.made), None)


def _look_over(pods: Iterable[Pod], known: Collection[str], release: Release, ready_only: bool) -> _Scene:
    held = list(pods)
    live = {pod.uid: pod for pod in held if not pod.terminating}
    moved = [pod for pod in live.values() if has_target(pod, release) and (pod.is_ready or not ready_only)]
    made = tuple(pod for pod in moved if pod.uid not in known)
    by_home = {home: pod for pod in made for home in (pod.name, pod.node) if home}
    return _Scene(live, {pod.uid: pod for pod in held if pod.terminating}, made, by_home, len(moved))


def name_home(entry: LedgerEntry, nodes: Mapping[str, str]) -> str:
    """How the entry's successor is recognised: a StatefulSet's name, a DaemonSet's node; "" where neither is known."""
    match entry.workload.split("/")[1:2]:
        case ["StatefulSet"]:
            return entry.pod
        case ["DaemonSet"]:
            return nodes.get(entry.uid, "")
        case _:
            return ""


def _describe_successor(successor: Pod, overdue: Pod | None) -> str:
    itself = f"; {overdue.name} itself is still terminating on {overdue.node}" if overdue else ""
    return f"its replacement runs {successor.proxy_image}{itself}"


def _describe_absence(present: int, moved: int) -> str:
    others = f", {present - moved} of them with another sidecar" if present > moved else ""
    return f"not replaced: the workload has {count_things(present, 'pod')} now{others}"


def count_spent(known: Iterable[LedgerEntry], present: Collection[str]) -> int:
    """How many replacements are accounted for: one for each upgraded entry whose own pod is gone."""
    return sum(1 for entry in known if entry.state == "upgraded" and entry.uid not in present)


def close_entry(entry: LedgerEntry, state: EntryState, evidence: str) -> LedgerEntry:
    """The entry as upgraded or gone, with what was seen."""
    return dataclasses.replace(entry, state=state, evidence=evidence, reason="", command="", by="")


def orphan_entries(entries: Iterable[LedgerEntry], live: Iterable[Pod], release: Release) -> tuple[LedgerEntry, ...]:
    """The workload is gone but pods of it are not: nobody owns them now, so nobody would recreate them."""
    present = {pod.uid for pod in live if not has_target(pod, release)}
    return tuple(
        _leave_orphan(entry) if entry.uid in present else close_entry(entry, "gone", "its workload was deleted")
        for entry in entries
    )


def _leave_orphan(entry: LedgerEntry) -> LedgerEntry:
    return dataclasses.replace(
        entry,
        state="manual",
        reason="its workload was deleted and left it behind",
        command=f"kubectl -n {entry.namespace} delete pod {entry.pod}  # nothing makes it anew",
    )
