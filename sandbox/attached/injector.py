"""The sidecar injector of ASM 1.4 as a webhook: it injects by its ConfigMap and keeps its own registration in order."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from sandbox.attached.api import MERGE, Api, Json, Refused
from sandbox.attached.reviews import allow, put, refuse
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.server.injection import CONFIG_NAME, CONFIG_NAMESPACE, Injector

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
        hooks = found.get("webhooks") or []
        kept = [{**hook, "clientConfig": self._describe(hook["clientConfig"])} for hook in hooks]
        if kept == hooks:
            return
        try:
            await self.api.send("PATCH", f"{REGISTRATIONS}/{CONFIG_NAME}", {"webhooks": kept}, MERGE)
        except (aiohttp.ClientError, TimeoutError):  # the watch ends with the connection and begins with this object
            return
        except Refused as error:
            if error.status not in (404, 409):
                raise

    def _describe(self, config: Json) -> Json:
        bundle = base64.b64encode(self.authority.encode()).decode()
        return {"url": self.url, "caBundle": bundle} if self.url else {**config, "caBundle": bundle}
