"""A refused request in kubectl's words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.release.tools.kube_api import Json, KubeApi, KubeError


# What is said where kubectl looks up the kinds of objects, before it touches any.
NO_CREDENTIALS = "the server has asked for the client to provide credentials"


class Failed(Exception):
    """The command ends with 1 and this text on standard error."""


def tell(api: KubeApi, error: KubeError, why_logged_in: str = "Unauthorized") -> str:
    """Say what went wrong with a request of its own."""
    if error.status == 401:
        return f"error: You must be logged in to the server ({why_logged_in})"
    if error.status == 0 and "connection refused" in error.detail:
        return (
            f"The connection to the server {api.access.address} was refused - did you specify the right host or port?"
        )
    return str(error)


def tell_of_object(api: KubeApi, error: KubeError, doing: str, wanted: Json, patch: str = "") -> str:
    """Say what went wrong with one object of an apply: what was done, with what, and in the last line the cause."""
    head = f"Error from server ({error.reason})" if error.status else "error"
    cause = (
        error.detail if error.status else f'{_verb(doing)} "{api.access.server}{api.path_of(wanted)}": {error.detail}'
    )
    if doing == "creating":
        return f'{head}: error when creating "STDIN": {cause}'
    if doing == "retrieving":
        return (
            f"{head}: error when retrieving current configuration of:\n{describe(api, wanted)}\n"
            f'from server for: "STDIN": {cause}'
        )
    return f'{head}: error when applying patch:\n{patch}\nto:\n{describe(api, wanted)}\nfor: "STDIN": {cause}'


def describe(api: KubeApi, wanted: Json) -> str:
    """Name an object by its resource, its kind and its place."""
    group, _, version = wanted["apiVersion"].rpartition("/")
    metadata = wanted["metadata"]
    resource = api.resource_of(wanted)["name"]
    kind = f'GroupVersionKind: "{group}/{version}, Kind={wanted["kind"]}"'
    place = f'Name: "{metadata["name"]}", Namespace: "{metadata.get("namespace", "")}"'
    return f'Resource: "{group}/{version}, Resource={resource}", {kind}\n{place}'


def name_object(made: Json) -> str:
    """Name an object as kubectl prints it, such as deployment.apps/web."""
    group = made["apiVersion"].rpartition("/")[0]
    return f"{made['kind'].lower()}{'.' if group else ''}{group}/{made['metadata']['name']}"


def _verb(doing: str) -> str:
    return {"retrieving": "Get", "creating": "Post"}.get(doing, "Patch")
