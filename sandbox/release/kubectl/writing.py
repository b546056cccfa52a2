"""kubectl apply and kubectl delete."""

from __future__ import annotations

import json

from sandbox.release.kubectl.documents import read_objects
from sandbox.release.kubectl.faults import Failed, name_object, tell, tell_of_object
from sandbox.release.kubectl.patches import LAST_APPLIED, annotate, find_patch, is_custom
from sandbox.release.tools.kube_api import MERGE, STRATEGIC, KubeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.release.kubectl.command_line import Asked
    from sandbox.release.tools.kube_api import Json
    from sandbox.release.tools.kube_writes import WritingApi
TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.release.tools.kube_api import Json, KubeApi

# kubectl's default prune kinds, in the namespaces of what is applied.
PRUNED_KINDS = (
    ("v1", "ConfigMap"),
    ("v1", "Endpoints"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("batch/v1", "Job"),
    ("batch/v1beta1", "CronJob"),
    ("extensions/v1beta1", "Ingress"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
)
# And these, whatever is applied: a namespace that bears the label goes with all that is in it.
PRUNED_ANYWHERE = (
    ("v1", "Namespace"),
    ("v1", "PersistentVolume"),
)


def apply(api: WritingApi, asked: Asked) -> tuple[list[str], list[str]]:
    """Make the objects as wanted; return what is printed and the errors. Raises Failed, KubeError."""
    wanted = [_placed(api, made, asked.text("--namespace")) for made in read_objects(asked.text("--filename"))]
    if asked.has("--prune") and not asked.text("--selector"):
        raise Failed("error: all resources selected for prune without explicitly passing --all. ...")
    printed: list[str] = []
    errors: list[str] = []
    for made in wanted:
        try:
            printed.append(f"{name_object(made)} {_apply_object(api, made, asked.has('--force'))}")
        except Failed as failed:
            errors.append(str(failed))
    if asked.has("--prune") and not errors:
        for live in find_pruned(api, wanted, asked.text("--selector")):
            api.delete(live)
            printed.append(f"{name_object(live)} pruned")
    return printed, errors


def delete(api: WritingApi, asked: Asked) -> tuple[list[str], list[str]]:
    """Delete the objects of standard input; with a selector an absent one is fine. Raises Failed."""
    printed: list[str] = []
    errors: list[str] = []
    for made in read_objects(asked.text("--filename")):
        try:
            there = api.delete(made)
        except KubeError as error:
            errors.append(tell(api, error))
            continue
        kind, _, name = name_object(made).partition("/")
        if there:
            printed.append(f'{kind} "{name}" deleted')
        elif not asked.text("--selector") and not asked.has("--ignore-not-found"):
            resource = api.resource_of(made)["name"]
            errors.append(f'Error from server (NotFound): error when deleting "STDIN": {resource} "{name}" not found')
    return printed, errors


def _placed(api: WritingApi, made: Json, namespace: str) -> Json:
    """Return the object in the namespace of the command line where it names none itself."""
    metadata = made["metadata"]
    if metadata.get("namespace") or not namespace or not api.resource_of(made).get("namespaced"):
        return made
    return {**made, "metadata": {**metadata, "namespace": namespace}}


def _apply_object(api: WritingApi, wanted: Json, force: bool) -> str:
    """Say what was done: created, configured or unchanged. Raises Failed."""
    try:
        live = api.get(wanted)
    except KubeError as error:
        raise Failed(tell_of_object(api, error, "retrieving", wanted)) from error
    annotated = annotate(wanted)
    if live is None:
        return _create(api, annotated)
    patch = find_patch(live, annotated)
    if not patch:
        return "unchanged"
    try:
        api.patch(wanted, patch, MERGE if is_custom(wanted["apiVersion"]) else STRATEGIC)
    except KubeError as error:
        if force and error.reason in ("Invalid", "Conflict"):
            api.delete(wanted)
            return _create(api, annotated).replace("created", "configured")
        text = json.dumps(patch, separators=(",", ":"), sort_keys=True)
        raise Failed(tell_of_object(api, error, "patching", wanted, text)) from error
    return "configured"


def _create(api: WritingApi, annotated: Json) -> str:
    try:
        api.create(annotated)
    except KubeError as error:
        raise Failed(tell_of_object(api, error, "creating", annotated)) from error
    return "created"


def find_pruned(api: KubeApi, applied: list[Json], selector: str) -> list[Json]:
    """Return what goes after an apply of these objects, namespace by namespace. Raises KubeError."""
    kept = {_key(made) for made in applied}
    spaces = sorted({made["metadata"].get("namespace", "") for made in applied} - {""})
    found = [
        live
        for space in spaces
        for version, kind in PRUNED_KINDS
        for live in api.list(version, kind, space, selector=selector)
    ]
    found += [live for version, kind in PRUNED_ANYWHERE for live in api.list(version, kind, selector=selector)]
    return [live for live in found if _was_applied(live) and _key(live) not in kept]


def _was_applied(live: Json) -> bool:
    return LAST_APPLIED in (live["metadata"].get("annotations") or {})


def _key(made: Json) -> tuple[str, str, str]:
    return (made["kind"], made["metadata"].get("namespace", ""), made["metadata"]["name"])
