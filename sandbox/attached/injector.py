"""The sidecar injector of ASM 1.4 as a webhook: it injects by its ConfigMap and keeps its own registration in order."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from sandbox.attached.api import MERGE, Api, Json, Refused
from sandbox.attached.reviews import allow, put, refuse
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.server.injection import CONFIG_NAME, CONFIG_NAMESPACE, Injector

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
REGISTRATIONS = "/apis/admissionregistration.k8s.io/v1beta1/mutatingwebhookconfigurations"
SYSTEM = f"/api/v1/namespaces/{CONFIG_NAMESPACE}"


@dataclass
class Held:
    """The injector's ConfigMap as last seen."""

    config: Json | None = None

    def find(self, key: str, namespace: str, name: str) -> Json | None:
        """Return the ConfigMap."""
        return self.config


@dataclass
class InjectingWebhook:
    """Answers reviews of pods. With `url` the API server calls that address, otherwise the injector's Service."""

    api: Api
    authority: str
    url: str = ""
    held: Held = field(default_factory=Held)
    injected: int = 0

    def __post_init__(self) -> None:
        self._injector = Injector(self.held)

    async def run(self) -> None:
        """Follow the ConfigMap and the registration for ever."""
        await asyncio.gather(self._follow_config(), self._follow_registration())

    async def answer(self, asked: web.Request) -> web.Response:
        """Answer one review."""
        review = await asked.json()
        pod = review["request"]["object"]
        try:
            made = self._injector.inject(pod, review["request"]["namespace"])
        except ApiError as error:
            return refuse(review, error.message)
        if made is pod:
            return allow(review)
        self.injected += 1
        return allow(
            review, [put("/metadata/annotations", made["metadata"]["annotations"]), put("/spec", made["spec"])]
        )

    async def _follow_config(self) -> None:
        async for found in self.api.follow(f"{SYSTEM}/configmaps"):
            if found["metadata"]["name"] == CONFIG_NAME:
                self.held.config = found

    async def _follow_registration(self) -> None:
        async for found in self.api.follow(REGISTRATIONS):
            if found["metadata"]["name"] == CONFIG_NAME:
                await self._keep(found)

    async def _keep(self, found: Json) -> None:
        patch = self.put_in_order(found)
        if patch is None:
            return
        try:
            await self.api.send("PATCH", f"{REGISTRATIONS}/{CONFIG_NAME}", patch, MERGE)
        except (aiohttp.ClientError, TimeoutError):  # the watch ends with the connection and begins with this object
            return
        except Refused as error:
            if error.status not in (404, 409):
                raise

    def put_in_order(self, found: Json) -> Json | None:
        """Return what puts the injector's registration in order, None where it is.

        kubectl takes away only what its annotation names: an address that isn't named there would stay beside the
        Service at the next apply, and the API server takes one of the two.
        """
        hooks = found.get("webhooks") or []
        kept = [{**hook, "clientConfig": self._describe(hook["clientConfig"])} for hook in hooks]
        if kept == hooks:
            return None
        if not self.url:
            return {"webhooks": kept}
        annotated = (found["metadata"].get("annotations") or {}).get(LAST_APPLIED, "{}")
        meant = {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": {"name": CONFIG_NAME}}
        last = meant | json.loads(annotated)
        named = {hook["name"]: hook for hook in last.get("webhooks") or ()}
        last["webhooks"] = [_name_address({"name": one["name"]} | named.get(one["name"], {}), self.url) for one in kept]
        return {"metadata": {"annotations": {LAST_APPLIED: json.dumps(last)}}, "webhooks": kept}

    def _describe(self, config: Json) -> Json:
        bundle = base64.b64encode(self.authority.encode()).decode()
        return {"url": self.url, "caBundle": bundle} if self.url else {**config, "caBundle": bundle}


def _name_address(hook: Json, url: str) -> Json:
    return {**hook, "clientConfig": {**(hook.get("clientConfig") or {}), "url": url}}
