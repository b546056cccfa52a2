"""get and list."""

from __future__ import annotations

from sandbox.cluster.api.answers import Answer, Writings, read_shape, show_list, show_object
from sandbox.cluster.api.paging import Page, Pager, check_token
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.api.watches import Filter
from sandbox.cluster.objects.errors import bad_request
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.selectors import named_by, parse_field_selector, parse_label_selector
from sandbox.cluster.server.apiserver import ApiServer


def read_filter(request: ApiRequest) -> Filter:
    """Compile the selectors of a request. Raises ApiError 400."""
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    if request.target.name:
        # watch=true on one object's own path.
        fields = f"metadata.name={request.target.name}"
    return Filter(
        request.target.namespace,
        parse_label_selector(labels) if labels else None,
        parse_field_selector(request.target.resource.key, fields) if fields else None,
    )


def get_object(api: ApiServer, request: ApiRequest) -> Answer:
    """Answer a get. Raises ApiError 404."""
    target = request.target
    found = api.get(target.resource, target.namespace, target.name)
    shape = read_shape(request.accept, request.query)
    return Answer(show_object(target.resource, target.version, found, shape, api.now()))


def list_objects(api: ApiServer, pager: Pager, writings: Writings, request: ApiRequest) -> Answer:
    """Answer a list or one page of it. Raises ApiError 400 or 410."""
    target = request.target
    page = _page(api, pager, request)
    metadata: Json = {"resourceVersion": str(page.revision)}
    if page.token:
        metadata["continue"] = page.token
        if not (request.query.get("labelSelector") or request.query.get("fieldSelector")):
            metadata["remainingItemCount"] = page.remaining
    shape = read_shape(request.accept, request.query)
    if shape.form == "object" and not request.by_person:
        return Answer(writings.write_list(target.resource, target.version, page.items, metadata))
    return Answer(show_list(target.resource, target.version, page.items, metadata, shape, api.now()))


def select_objects(api: ApiServer, request: ApiRequest) -> list[Json]:
    """Return every object that a collection request means, sorted."""
    target = request.target
    chosen = read_filter(request)
    name = named_by(request.query.get("fieldSelector", ""))
    if name and target.namespace:
        found = api.store.find(target.resource.key, target.namespace, name)
        return [found] if found is not None and chosen.matches(found) else []
    objects = api.store.each(target.resource.key, target.namespace or None)
    if chosen.labels is None and chosen.fields is None:
        return list(objects)
    return [obj for obj in objects if chosen.matches(obj)]


def _page(api: ApiServer, pager: Pager, request: ApiRequest) -> Page:
    query = request.query
    try:
        limit = int(query.get("limit") or 0)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{query["limit"]}": invalid syntax') from None
    token = query.get("continue", "")
    if token and query.get("resourceVersion") not in (None, "", "0"):
        check_token(token)
        raise bad_request("specifying resource version is not allowed when using continue")
    if query.get("resourceVersion") == "0":
        # Served from the watch cache, which knows no pages.
        limit = 0
    target = request.target
    scope = "|".join(
        (target.resource.key, target.namespace, query.get("labelSelector", ""), query.get("fieldSelector", ""))
    )
    objects = select_objects(api, request)
    if token:
        return pager.next(scope, token, limit, objects, api.store.revision, api.store.compacted)
    return pager.first(scope, objects, limit, api.store.revision)
