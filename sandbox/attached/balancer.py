"""A load balancer that gives out one address and carries nothing."""

from __future__ import annotations

import aiohttp

from sandbox.attached.api import MERGE, Api, Refused

INGRESS = "203.0.113.10"


async def balance_load(api: Api, namespace: str = "") -> None:
    """Give each Service of type LoadBalancer an address, in one namespace or in all."""
    async for found in api.follow(f"/api/v1/namespaces/{namespace}/services" if namespace else "/api/v1/services"):
        meta, spec = found["metadata"], found["spec"]
        if spec["type"] != "LoadBalancer" or found["status"].get("loadBalancer"):
            continue
        path = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}/status"
        status = {"loadBalancer": {"ingress": [{"ip": INGRESS}]}}
        try:
            await api.send("PATCH", path, {"status": status}, MERGE)
        except (aiohttp.ClientError, TimeoutError):  # the watch ends with the connection and begins with this object
            continue
        except Refused as error:
            if error.status not in (404, 409):
                raise
