"""What can go wrong when a workload is restarted, told before anybody approves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from steps.contract.wording import count_things
from steps.mesh import Workload, WorkloadRef
from steps.versions import parse_image
from steps.workloads.around import find_broken, find_crowded, find_disk, find_placeless, find_stranded_pods
from steps.workloads.injection import PINNED_IMAGE
from steps.workloads.inventory import Condition, ConfigurationKey
from steps.workloads.method import EVICTABLE, is_gateway
from steps.workloads.owners import find_applier, find_operator
from steps.workloads.placement import count_surge, find_single_disk
from steps.workloads.subject import LEVELS, Risk, Subject

_BY_HAND = ("sidecar by hand", "its template holds the sidecar itself")


def find_risks(subject: Subject) -> tuple[Risk, ...]:
    """All risks of a workload, the worst first."""
    found = [risk for rule in RULES for risk in rule(subject)]
    return tuple(sorted(found, key=lambda risk: -LEVELS.index(risk.level)))


def _bare(subject: Subject) -> Iterator[Risk]:
    if subject.ref.kind == "Pod":
        yield Risk("bare pod", "care", "no controller owns it", "never deletes it", "delete it and create it again")


def _finishing(subject: Subject) -> Iterator[Risk]:
    spent = [finding.pod.name for finding in subject.findings if finding.pod.spent]
    if subject.ref.kind == "Job" and spent:
        fact = f"a Job whose work is done: only the proxy of {spent[0]} lives on"
        yield Risk("Job", "note", fact, "leaves it", "end the proxy, which completes the Job")
    elif subject.ref.kind == "Job":
        yield Risk("Job", "note", "a running Job", "leaves it to finish", "wait for it, or start it again afterwards")


def _unknown(subject: Subject) -> Iterator[Risk]:
    if subject.method == "manual" and subject.workload is None and subject.ref.kind not in ("Pod", "Job"):
        fact = f"its owner {subject.ref.kind} is not known"
        yield Risk("unknown owner", "care", fact, "does not touch it", "restart it as its operator says")


def _vetoed(subject: Subject) -> Iterator[Risk]:
    """What keeps pods from the new sidecar whatever the method."""
    own = ("gateway", "the proxy is its own program") if is_gateway(subject.workload) else _BY_HAND
    vetoes: Mapping[Condition, tuple[str, str, str]] = {
        "pinned": ("pinned sidecar", f"annotation {PINNED_IMAGE} pins its sidecar", "remove the annotation"),
        "by-hand": (*own, "put the new image into its template"),
        "losing": (
            "would lose its sidecar", "its namespace or template no longer asks for the sidecar that it has",
            "label the namespace or mend the template",
        ),
    }  # fmt: skip
    for condition, (kind, fact, person) in vetoes.items():
        count = _count_condition(subject, condition)
        if count:
            yield Risk(kind, "care", f"{fact} ({count_things(count, 'pod')})", "leaves it as it is", person)


def _count_condition(subject: Subject, condition: Condition) -> int:
    return sum(1 for finding in subject.findings if finding.condition == condition and not finding.skipped)


def _unborn(subject: Subject) -> Iterator[Risk]:
    count = _count_condition(subject, "missing")
    if count and subject.method != "manual":
        fact = f"{count_things(count, 'pod')} of it started without the sidecar that should be there"
        person = "opt it out, or take the label off its namespace"
        yield Risk("no sidecar yet", "care", fact, "restarts it, which adds one", person)


def _held(subject: Subject) -> Iterator[Risk]:
    workload = subject.workload
    if workload is None:
        return
    if workload.strategy == "OnDelete":
        bot = "evicts pod by pod where that keeps the revision" if subject.method == "evict" else "leaves it"
        yield Risk("OnDelete", "care", "update strategy OnDelete", bot, "switch it to RollingUpdate")
    if workload.partition:
        fact = f"partition {workload.partition} holds back an update"
        bot = "evicts pod by pod where that keeps the revision" if subject.method == "evict" else "leaves it"
        yield Risk("partition", "care", fact, bot, "set the partition to 0")
    if workload.paused:
        bot = "evicts its pods" if subject.method == "evict" else "leaves it"
        yield Risk("paused", "care", "its rollout is paused", bot, "resume the rollout")
    elif subject.method == "manual" and workload.ref.kind == "Rollout" and workload.stalled:
        yield Risk(
            "aborted", "care", "its rollout was aborted or is stuck", "leaves it", "bring the rollout to its end"
        )


def _drifted(subject: Subject) -> Iterator[Risk]:
    """Pods whose eviction would roll a change out that nothing else tells of."""
    workload = subject.workload
    if workload is None or subject.method != "manual" or workload.ref.kind not in EVICTABLE or workload.paused:
        return
    movable = _count_condition(subject, "outdated") + _count_condition(subject, "missing")
    if movable and workload.strategy != "OnDelete" and not workload.partition:
        fact = "its template changed since its pods started"
        yield Risk("changed template", "care", fact, "leaves it", "roll the change out")


def _recreating(subject: Subject) -> Iterator[Risk]:
    workload = subject.workload
    recreated = workload and workload.ref.kind == "Deployment" and workload.strategy == "Recreate"
    if recreated and subject.method == "restart":
        fact = "strategy Recreate: all pods stop before the first new one starts"
        yield Risk("Recreate", "outage", fact, "restarts it all the same", "skip it and restart it in a quiet hour")


def _single(subject: Subject) -> Iterator[Risk]:
    workload = subject.workload
    if workload is None or workload.replicas != 1 or subject.method == "manual" or workload.strategy == "Recreate":
        return
    if workload.ref.kind == "DaemonSet":
        return
    surging = workload.ref.kind == "Deployment" and subject.method == "restart" and _surges(workload)
    if surging and find_single_disk(workload, subject.inventory.claims):
        return
    if surging:
        fact, level = "a single replica", "note"
        bot = "starts the new pod before the old one stops"
    else:
        fact, level = "a single replica, away while it restarts", "outage"
        bot = "restarts it all the same"
    yield Risk("single replica", level, fact, bot, "scale it to 2 for the upgrade")  # type: ignore[arg-type]


def _surges(workload: Workload) -> bool:
    return count_surge(workload) > 0


def _budgeted(subject: Subject) -> Iterator[Risk]:
    budgets = subject.budgets
    evicting = subject.method in ("evict", "restart-at")
    if evicting and len(budgets) > 1:
        names = ", ".join(budget.name for budget in budgets)
        fact = f"more than one disruption budget covers it ({names}): Kubernetes refuses every eviction"
        yield Risk("overlapping budgets", "care", fact, "reports it as failing", "leave one budget")
        return
    for budget in budgets:
        if budget.disruptions_allowed > 0:
            continue
        fact = f"disruption budget {budget.name} allows 0 now"
        if evicting:
            yield Risk("PDB 0", "care", fact, "waits for it, then asks", "raise the budget or scale up", passing=True)
        elif subject.method == "restart":
            bot = "restarts by rollout, which goes by the strategy and not by the budget"
            yield Risk("PDB 0", "care", fact, bot, "choose eviction for the namespace", passing=True)


def _moving(subject: Subject) -> Iterator[Risk]:
    workload = subject.workload
    if workload and subject.method == "restart" and is_rolling(workload):
        fact = "a rollout is in progress"
        yield Risk("rollout in progress", "note", fact, "waits for it to end first", "finish it", passing=True)


def is_rolling(workload: Workload) -> bool:
    """Whether a template change is still rolling out; unready pods alone don't count."""
    if workload.observed_generation < workload.generation:
        return True
    if workload.ref.kind == "DaemonSet":
        return workload.updated < workload.replicas
    if workload.ref.kind == "StatefulSet":
        return bool(workload.update_revision) and workload.current_revision != workload.update_revision
    return workload.updated < min(workload.replicas, workload.current) or workload.current > max(
        workload.updated, workload.replicas
    )


