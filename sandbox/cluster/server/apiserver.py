"""The API server without HTTP: create, read, update and patch objects with Kubernetes' rules.

Controllers and the HTTP site use the same calls, so that a controller's pod passes the injector like anybody's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.cluster.objects.conversion import from_stored, to_stored
from sandbox.cluster.objects.defaulting import FIRST_STATUS, TEMPLATE_GENERATION, fill_defaults, keep_texts
from sandbox.cluster.objects.errors import MODIFIED, ApiError, already_exists, bad_request, conflict, failed, not_found
from sandbox.cluster.objects.field_managers import CONTROLLERS, FieldOwner, FieldTracker, drop_unapplied
from sandbox.cluster.objects.objects import (
    Json,
    copy_json,
    is_terminating,
    name_of,
    namespace_of,
    safe_hash,
    stamp,
    uid_for,
    uid_of,
    with_status,
)
from sandbox.cluster.objects.patches import APPLY_PATCH, STRATEGIC_PATCH, apply_patch
from sandbox.cluster.objects.resources import Resource, Resources, custom_resource
from sandbox.cluster.objects.typed_fields import MistypedField, check_types, drop_nulls
from sandbox.cluster.objects.validation import check_changed, check_new
from sandbox.cluster.server.admission import Admission
from sandbox.cluster.server.injection import Injector
from sandbox.cluster.server.policies import Policies
from sandbox.cluster.server.store import Change, Store
from sandbox.cluster.server.webhooks import AdmissionWebhooks

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
# Kinds whose metadata.generation the API server counts.
_COUNTED = frozenset({
    "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "replicationcontrollers",
    "poddisruptionbudgets.policy", "networkpolicies.networking.k8s.io", "ingresses.networking.k8s.io", DEFINITIONS,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
})  # fmt: skip
# Kinds of which it matters who wrote what, when no request did.
_TRACED = frozenset({"deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps"})
_FIXED_METADATA = (
    "uid",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
)


class ApiServer:
    """Objects with the server's rules. Not thread-safe: callers hold the cluster's lock. `now` is simulated time."""

    def __init__(self, store: Store, resources: Resources, injector: Injector, now: Callable[[], float]) -> None:
        self.store = store
        self.resources = resources
        self.now = now
        self.fields = FieldTracker()
        self.policies = Policies()
        self.admission = Admission(store, AdmissionWebhooks(store, injector, self.policies))
        store.listen(self._follow_definitions)

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return an object in its kept form. Raises ApiError 404."""
        found = self.store.find(resource.key, namespace, name)
        if found is None:
            raise not_found(resource.plural, resource.group, name)
        return found

    def create(
        self, resource: Resource, namespace: str, obj: Json, *,
        version: str = "", dry_run: bool = False, manager: FieldOwner | None = None,
    ) -> Json:  # fmt: skip
        """Create an object given in the form of `version`; returns it in its kept form. Raises ApiError."""
        made = self._new_object(resource, namespace, obj, version)
        if self.store.find(resource.key, namespace, name_of(made)) is not None:
            raise already_exists(resource.plural, resource.group, name_of(made))
        spoken = version or resource.stored_version
        fill_defaults(resource, spoken, made, self.resources.minor)
        admitted = self.admission.admit(resource, made, dry_run=dry_run)
        if admitted is not made:
            admitted = copy_json(admitted)  # it shares parts with what was added
            fill_defaults(resource, spoken, admitted, self.resources.minor)
        check_new(resource, admitted)
        self.admission.check_limits(resource, admitted)
        if manager is not None:
            wrote = resource.api_version(spoken)
            first = {"status": admitted.get("status") or {}}
            admitted = self.fields.track(
                first, admitted, manager, wrote, stamp(self.now()), to_stored(resource, spoken, obj)
            )
        return admitted if dry_run else self.store.put(resource.key, admitted)

    def keep_event(self, event: Json) -> Json:
        """Keep an Event that a part of this server wrote, which takes no look at its form. Raises ApiError."""
        space, name = namespace_of(event), name_of(event)
        uid = uid_for(f"events/{space}/{name}/{self.store.revision}")
        metadata = {**event["metadata"], "uid": uid, "creationTimestamp": stamp(self.now())}
        made = {**event, "metadata": metadata, "kind": "Event", "apiVersion": "v1"}
        resource = self.resources.by_key("events")
        admitted = self.admission.admit(resource, made, dry_run=False)
        self.admission.check_limits(resource, admitted)
        return self.store.put("events", admitted)

    def update(
        self, resource: Resource, namespace: str, name: str, obj: Json,
        *, version: str = "", subresource: str = "", dry_run: bool = False, manager: FieldOwner | None = None,
    ) -> Json:  # fmt: skip
        """Replace an object by one in the form of `version`. Raises ApiError 404, 409 or 422."""
        before = self.get(resource, namespace, name)
        if name_of(obj) != name:
            raise bad_request(f"the name of the object ({name_of(obj)}) does not match the name on the URL ({name})")
        after = self._read_object(resource, version or resource.stored_version, obj)
        return self._commit(resource, before, after, version, subresource, dry_run=dry_run, manager=manager)

    def patch(
        self, resource: Resource, namespace: str, name: str, body: Any, media_type: str,
        *, version: str = "", subresource: str = "", dry_run: bool = False, manager: FieldOwner | None = None,
    ) -> Json:  # fmt: skip
        """Patch an object in the form of `version`. Raises ApiError 400, 404, 409, 415 or 422."""
        if resource.custom and media_type == STRATEGIC_PATCH:
            accepted = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
            raise ApiError(415, "UnsupportedMediaType", message)
        spoken = version or resource.stored_version
        if media_type == APPLY_PATCH and self.store.find(resource.key, namespace, name) is None:
            return self.create(resource, namespace, body, version=spoken, dry_run=dry_run, manager=manager)
        before = self.get(resource, namespace, name)
        shown = from_stored(resource, spoken, before)
        applied = body if media_type == APPLY_PATCH else None
        if applied is not None and manager is not None:
            shown = drop_unapplied(shown, applied, manager)
        patched: Json = copy_json(apply_patch(shown, body, media_type))
        if isinstance(body, dict) and not (body.get("metadata") or {}).get("resourceVersion"):
            patched["metadata"].pop("resourceVersion", None)
        if patched["metadata"].get("name") != name:
            raise bad_request("the name of the object does not match the name on the URL")
        try:
            after = self._read_object(resource, spoken, patched)
        except MistypedField as error:
            raise error.of_patch(body, patched, strategic=media_type == STRATEGIC_PATCH) from error
        return self._commit(
            resource, before, after, spoken, subresource, dry_run=dry_run, manager=manager, applied=applied
        )

    def set_status(self, key: str, obj: Json, status: Json, manager: FieldOwner = CONTROLLERS) -> Json:
        """Write a controller's view of an object; writes nothing when it is the same."""
        if obj.get("status") == status:
            return obj
        return self.store.put(key, self._traced(key, obj, with_status(obj, status), manager))

    def put_if_changed(self, key: str, before: Json, after: Json, manager: FieldOwner | None = CONTROLLERS) -> Json:
        """Write a controller's change to an object, counting generations; writes nothing when it is the same."""
        if before == after:
            return before
        return self.store.put(key, self._counted(key, before, self._traced(key, before, after, manager)))

    def _traced(self, key: str, before: Json, after: Json, manager: FieldOwner | None) -> Json:
        """The object with what its writer leaves in managedFields: past requests, on workloads alone."""
        if key not in _TRACED or manager is None:
            return after
        return self.fields.track(
            before, after, manager, self.resources.by_key(key).stored_api_version, stamp(self.now())
        )

    def finish_if_released(self, resource: Resource, obj: Json) -> Json:
        """Remove a terminating object that no finalizer holds any more."""
        held = obj["metadata"].get("finalizers") or (obj.get("spec") or {}).get("finalizers")
        graceful = obj["metadata"].get("deletionGracePeriodSeconds", 0) and resource.key == "pods"
        if is_terminating(obj) and not held and not graceful:
            return self.store.remove(resource.key, obj)
        return obj

    def _new_object(self, resource: Resource, namespace: str, obj: Json, version: str) -> Json:
        spoken = version or resource.stored_version
        made = self._read_object(resource, spoken, obj)
        metadata = made.setdefault("metadata", {})
        if metadata.get("resourceVersion"):
            raise failed("resourceVersion should not be set on objects to be created")
        if resource.namespaced:
            if metadata.setdefault("namespace", namespace) != namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + self._suffix(metadata["generateName"])
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"):
            metadata.pop(name, None)
        metadata["uid"] = uid_for(f"{resource.key}/{namespace}/{metadata.get('name')}/{self.store.revision}")
        metadata["creationTimestamp"] = stamp(self.now())
        if resource.key in _COUNTED or resource.custom:
            metadata["generation"] = 1
        if resource.has_status and resource.key != "nodes":
            made.pop("status", None)
        if resource.key in FIRST_STATUS:
            made["status"] = dict(FIRST_STATUS[resource.key])
        if resource.key == DEFINITIONS:
            made["status"] = _definition_status(made, stamp(self.now()))
        return made

    def _read_object(self, resource: Resource, version: str, obj: Json) -> Json:
        """Return an object in its kept form, as the server reads it. Raises ApiError 400."""
        if resource.custom:
            return to_stored(resource, version, copy_json(obj))
        read = _without_empty_marks(to_stored(resource, version, drop_nulls(obj)))
        if resource.key == "secrets":
            keep_texts(read)
        check_types(resource, version, read)
        return read

    def _suffix(self, base: str) -> str:
        return safe_hash([base, self.store.revision, self.now()], 5)

    def _commit(
        self, resource: Resource, before: Json, after: Json, version: str, subresource: str,
        *, dry_run: bool, manager: FieldOwner | None = None, applied: Json | None = None,
    ) -> Json:  # fmt: skip
        self._check_preconditions(resource, before, after)
        merged = _merge_for(resource, before, after, subresource)
        if merged.get("spec") != before.get("spec") or "webhooks" in merged or "roleRef" in merged:
            fill_defaults(resource, version or resource.stored_version, merged, self.resources.minor)
        if subresource != "status":
            if not subresource:
                merged = self.admission.admit_change(resource, merged, dry_run=dry_run)
            check_changed(resource, before, merged)
        if merged == before:
            return before
        if manager is not None:
            wrote = resource.api_version(version or resource.stored_version)
            merged = self.fields.track(before, merged, manager, wrote, stamp(self.now()), applied)
        counted = self._counted(resource.key, before, merged)  # what the server counts is nobody's field
        if dry_run:
            return counted
        stored = self.store.put(resource.key, counted)
        return self.finish_if_released(resource, stored)

    def _check_preconditions(self, resource: Resource, before: Json, after: Json) -> None:
        wanted = after["metadata"].get("resourceVersion")
        if wanted and wanted != before["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, name_of(before), MODIFIED)
        uid = after["metadata"].get("uid")
        if uid and uid != uid_of(before):
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(before)}"
            raise conflict(resource.plural, resource.group, name_of(before), why)

    def _counted(self, key: str, before: Json, after: Json) -> Json:
        resource = self.resources.find(key)
        if key not in _COUNTED and not (resource and resource.custom):
            return after
        ignored = ("metadata", "status") if resource and (resource.has_status or not resource.custom) else ("metadata",)
        if {name: value for name, value in before.items() if name not in ignored} == {
            name: value for name, value in after.items() if name not in ignored
        }:
            return after
        generation = before["metadata"].get("generation", 1) + 1
        metadata = {**after["metadata"], "generation": generation}
        if key == "daemonsets.apps" and before["spec"]["template"] != after["spec"]["template"]:
            counted = int((metadata.get("annotations") or {}).get(TEMPLATE_GENERATION, "1")) + 1
            metadata["annotations"] = {**(metadata.get("annotations") or {}), TEMPLATE_GENERATION: str(counted)}
        return {**after, "metadata": metadata}

    def _follow_definitions(self, change: Change) -> None:
        if change.key != DEFINITIONS:
            return
        self.resources.remove(name_of(change.obj))
        if change.type != "DELETED":
            self.resources.add(custom_resource(change.obj))

    def follow_definitions(self) -> None:
        """Serve the custom resources of every kept definition (after a restore)."""
        for definition in self.store.each(DEFINITIONS):
            self.resources.remove(name_of(definition))
            self.resources.add(custom_resource(definition))


