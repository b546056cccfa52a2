"""Whether a workload is rolled out and on its images: the done conditions of the control plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steps.contract.release import Release
from steps.contract.wording import count_things
from steps.mesh import Pod, Workload, WorkloadRef
from steps.versions import read_tag

Images = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Standing:
    """How a workload of the control plane stands; `missing` says what is not there yet, "" when it is done.

    `wrong_image` is set where its template is not the rendered one.
    """

    ref: WorkloadRef
    tagged: bool
    missing: str = ""
    wrong_image: str = ""


def list_expected(release: Release, images: Images) -> tuple[WorkloadRef, ...]:
    """The workloads to wait for: those of the release's file and every other that was rendered."""
    listed = [WorkloadRef(release.namespace, w.kind, w.name) for w in release.workloads]
    rendered = [_parse_ref(text) for text in sorted(images)]
    return tuple(dict.fromkeys([*listed, *rendered]))


def judge_workloads(release: Release, images: Images, workloads: Iterable[Workload]) -> tuple[Standing, ...]:
    """Hold every expected workload against its rendered images and the done conditions of its kind."""
    live = {workload.ref: workload for workload in workloads}
    return tuple(
        _judge(ref, release, images.get(str(ref), {}), live.get(ref)) for ref in list_expected(release, images)
    )


def find_image_fault(release: Release, ref: WorkloadRef, wanted: Mapping[str, str], workload: Workload | None) -> str:
    """Why the workload's template is not the rendered one, "" where its images are."""
    if workload is None:
        return f"{ref.name} is missing"
    for container, image in wanted.items():
        if workload.images.get(container) != image:
            return f"{ref.name}/{container} is on {workload.images.get(container, 'no image')}, not on {image}"
    tagged = {(w.kind, w.name) for w in release.workloads if w.tagged}
    if not wanted and (ref.kind, ref.name) in tagged:
        stale = [image for image in workload.images.values() if read_tag(image) != release.version]
        return f"{ref.name} is on {stale[0]}" if stale else ""
    return ""


def find_rollout_gap(workload: Workload) -> str:
    """What is missing to a finished rollout, "" where it is finished.

    Counts as kubectl's rollout status does, and stricter: surplus and unavailable pods count too.
    """
    if workload.observed_generation < workload.generation:
        return "its change is not observed yet"
    wanted = workload.replicas
    if workload.updated < wanted:
        return f"{workload.updated} of {wanted} pods updated"
    if workload.available < wanted:
        return f"{workload.available} of {wanted} pods available"
    if workload.ref.kind == "Deployment" and workload.current > wanted:
        return f"{count_things(workload.current - wanted, 'old pod')} still there"
    if workload.ref.kind == "StatefulSet" and workload.current_revision != workload.update_revision:
        return "its revisions differ"
    return ""


def describe_done(release: Release, standings: Iterable[Standing], *, replaced: bool = True) -> str:
    """`control plane replaced: 5 workloads on 1.4.10-asm.18, promsd rolled out`; in place where nothing was applied."""
    tagged = [s for s in standings if s.tagged]
    others = [s.ref.name for s in standings if not s.tagged]
    rest = f", {', '.join(others)} rolled out" if others else ""
    what = "replaced" if replaced else "in place"
    return f"control plane {what}: {count_things(len(tagged), 'workload')} on {release.version}{rest}"


def format_pods(pods: Iterable[Pod], images: Images, now: datetime) -> tuple[str, ...]:
    """The guide's table, `kubectl get pod -n istio-system`, with old or new as a last column."""
    known = {image for containers in images.values() for image in containers.values()}
    rows = [("NAME", "READY", "STATUS", "AGE", "VERSION")]
    for pod in sorted(pods, key=lambda one: one.name):
        version = "new" if known and set(pod.images) <= known else "old"
        rows.append(
            (pod.name, f"{pod.ready}/{pod.total}", write_pod_status(pod), format_age(now - pod.created), version)
        )
    return _align(rows)


def write_pod_status(pod: Pod) -> str:
    """kubectl's STATUS column, as near as the reduced pod allows."""
    if pod.terminating:
        return "Terminating"
    reason = pod.problem.partition(":")[0].strip()
    return reason if reason and " " not in reason and not pod.is_ready else pod.phase


def format_age(age: timedelta) -> str:
    """kubectl's AGE: 20s, 5m36s, 25m, 3h, 2d. A clock behind the cluster's gives 0s."""
    seconds = max(0, int(age.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        rest = seconds % 60
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _judge(ref: WorkloadRef, release: Release, wanted: Mapping[str, str], workload: Workload | None) -> Standing:
    own = any((w.kind, w.name) == (ref.kind, ref.name) and not w.tagged for w in release.workloads)
    tagged = not own and (not wanted or any(read_tag(image) == release.version for image in wanted.values()))
    if workload is None:
        return Standing(ref, tagged, f"{ref.name} is missing")
    fault = find_image_fault(release, ref, wanted, workload)
    gap = find_rollout_gap(workload)
    return Standing(ref, tagged, fault or (f"{ref.name}: {gap}" if gap else ""), fault)


def _parse_ref(text: str) -> WorkloadRef:
    namespace, kind, name = text.split("/", 2)
    return WorkloadRef(namespace, kind, name)


def _align(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return tuple(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