def _unprobed(subject: Subject) -> Iterator[Risk]:
    workload = subject.workload
    if workload and not workload.probed and subject.method != "manual":
        fact = "no readiness probe: a new pod counts as ready at once"
        yield Risk("no readiness probe", "note", fact, "can't tell whether the new pods work", "watch it")


def _scaled_out(subject: Subject) -> Iterator[Risk]:
    for scaler in subject.inventory.autoscalers:
        if scaler.target == subject.ref and scaler.current >= scaler.maximum and subject.method != "manual":
            fact = f"its autoscaler {scaler.name} is at its maximum of {scaler.maximum}"
            person = "raise the maximum for the upgrade"
            yield Risk("HPA at max", "care", fact, "restarts it all the same", person, passing=True)


def _mutable(subject: Subject) -> Iterator[Risk]:
    workload = subject.workload
    if workload is None or subject.method == "manual":
        return
    loose = sorted(image for image in workload.images.values() if is_mutable(image))
    if loose:
        fact = f"image tag may point elsewhere by now: {', '.join(loose)}"
        yield Risk("mutable image tag", "note", fact, "restarts it all the same", "pin the image")


def is_mutable(image: str) -> bool:
    """Whether a pull today may bring something else than the pod runs: no digest, and no tag or one that moves."""
    reference = parse_image(image)
    return not reference.digest and reference.tag in ("", "latest", "stable", "main", "master", "dev", "edge")


