"""What becomes of ledger entries whose pods are gone or left behind. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from steps.ledger import EntryState, LedgerEntry
from steps.mesh import Pod
from steps.release import Release
from steps.sidecars.live_pods import has_target


def settle_entries(
    entries: Sequence[LedgerEntry],
    known: Collection[LedgerEntry],
    live: Sequence[Pod],
    release: Release,
    *,
    final: bool,
) -> tuple[LedgerEntry, ...]:
    """Match pods that are gone with replacements on the target, one for one.

    `known` are all entries of the workload: replacements that earlier entries account for are not counted twice.
    Entries without a replacement are gone where `final`, and left as they are otherwise.
    """
    present = {pod.uid: pod for pod in live}
    uids = {entry.uid for entry in known}
    fresh = sum(1 for pod in live if pod.uid not in uids and has_target(pod, release))
    spent = sum(1 for entry in known if entry.state == "upgraded" and entry.uid not in present)
    image = next((pod.proxy_image for pod in live if has_target(pod, release)), "")
    left = max(0, fresh - spent)
    settled = []
    for entry in sorted(entries, key=lambda one: one.pod):
        if entry.uid in present:
            if has_target(present[entry.uid], release):
                settled.append(close_entry(entry, "upgraded", f"on {present[entry.uid].proxy_image}"))
        elif left:
            left -= 1
            settled.append(close_entry(entry, "upgraded", f"its replacement runs {image}"))
        elif final:
            settled.append(close_entry(entry, "gone", f"no replacement: {len(present)} pods are left of the workload"))
    return tuple(settled)


def close_entry(entry: LedgerEntry, state: EntryState, evidence: str) -> LedgerEntry:
    """The entry as upgraded or gone, with what was seen."""
    return dataclasses.replace(entry, state=state, evidence=evidence, reason="", command="", by="")


def orphan_entries(entries: Sequence[LedgerEntry], live: Sequence[Pod], release: Release) -> tuple[LedgerEntry, ...]:
    """The workload is gone but pods of it are not: they are nobody's now, so no one would make them anew."""
    present = {pod.uid for pod in live if not has_target(pod, release)}
    return tuple(
        dataclasses.replace(
            entry,
            state="manual",
            reason="its workload was deleted and left it behind",
            command=f"kubectl -n {entry.namespace} delete pod {entry.pod}  # nothing makes it anew",
        )
        if entry.uid in present
        else close_entry(entry, "gone", "its workload was deleted")
        for entry in entries
    )


