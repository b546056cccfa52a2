"""Whether the API server reaches the sandbox's webhooks, tried before anything is seeded."""

from __future__ import annotations

import asyncio
import base64

from aiohttp import web

from sandbox.attached.api import Api, Json, Refused
from sandbox.attached.demo import LABEL, describe_registration
from sandbox.attached.injector import REGISTRATIONS
from sandbox.attached.reviews import allow, put

NAME = f"{LABEL}-reach"
PROBED = {LABEL: "probe"}
REACHED = f"{LABEL}/reached"
ATTEMPTS = 50
REST_SECONDS = 0.2


async def answer_probe(asked: web.Request) -> web.Response:
    """Mark the object that the API server asks about."""
    return allow(await asked.json(), [put("/metadata/annotations", {REACHED: "yes"})])


async def check_reach(api: Api, base: str, authority: str) -> None:
    """Have the API server call this machine once, by a dry run. Raises ValueError saying why it can't.

    A registration for namespaces of one label is made and removed again; no namespace is created.
    """
    path = f"{REGISTRATIONS}/{NAME}"
    await api.delete(path)
    await api.send("POST", REGISTRATIONS, _describe_probe(f"{base}/reach", authority))
    try:
        await _wait_for_call(api, base)
    finally:
        await api.delete(path)


async def _wait_for_call(api: Api, base: str) -> None:
    meta = {"name": NAME, "labels": PROBED}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    for _ in range(ATTEMPTS):  # a registration takes effect within a second or two
        try:
            made = await api.send("POST", "/api/v1/namespaces?dryRun=All", namespace)
        except Refused as error:
            raise ValueError(_explain(api, base, str(error))) from error
        if REACHED in (made["metadata"].get("annotations") or {}):
            return
        await asyncio.sleep(REST_SECONDS)
    raise ValueError(_explain(api, base, "it calls no webhooks (is MutatingAdmissionWebhook switched off?)"))


def _describe_probe(url: str, authority: str) -> Json:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["namespaces"]}
    hook = {
        "name": f"reach.{LABEL}.example", "rules": [rule], "failurePolicy": "Fail", "sideEffects": "None",
        "timeoutSeconds": 5, "namespaceSelector": {"matchLabels": PROBED},
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority.encode()).decode()},
    }  # fmt: skip
    return describe_registration(NAME, [hook])


def _explain(api: Api, base: str, why: str) -> str:
    return (
        f"the API server of {api.access.server} does not reach the sandbox's webhooks at {base}, without which no "
        f"sidecar is injected: {why}. Nothing was seeded. It must run in this machine's network; where it runs in a "
        "container (kind, k3d, minikube), name with --webhook-address this machine's address as seen from there"
    )