def _owned(subject: Subject) -> Iterator[Risk]:
    """An operator that made the workload from a custom resource may undo what it did not do itself."""
    operator = find_operator(subject.workload.owner) if subject.workload else ""
    if not operator or subject.method == "manual":
        return
    if subject.method == "evict":
        fact = f"an operator owns it: {operator}"
        yield Risk("operator above", "note", fact, "evicts its pods, which changes nothing that the operator keeps")
        return
    fact = f"an operator owns it and may take the restart back: {operator}"
    bot = "restarts it, and stops after the second time"
    yield Risk("operator above", "care", fact, bot, "choose eviction for the namespace, or restart it by its operator")


def _kept(subject: Subject) -> Iterator[Risk]:
    """A tool that applies objects, by the marks that it leaves; most keep what they did not write."""
    workload = subject.workload
    applier = find_applier(workload.labels, workload.annotations) if workload else None
    if applier is None or subject.method == "manual":
        return
    if not applier.reverts or subject.method == "evict":
        yield Risk("applied by a tool", "note", f"it is applied by {applier}", "changes nothing that this keeps")
        return
    fact = f"it is kept by {applier}, which may take the restart back"
    bot = "restarts it, and stops after the second time"
    yield Risk("kept by a tool", "note", fact, bot, "pause the sync for the upgrade, or choose eviction", shared=True)


def describe_shared(risks: Mapping[WorkloadRef, Sequence[Risk]]) -> tuple[str, ...]:
    """The shared risks, each once, with how many workloads have it and the first of them."""
    having: dict[str, list[WorkloadRef]] = {}
    for ref, own in risks.items():
        for risk in own:
            if risk.shared:
                having.setdefault(risk.sentence, []).append(ref)
    return tuple(f"{_name_first(refs)}: {sentence}" for sentence, refs in having.items())


def _name_first(refs: Sequence[WorkloadRef]) -> str:
    return f"{refs[0]} and {count_things(len(refs) - 1, 'more workload')}" if len(refs) > 1 else str(refs[0])


def _stale_configuration(subject: Subject) -> Iterator[Risk]:
    """A restart picks up what pods that started earlier have not seen yet."""
    workload = subject.workload
    if workload is None or subject.method == "manual" or not subject.findings:
        return
    oldest = min(finding.pod.created for finding in subject.findings)
    used = [("ConfigMap", name) for name in workload.config_maps] + [("Secret", name) for name in workload.secrets]
    changes, space = subject.inventory.changes, subject.ref.namespace
    changed = [f"{kind} {name}" for kind, name in used if _is_newer(changes, (space, kind, name), oldest)]
    if changed:
        fact = f"{', '.join(changed)} changed since its pods started"
        yield Risk("changed configuration", "care", fact, "restarts it, which picks the change up", "check the change")


def _is_newer(changes: Mapping[ConfigurationKey, datetime], key: ConfigurationKey, than: datetime) -> bool:
    return key in changes and changes[key] > than


RULES: tuple[Callable[[Subject], Iterator[Risk]], ...] = (
    _bare,
    _finishing,
    _unknown,
    _vetoed,
    _unborn,
    _held,
    _drifted,
    _recreating,
    _single,
    find_disk,
    find_placeless,
    _budgeted,
    _moving,
    _unprobed,
    _scaled_out,
    find_broken,
    find_stranded_pods,
    _mutable,
    find_crowded,
    _owned,
    _kept,
    _stale_configuration,
)
