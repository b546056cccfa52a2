"""Deleting: grace, finalizers, preconditions and what happens to dependents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.cluster.objects.errors import conflict, uid_mismatch
from sandbox.cluster.objects.objects import Json, is_pod_finished, is_terminating, name_of, seconds_of, stamp, uid_of
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.server.apiserver import ApiServer

Propagation = Literal["Background", "Foreground", "Orphan"]

FOREGROUND = "foregroundDeletion"
# Legacy defaults of the API server: these kinds orphan their dependents unless asked otherwise.
_ORPHANING = ("jobs.batch", "replicationcontrollers")


@dataclass(frozen=True)
class DeleteOptions:
    """What a client asks of a deletion; seconds of grace as in the API. An eviction was admitted as one already."""

    grace: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    propagation: Propagation | None = None
    dry_run: bool = False
    admitted: bool = False


def read_delete_options(body: Any, query: Mapping[str, Any]) -> DeleteOptions:
    """Read DeleteOptions from a body (the body wins) and the query."""
    given = body if isinstance(body, dict) else {}
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    propagation: Propagation | None = given.get("propagationPolicy") or query.get("propagationPolicy")
    if propagation is None and "orphanDependents" in given:
        propagation = "Orphan" if given["orphanDependents"] else "Background"
    return DeleteOptions(
        grace=None if grace is None else int(grace),
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        propagation=propagation,
        dry_run=bool(given.get("dryRun") or query.get("dryRun")),
    )


def delete_object(api: ApiServer, resource: Resource, obj: Json, options: DeleteOptions) -> tuple[Json, bool]:
    """Delete an object; returns its last state and whether it is gone already.

    Raises ApiError 409, or what a webhook answers.
    """
    _check_preconditions(resource, obj, options)
    if not options.admitted:
        api.admission.admit_deletion(resource, obj, dry_run=options.dry_run)
    if options.dry_run:
        return obj, True
    policy = options.propagation or ("Orphan" if resource.key in _ORPHANING else "Background")
    if policy == "Orphan":
        _release_dependents(api, obj)
    finalizers = list(obj["metadata"].get("finalizers") or ())
    if policy == "Foreground" and FOREGROUND not in finalizers:
        finalizers.append(FOREGROUND)
    grace = _grace(resource, obj, options)
    if not grace and not finalizers and resource.key != "namespaces":
        return api.store.remove(resource.key, obj), True
    marked = _marked(obj, api.now(), grace, finalizers)
    if resource.key == "namespaces":
        marked["metadata"].pop("deletionGracePeriodSeconds", None)
        marked["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
    return (obj if marked == obj else api.store.put(resource.key, marked)), False


def deletion_answer(resource: Resource, obj: Json) -> Json:
    """Return the Status that answers a deletion that is over."""
    details = {"name": name_of(obj), "kind": resource.plural, "uid": uid_of(obj)}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _check_preconditions(resource: Resource, obj: Json, options: DeleteOptions) -> None:
    if options.uid and options.uid != uid_of(obj):
        raise uid_mismatch(resource.kind, resource.group, name_of(obj), options.uid, uid_of(obj))
    held = obj["metadata"]["resourceVersion"]
    if options.resource_version and options.resource_version != held:
        why = f"Precondition failed: ResourceVersion in precondition: {options.resource_version}, in object: {held}"
        raise conflict(resource.plural, resource.group, name_of(obj), why)


def _grace(resource: Resource, obj: Json, options: DeleteOptions) -> int:
    if resource.key != "pods" or is_pod_finished(obj) or not obj["spec"].get("nodeName"):
        return 0
    if options.grace is not None:
        return options.grace
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30))


def _marked(obj: Json, now: float, grace: int, finalizers: list[str]) -> Json:
    metadata = dict(obj["metadata"])
    if finalizers:
        metadata["finalizers"] = finalizers
    deadline = stamp(now + grace)
    if not is_terminating(obj) or now + grace < seconds_of(metadata["deletionTimestamp"]):
        metadata |= {"deletionTimestamp": deadline, "deletionGracePeriodSeconds": grace}
    return {**obj, "metadata": metadata}


def _release_dependents(api: ApiServer, owner: Json) -> None:
    for key in api.store.kind_keys():
        for dependent in api.store.owned_by(uid_of(owner), key):
            references = [row for row in dependent["metadata"]["ownerReferences"] if row["uid"] != uid_of(owner)]
            metadata = {**dependent["metadata"], "ownerReferences": references}
            if not references:
                del metadata["ownerReferences"]
            api.store.put(key, {**dependent, "metadata": metadata})