def _merge_for(resource: Resource, before: Json, after: Json, subresource: str) -> Json:
    if subresource == "status":
        return {**before, "status": after.get("status") or {}}
    metadata = dict(after["metadata"])
    for name in _FIXED_METADATA:
        metadata.pop(name, None)
        if name in before["metadata"]:
            metadata[name] = before["metadata"][name]
    metadata |= {"name": name_of(before), "resourceVersion": before["metadata"]["resourceVersion"]}
    if namespace_of(before):
        metadata["namespace"] = namespace_of(before)
    for name in ("labels", "annotations", "finalizers", "ownerReferences"):
        if name in metadata and not metadata[name]:
            del metadata[name]
    merged = {**after, "metadata": metadata}
    if resource.has_status:
        merged.pop("status", None)
        if "status" in before:
            merged["status"] = before["status"]
    if resource.key == "namespaces" and subresource != "finalize":
        merged["spec"] = before["spec"]
    return merged


def _without_empty_marks(obj: Json) -> Json:
    """Without a pod template's empty labels and annotations: Go writes none, and a template is known by its hash."""
    spec = obj.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    metadata = template.get("metadata") if isinstance(template, dict) else None
    if not isinstance(template, dict) or not isinstance(metadata, dict):
        return obj
    if all(metadata.get(name, True) for name in ("labels", "annotations")):
        return obj
    kept = {name: value for name, value in metadata.items() if value or name not in ("labels", "annotations")}
    return {**obj, "spec": {**obj["spec"], "template": {**template, "metadata": kept}}}


def _definition_status(definition: Json, at: str) -> Json:
    names = definition["spec"].get("names") or {}
    conditions = [
        {"type": "NamesAccepted", "reason": "NoConflicts", "message": "no conflicts found"},
        {"type": "Established", "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"},
    ]
    stored = [row["name"] for row in definition["spec"].get("versions") or () if row.get("storage")]
    return {
        "conditions": [{"status": "True", "lastTransitionTime": at, **row} for row in conditions],
        "acceptedNames": names,
        "storedVersions": stored,
    }
