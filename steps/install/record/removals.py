"""What an apply would take away: prune, and components that are switched off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from steps.contract.ports import Kubernetes, Manifest
from steps.install.differences.rendered import Kinds, ObjectId, identify_object

_COMPONENT = "operator.istio.io/component"
# What `kubectl apply --prune` looks at by default in a namespace.
PRUNED_KINDS: tuple[tuple[str, str], ...] = (
    ("v1", "ConfigMap"),
    ("v1", "Endpoints"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "ReplicationController"),
    ("v1", "Secret"),
    ("batch/v1", "Job"),
    ("batch/v1beta1", "CronJob"),
    ("extensions/v1beta1", "Ingress"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
)
# What `kubectl get all` shows of a component that is switched off.
ALL_KINDS: tuple[tuple[str, str], ...] = (
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("v1", "Service"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("autoscaling/v1", "HorizontalPodAutoscaler"),
    ("batch/v1", "Job"),
    ("batch/v1beta1", "CronJob"),
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, order=True)
class Removal:
    """A live object that istioctl's own kubectl would delete: its name as people read it, and its UID.

    `switched_off` is the component that it is of, where that is switched off; "" where only this object goes.
    """

    name: str
    uid: str
    switched_off: str = ""


def find_removals(
    kubernetes: Kubernetes, objects: Sequence[Manifest], disabled: Iterable[str], hidden: Kinds = frozenset()
) -> tuple[Removal, ...]:
    """Live objects that istioctl's own kubectl would delete, but for the kinds that are `hidden` from the account.

    Those of components that are switched off (`kubectl get all` by component), and those of the record's components
    that are not in the record, lie in one of its namespaces and carry kubectl's annotation, without which prune
    leaves an object alone.
    """
    rendered = {identify_object(item) for item in objects}
    spaces = {item["metadata"].get("namespace", "") for item in objects} - {""}
    enabled = {item["metadata"].get("labels", {}).get(_COMPONENT) for item in objects} - {None, "Base"}
    off = set(disabled)
    found: set[Removal] = set()
    for kinds, item in _list_labelled(kubernetes, hidden):
        component = item["metadata"].get("labels", {}).get(_COMPONENT)
        pruned = kinds in PRUNED_KINDS and component in enabled and _is_prunable(item, rendered, spaces)
        if pruned or (component in off and kinds in ALL_KINDS):
            whole = component if component in off else ""
            found.add(Removal(str(identify_object(item)), str(item["metadata"].get("uid") or ""), whole))
    return tuple(sorted(found))


def read_removals(kubernetes: Kubernetes, names: Iterable[str]) -> Mapping[str, Manifest]:
    """The live objects that `find_removals` named, by name; those that are gone are left out."""
    wanted, found = set(names), dict[str, Manifest]()
    if not wanted:
        return found
    for (api, kind), item in _list_labelled(kubernetes):
        name = str(identify_object(item))
        if name in wanted:
            found.setdefault(name, {"apiVersion": api, "kind": kind, **item})
    return found


def _list_labelled(kubernetes: Kubernetes, hidden: Kinds = frozenset()) -> Iterator[tuple[tuple[str, str], Manifest]]:
    """What carries a component's label and is no controller's, with its apiVersion and kind."""
    for api, kind in sorted({*PRUNED_KINDS, *ALL_KINDS} - hidden):
        for item in kubernetes.list_objects(api, kind, selector=_COMPONENT):
            if not item["metadata"].get("ownerReferences"):
                yield (api, kind), item


def _is_prunable(item: Manifest, rendered: set[ObjectId], spaces: set[str]) -> bool:
    metadata = item["metadata"]
    applied = _LAST_APPLIED in (metadata.get("annotations") or {})
    return applied and metadata.get("namespace", "") in spaces and identify_object(item) not in rendered
