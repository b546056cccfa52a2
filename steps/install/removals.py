"""What an apply would take away: prune, and components that are switched off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from steps.contract.ports import Kubernetes, Manifest
from steps.install.rendered import ObjectId, identify

_COMPONENT = "operator.istio.io/component"
# What `kubectl apply --prune` looks at by default, less what only controllers make.
PRUNED_KINDS: tuple[tuple[str, str], ...] = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "ReplicationController"),
    ("v1", "Secret"),
    ("batch/v1", "Job"),
    ("batch/v1beta1", "CronJob"),
    ("extensions/v1beta1", "Ingress"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
)
# What `kubectl get all` shows of a component that is switched off.
ALL_KINDS: tuple[tuple[str, str], ...] = (
    ("v1", "Service"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("autoscaling/v1", "HorizontalPodAutoscaler"),
    ("batch/v1", "Job"),
    ("batch/v1beta1", "CronJob"),
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def find_removals(
    kubernetes: Kubernetes, objects: Sequence[Manifest], disabled: Iterable[str] | None
) -> tuple[str, ...]:
    """Live objects that an apply would delete.

    Where the disabled components are unknown (None), every component that is not rendered counts as one.

    Those of components that are switched off (`kubectl get all` by component), and those of enabled components that
    are rendered no more and carry kubectl's annotation, without which prune leaves an object alone.
    """
    rendered = {identify(item) for item in objects}
    spaces = {item["metadata"].get("namespace", "") for item in objects} - {""}
    enabled = {item["metadata"].get("labels", {}).get(_COMPONENT) for item in objects} - {None, "Base"}
    off = None if disabled is None else set(disabled)
    found: set[ObjectId] = set()
    for kinds, item in _list_labelled(kubernetes):
        component = item["metadata"].get("labels", {}).get(_COMPONENT)
        pruned = kinds in PRUNED_KINDS and component in enabled and _is_prunable(item, rendered, spaces)
        switched_off = component not in enabled | {"Base"} if off is None else component in off
        if pruned or (switched_off and kinds in ALL_KINDS):
            found.add(identify(item))
    return tuple(str(one) for one in sorted(found))


def read_removals(kubernetes: Kubernetes, names: Iterable[str]) -> Iterator[Manifest]:
    """The live objects that `find_removals` named, each once."""
    wanted = set(names)
    for (api, kind), item in _list_labelled(kubernetes):
        if str(identify(item)) in wanted:
            wanted.discard(str(identify(item)))
            yield {"apiVersion": api, "kind": kind, **item}


def _list_labelled(kubernetes: Kubernetes) -> Iterator[tuple[tuple[str, str], Manifest]]:
    """What carries a component's label and is no controller's, with its apiVersion and kind."""
    for api, kind in sorted({*PRUNED_KINDS, *ALL_KINDS}):
        for item in kubernetes.list_objects(api, kind, selector=_COMPONENT):
            if not item["metadata"].get("ownerReferences"):
                yield (api, kind), item


def _is_prunable(item: Manifest, rendered: set[ObjectId], spaces: set[str]) -> bool:
    metadata = item["metadata"]
    applied = _LAST_APPLIED in (metadata.get("annotations") or {})
    return applied and metadata.get("namespace", "") in spaces and identify(item) not in rendered
