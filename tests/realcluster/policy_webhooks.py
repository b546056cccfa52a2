"""Other people's admission webhooks on loopback: each answers as it was last told."""

from __future__ import annotations

import ssl
from typing import Any

from aiohttp import web

from sandbox.attached.reviews import allow, refuse
from sandbox.cluster.objects.patches import MERGE_PATCH, apply_patch
from sandbox.web.sites import open_site

Json = dict[str, Any]


class PolicyWebhooks:
    """Answers at /NAME by the policies, whose fields are those of the sandbox's Policy."""

    def __init__(self) -> None:
        self.policies: dict[str, Json] = {}
        self.url = ""

    async def open(self, context: ssl.SSLContext) -> None:
        """Listen on a free port."""
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/{name}", self.answer)
        site = await open_site(app, ssl=context)
        self.url = site.url

    async def answer(self, asked: web.Request) -> web.Response:
        """Answer one review."""
        review = await asked.json()
        policy = self.policies.get(asked.match_info["name"], {"kind": "allow"})
        if policy["kind"] == "deny":
            return refuse(review, policy["words"], policy["code"])
        if policy["kind"] != "mutate":
            return allow(review)
        before = review["request"]["object"]
        after = apply_patch(before, policy["patch"], MERGE_PATCH)
        changed = [key for key in after if after[key] != before.get(key)]
        return allow(review, [{"op": "replace", "path": f"/{key}", "value": after[key]} for key in changed])
