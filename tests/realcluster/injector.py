"""The sidecar injector of ASM 1.4 as a webhook: it answers under its Service's address and keeps its CA bundle."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.cluster.errors import ApiError
from sandbox.cluster.injection import CONFIG_NAME, CONFIG_NAMESPACE, Injector
from tests.realcluster.api import MERGE, Api, Json, Refused

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1beta1/mutatingwebhookconfigurations"
SYSTEM = f"/api/v1/namespaces/{CONFIG_NAMESPACE}"
PORT = 443


@dataclass
class Held:
    """The injector's ConfigMap as last seen."""

    config: Json | None = None

    def find(self, key: str, namespace: str, name: str) -> Json | None:
        """Return the ConfigMap."""
        return self.config


@dataclass
class InjectingWebhook:
    """Serves /inject wherever the Service istio-sidecar-injector stands."""

    api: Api
    context: ssl.SSLContext
    authority: str
    held: Held = field(default_factory=Held)
    down: bool = False
    injected: int = 0
    _address: str = ""
    _runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        self._injector = Injector(self.held)

    async def run(self) -> None:
        """Follow the Service, the ConfigMap and the registration for ever."""
        await asyncio.gather(self._follow_config(), self._follow_service(), self._follow_registration())

    async def switch(self, down: bool) -> None:
        """Stop answering, or answer again."""
        self.down = down
        await self._listen()

    async def _follow_config(self) -> None:
        async for found in self.api.follow(f"{SYSTEM}/configmaps"):
            if found["metadata"]["name"] == CONFIG_NAME:
                self.held.config = found

    async def _follow_service(self) -> None:
        async for found in self.api.follow(f"{SYSTEM}/services"):
            if found["metadata"]["name"] == CONFIG_NAME and found["spec"]["clusterIP"] != self._address:
                self._address = found["spec"]["clusterIP"]
                await self._listen()

    async def _follow_registration(self) -> None:
        async for found in self.api.follow(WEBHOOKS):
            hooks = found.get("webhooks") or []
            bundle = base64.b64encode(self.authority.encode()).decode()
            if found["metadata"]["name"] != CONFIG_NAME or all(
                hook["clientConfig"].get("caBundle") == bundle for hook in hooks
            ):
                continue
            for hook in hooks:
                hook["clientConfig"]["caBundle"] = bundle
            try:
                await self.api.send("PATCH", f"{WEBHOOKS}/{CONFIG_NAME}", {"webhooks": hooks}, MERGE)
            except Refused as error:
                if error.status not in (404, 409):
                    raise

    async def _listen(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.down or not self._address:
            return
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/inject", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, PORT, ssl_context=self.context).start()

    async def _answer(self, asked: web.Request) -> web.Response:
        review = await asked.json()
        request = review["request"]
        answer: Json = {"uid": request["uid"], "allowed": True}
        try:
            pod = request["object"]
            made = self._injector.inject(pod, request["namespace"])
        except ApiError as error:
            answer |= {"allowed": False, "status": {"message": error.message}}
        else:
            if made is not pod:
                self.injected += 1
                answer |= {"patchType": "JSONPatch", "patch": write_patch(made)}
        return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": answer})


def write_patch(made: Json) -> str:
    """The JSON patch that makes a pod so, in base64."""
    steps = [
        {"op": "add", "path": "/metadata/annotations", "value": made["metadata"]["annotations"]},
        {"op": "replace", "path": "/spec", "value": made["spec"]},
    ]
    return base64.b64encode(json.dumps(steps).encode()).decode()
