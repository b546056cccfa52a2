"""create, update, patch, delete and deletecollection."""

from __future__ import annotations

from sandbox.cluster.api.answers import Answer, read_shape, show_list, show_object
from sandbox.cluster.api.reading import select_objects
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.objects.conversion import to_stored
from sandbox.cluster.objects.errors import ApiError, bad_request, forbidden
from sandbox.cluster.objects.objects import Json, name_of
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.objects.typed_fields import check_known
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.authorization import Authorizer
from sandbox.cluster.server.deletion import delete_object, deletion_answer, read_delete_options

FIELD_VALIDATION = 25
_BINDINGS = ("clusterrolebindings", "rolebindings")


class Writer:
    """Answers the verbs that change objects."""

    def __init__(self, api: ApiServer, authorizer: Authorizer) -> None:
        self._api = api
        self._authorizer = authorizer

    def create(self, request: ApiRequest) -> Answer:
        """Create an object."""
        target = request.target
        body = self._typed_body(request)
        if target.resource.namespaced and not target.namespace:
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        self._check_grant(request, body)
        made = self._api.create(
            target.resource, target.namespace, body,
            version=target.version, dry_run=request.dry_run, manager=request.writer,
        )  # fmt: skip
        return self._shown(request, made, 201)

    def update(self, request: ApiRequest) -> Answer:
        """Replace an object."""
        target = request.target
        body = self._typed_body(request)
        self._check_grant(request, body)
        changed = self._api.update(
            target.resource, target.namespace, target.name, body, version=target.version,
            subresource=target.subresource, dry_run=request.dry_run, manager=request.writer,
        )  # fmt: skip
        return self._shown(request, changed)

    def patch(self, request: ApiRequest) -> Answer:
        """Patch an object."""
        target = request.target
        found = self._api.store.find(target.resource.key, target.namespace, target.name)
        existed = found is not None
        if isinstance(request.body, dict):
            self._check_grant(request, {**(found or {}), **request.body})
        self._check_fields(request)
        changed = self._api.patch(
            target.resource, target.namespace, target.name, request.body, request.content_type,
            version=target.version, subresource=target.subresource, dry_run=request.dry_run, manager=request.writer,
        )  # fmt: skip
        return self._shown(request, changed, 200 if existed else 201)

    def delete(self, request: ApiRequest) -> Answer:
        """Delete one object."""
        target = request.target
        found = self._api.get(target.resource, target.namespace, target.name)
        options = read_delete_options(request.body, request.query)
        last, gone = delete_object(self._api, target.resource, found, options)
        if gone and target.resource.key != "pods":
            return Answer(deletion_answer(target.resource, last))
        return self._shown(request, last)

    def delete_collection(self, request: ApiRequest) -> Answer:
        """Delete every object that the selectors mean."""
        options = read_delete_options(request.body, request.query)
        target = request.target
        gone = [
            delete_object(self._api, target.resource, obj, options)[0] for obj in select_objects(self._api, request)
        ]
        metadata: Json = {"resourceVersion": str(self._api.store.revision)}
        shape = read_shape("application/json", {})
        return Answer(show_list(target.resource, target.version, gone, metadata, shape, self._api.now()))

    def _typed_body(self, request: ApiRequest) -> Json:
        body, target = request.object_body(), request.target
        wanted = target.resource.api_version(target.version)
        kind, api = body.get("kind", target.resource.kind), body.get("apiVersion", wanted)
        if kind != target.resource.kind and api == wanted:
            raise bad_request(_describe_other(target.resource, target.version, str(kind)))
        if kind != target.resource.kind or api != wanted:
            message = f"{target.resource.kind} in version {target.version!r} cannot be handled as a {kind} of {api}"
            raise bad_request(
                f"the object provided is unrecognized (must be of type {target.resource.kind}): {message}"
            )
        self._check_fields(request)
        return body

    def _check_fields(self, request: ApiRequest) -> None:
        """Refuse fields that have no meaning where the client asks for it, which servers heed since 1.25."""
        target = request.target
        asked = request.query.get("fieldValidation") == "Strict" and self._api.resources.minor >= FIELD_VALIDATION
        if asked and isinstance(request.body, dict) and target.version == target.resource.stored_version:
            check_known(target.resource, target.version, request.body)

    def _check_grant(self, request: ApiRequest, body: Json) -> None:
        """Refuse a binding to a role that the user could not grant."""
        target = request.target
        role = body.get("roleRef")
        if target.resource.plural not in _BINDINGS or not role or self._authorizer.may_bind(request.user, role):
            return
        stored = to_stored(target.resource, target.version, body)
        who = f'user "{request.user.name}" (groups={list(request.user.groups)})'
        why = f"{who} is attempting to grant RBAC permissions not currently held"
        raise forbidden(target.resource.plural, target.resource.group, name_of(stored), why)

    def _shown(self, request: ApiRequest, obj: Json, status: int = 200) -> Answer:
        target = request.target
        shape = read_shape(request.accept, request.query)
        return Answer(show_object(target.resource, target.version, obj, shape, self._api.now()), status)


def _describe_other(resource: Resource, version: str, kind: str) -> str:
    inside = f"{resource.group.partition('.')[0] or 'core'}.{resource.kind}"
    refused = f'{kind} in version "{version}" cannot be handled as a {resource.kind}'
    return f"{refused}: converting ({version}.{kind}) to ({inside}): unknown conversion"
