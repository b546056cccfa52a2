"""Whether a cluster may take the demo: what it runs, what is there already, and what the kubeconfig's user may do."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from sandbox.attached.api import Api, Json, Refused
from sandbox.attached.demo import INJECTED, LABEL, is_marked, list_namespaces
from sandbox.cluster.mesh.parts import ISTIO_GROUPS

FIRST_MINOR, LAST_MINOR = 15, 21
# What nodes of local clusters say their machines come from.
LOCAL_PROVIDERS = {"", "kind", "k3s"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
CRDS = "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions"


@dataclass(frozen=True)
class Examined:
    """What was found: the server, its version, and whether the demo is there already."""

    server: str
    version: str
    seeded: bool


async def examine(api: Api) -> Examined:
    """Look at the cluster and change nothing. Raises ValueError with the sentence of a refusal."""
    server = api.access.server
    try:
        version = str((await api.send("GET", "/version"))["gitVersion"])
        _check_version(server, version)
        await _check_rights(api)
        await _check_machines(api)
        return Examined(server, version, await _find_demo(api))
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ValueError(f"{server} does not answer: {error or type(error).__name__}; is the cluster up?") from error
    except Refused as error:
        raise ValueError(f"{server} refused to be looked at: {error}") from error


def _check_version(server: str, version: str) -> None:
    minor = int("".join(filter(str.isdigit, version.removeprefix("v").split(".")[1])))
    if not FIRST_MINOR <= minor <= LAST_MINOR:
        raise ValueError(
            f"{server} runs Kubernetes {version}, and ASM 1.4 runs on 1.{FIRST_MINOR} to 1.{LAST_MINOR}; "
            "give a cluster of such a version, for kind: kind create cluster --image kindest/node:v1.20.15"
        )


async def _check_rights(api: Api) -> None:
    asked = {"verb": "*", "group": "*", "resource": "*"}
    review = {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }  # fmt: skip
    if not (await api.send("POST", REVIEWS, review))["status"]["allowed"]:
        raise ValueError(
            f"the kubeconfig's user may not do everything on {api.access.server}, and the demo makes roles, nodes and "
            "webhooks; give a kubeconfig of a cluster administrator"
        )


async def _check_machines(api: Api) -> None:
    nodes = (await api.send("GET", "/api/v1/nodes"))["items"]
    providers = {str(node["spec"].get("providerID", "")).partition(":")[0] for node in nodes}
    clouds = sorted(providers - LOCAL_PROVIDERS)
    if clouds:
        raise ValueError(
            f"{api.access.server} has machines of a cloud ({', '.join(clouds)}), which removes nodes without machines "
            "as the demo has; nothing was changed. Give a local cluster such as kind or k3s"
        )


async def _find_demo(api: Api) -> bool:
    spaces = {found["metadata"]["name"]: found for found in (await api.send("GET", "/api/v1/namespaces"))["items"]}
    own = list_namespaces()
    foreign = [name for name in own if name in spaces and not is_marked(spaces[name])]
    if foreign:
        raise ValueError(
            f"{api.access.server} has {_name(foreign)} already, not seeded by the sandbox; nothing was changed. "
            "Give a cluster without a mesh, or use the bot itself on this one"
        )
    _check_injected(api.access.server, list(spaces.values()))
    await _check_kinds(api)
    return any(name in spaces for name in own)


def _check_injected(server: str, spaces: list[Json]) -> None:
    injected = [
        space["metadata"]["name"]
        for space in spaces
        if (space["metadata"].get("labels") or {}).get(INJECTED) == "enabled"
        # asmctl's examples are gone within a minute.
        and not is_marked(space) and "deletionTimestamp" not in space["metadata"]
    ]  # fmt: skip
    if injected:
        raise ValueError(
            f"{server} has {_name(injected)} with the label {INJECTED}=enabled, where the demo's injector would change "
            "every new pod; nothing was changed. Remove the label, or give another cluster"
        )


async def _check_kinds(api: Api) -> None:
    found = (await api.find(CRDS) or {}).get("items") or []
    foreign = [crd["metadata"]["name"] for crd in found if crd["spec"]["group"] in ISTIO_GROUPS and not is_marked(crd)]
    if foreign:
        raise ValueError(
            f"{api.access.server} has Istio's CustomResourceDefinitions already, not seeded by the sandbox "
            f"({foreign[0]} and {len(foreign) - 1} more, without the label {LABEL}); nothing was changed. "
            "Give a cluster that never had a mesh"
        )


def _name(names: list[str]) -> str:
    return f"{'the namespace' if len(names) == 1 else 'the namespaces'} {', '.join(sorted(names))}"
