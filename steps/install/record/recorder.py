"""As whom a recording reads: somebody who may not write, so that istioctl could change nothing even if it wanted to.

Its kubectl writes nothing while it records; the account is what holds a program that doesn't keep to that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from steps.contract.ports import Kubernetes
from steps.mesh import Right

# manifests/target-cluster binds this name to a role that reads, and lets the bot's account act for it.
VIEWER = "asm-upgrade-viewer"
REMEDY = "kubectl apply -k manifests/target-cluster sets up both"
FindsMissing: TypeAlias = Callable[[Sequence[Right]], tuple[Right, ...]]

# What istioctl and its kubectl read while they are recorded.
READS: tuple[Right, ...] = (
    Right("get", "namespaces"),
    Right("get", "customresourcedefinitions", "apiextensions.k8s.io"),
    *(Right("list", name) for name in ("pods", "services", "replicationcontrollers")),
    *(Right("list", name, "apps") for name in ("daemonsets", "deployments", "replicasets", "statefulsets")),
    *(Right("list", name, "batch") for name in ("cronjobs", "jobs")),
    Right("list", "horizontalpodautoscalers", "autoscaling"),
)
# By these an apply takes hold of a cluster; who may none of them may do no more than read. The likeliest come first.
WRITES: tuple[Right, ...] = (
    Right("*", "*", "*"),
    *(
        Right(verb, name, group)
        for group, name in (
            ("rbac.authorization.k8s.io", "clusterrolebindings"),
            ("apps", "deployments"),
            ("rbac.authorization.k8s.io", "clusterroles"),
            ("apps", "daemonsets"),
            ("", "configmaps"),
            ("", "services"),
            ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
            ("apiextensions.k8s.io", "customresourcedefinitions"),
        )
        for verb in ("create", "patch")
    ),
)


@dataclass(frozen=True)
class Recorder:
    """Who records: `acting_for` is "" for the bot's own account, and `doubt` says why that may write."""

    acting_for: str = ""
    doubt: str = ""


def choose_recorder(kubernetes: Kubernetes) -> Recorder:
    """The account itself while it may do no more than read, else the viewer whom it may act for."""
    if not may_write(kubernetes.find_missing_rights):
        return Recorder()
    missing = kubernetes.find_missing_rights_of(VIEWER, READS)
    if missing is None:
        return _doubt(f"may not act for {VIEWER}")
    if missing:
        return _doubt(
            f"can't act for {VIEWER}, who may not {', '.join(f'{right.verb} {right.resource}' for right in missing)}"
        )
    if may_write(lambda rights: kubernetes.find_missing_rights_of(VIEWER, rights) or ()):
        return _doubt(f"can't act for {VIEWER}, who may write as well")
    return Recorder(VIEWER)


def may_write(find_missing: FindsMissing) -> bool:
    """Whether somebody may do any of what an apply writes; asks until the first yes."""
    return any(not find_missing((right,)) for right in WRITES)


def _doubt(why: str) -> Recorder:
    return Recorder(doubt=f"What istioctl hands over was recorded by an account that may write: it {why} ({REMEDY})")
