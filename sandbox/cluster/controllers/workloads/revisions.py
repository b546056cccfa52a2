"""ControllerRevisions: the template history of StatefulSets and DaemonSets."""

from __future__ import annotations

from sandbox.cluster.objects.objects import (
    Json,
    copy_json,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    safe_hash,
    uid_of,
)
from sandbox.cluster.server.apiserver import ApiServer

REVISION_LABEL = "controller-revision-hash"
_KEY = "controllerrevisions.apps"


def current_revision(api: ApiServer, owner: Json) -> Json:
    """Return the revision of the owner's template, made where it is new and moved to the top where it is old."""
    known = revisions_of(api, owner)
    template = owner["spec"]["template"]
    newest = max((row["revision"] for row in known), default=0)
    for row in known:
        if row["data"]["spec"]["template"] == template:
            if row["revision"] == newest:
                return row
            return api.store.put(_KEY, {**row, "revision": newest + 1})
    name = f"{name_of(owner)}-{safe_hash(template, 9)}"
    found = api.store.find(_KEY, namespace_of(owner), name)
    if found is not None:  # a DaemonSet and a StatefulSet of one name and template share it
        return found
    labels = {**(template["metadata"].get("labels") or {}), REVISION_LABEL: name.rpartition("-")[2]}
    metadata = {"name": name, "labels": labels, "ownerReferences": [owner_reference(owner)]}
    body = {"metadata": metadata, "revision": newest + 1, "data": {"spec": {"template": copy_json(template)}}}
    return api.create(api.resources.by_key(_KEY), namespace_of(owner), body)


def revisions_of(api: ApiServer, owner: Json) -> list[Json]:
    """Return an owner's revisions, oldest first."""
    return sorted(api.store.controlled_by(uid_of(owner), _KEY), key=lambda row: int(row["revision"]))


def pod_revision(pod: Json) -> str:
    """Return the pod's revision label."""
    return str(labels_of(pod).get(REVISION_LABEL, ""))
