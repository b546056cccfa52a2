"""What becomes of ledger entries whose pods are gone or left behind. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

from steps.contract.ledger import EntryState, LedgerEntry
from steps.contract.release import Release
from steps.contract.wording import count_things
from steps.mesh import Pod
from steps.workloads.injection import has_target


def settle_entries(
    entries: Sequence[LedgerEntry],
    known: Collection[LedgerEntry],
    live: Sequence[Pod],
    release: Release,
    *,
    final: bool,
    ready_only: bool = False,
) -> tuple[LedgerEntry, ...]:
    """Match pods that are gone with replacements on the target, one for one.

    `known` are all entries of the workload: replacements that earlier entries account for are not counted twice.
    Entries without a replacement are gone where `final`, and left as they are otherwise. With `ready_only` a
    replacement that is not ready doesn't count.
    """
    present = {pod.uid: pod for pod in live}
    moved = [pod for pod in live if has_target(pod, release) and (pod.is_ready or not ready_only)]
    uids = {entry.uid for entry in known}
    left = sum(1 for pod in moved if pod.uid not in uids) - count_spent(known, present)
    settled = []
    for entry in sorted(entries, key=lambda one: one.pod):
        pod = present.get(entry.uid)
        if pod is not None:
            if has_target(pod, release):
                settled.append(close_entry(entry, "upgraded", f"on {pod.proxy_image}"))
        elif left > 0:
            left -= 1
            settled.append(close_entry(entry, "upgraded", f"its replacement runs {moved[0].proxy_image}"))
        elif final:
            settled.append(close_entry(entry, "gone", _describe_absence(len(present), len(moved))))
    return tuple(settled)


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
