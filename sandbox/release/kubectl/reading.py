"""kubectl get: objects by kind, name and label."""

from __future__ import annotations

import re

from sandbox.release.kubectl.command_line import BadCommand
from sandbox.release.kubectl.documents import print_list, print_object
from sandbox.release.kubectl.faults import Failed, name_object, tell
from sandbox.release.kubectl.kinds import find_kinds
from sandbox.release.tools.addresses import write_query
from sandbox.release.tools.kube_api import KubeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.release.kubectl.command_line import Asked
    from sandbox.release.kubectl.kinds import Kind
    from sandbox.release.tools.kube_api import Json, KubeApi

JSON_PATH = re.compile(r"jsonpath=\{((?:\.[\w-]+|\[\d+\])+)\}")
PATH_PART = re.compile(r"\.([\w-]+)|\[(\d+)\]")


def get(api: KubeApi, asked: Asked) -> tuple[str, list[str]]:
    """Return what is printed, and the errors beside it. Raises Failed, BadCommand, KubeError."""
    if not asked.words:
        raise BadCommand("You must specify the type of resource to get.")
    word, *names = asked.words
    kinds = find_kinds(api, word)
    if names:
        return "".join(_print(_read(api, asked, kinds[0], name), asked.text("--output")) for name in names), []
    items: list[Json] = []
    errors: list[str] = []
    for kind in kinds:
        try:
            items += _list(api, asked, kind)
        except KubeError as error:
            errors.append(tell(api, error))
    return _print_all(items, asked.text("--output")), errors


def _read(api: KubeApi, asked: Asked, kind: Kind, name: str) -> Json:
    try:
        found = api.read(kind.path(asked.text("--namespace") or "default", name))
    except KubeError as error:
        raise Failed(tell(api, error)) from error
    return {**found, "apiVersion": kind.api_version, "kind": kind.kind}


def _list(api: KubeApi, asked: Asked, kind: Kind) -> list[Json]:
    namespace = "" if asked.has("--all-namespaces") else asked.text("--namespace") or "default"
    selector = asked.text("--selector")
    query = write_query("labelSelector", selector) if selector else ""
    try:
        items = api.read(kind.path(namespace) + query).get("items") or []
    except KubeError as error:
        if error.status == 404:  # this server has the kind under no such version
            return []
        raise
    return [{**item, "apiVersion": kind.api_version, "kind": kind.kind} for item in items]


def _print_all(items: list[Json], output: str) -> str:
    if output in ("yaml", "json"):
        return print_list(items, output)
    return "".join(_print(made, output) for made in items)


def _print(made: Json, output: str) -> str:
    if output in ("yaml", "json"):
        return print_object(made, output)
    if output in ("", "name"):
        return f"{name_object(made)}\n"
    return print_path(made, output)


def print_path(made: Json, output: str) -> str:
    """Return what lies at a path, empty where there is nothing. Raises Failed for another form of output."""
    found = JSON_PATH.fullmatch(output)
    if not found:
        raise Failed(f"error: unable to match a printer suitable for the output format {output!r}")
    value: Any = made
    for name, number in PATH_PART.findall(found.group(1)):
        if number:
            value = value[int(number)] if isinstance(value, list) and int(number) < len(value) else ""
        else:
            value = value.get(name, "") if isinstance(value, dict) else ""
    return str(value)
