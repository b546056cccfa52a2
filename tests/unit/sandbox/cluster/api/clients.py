"""Clients of the kubernetes package against the simulated API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.unit.sandbox.cluster.conftest import ServedYard


# The client's stubs know no plain dictionaries, which it takes as well.
def core_of(api: client.ApiClient) -> Any:
    return client.CoreV1Api(api)


def apps_of(api: client.ApiClient) -> Any:
    return client.AppsV1Api(api)


def policy_of(api: client.ApiClient) -> Any:
    return client.PolicyV1Api(api)


def custom_of(api: client.ApiClient) -> Any:
    return client.CustomObjectsApi(api)


def leases_of(api: client.ApiClient) -> Any:
    return client.CoordinationV1Api(api)


def raw(api: client.ApiClient, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request and return status and decoded body."""
    sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
    settings = api.configuration
    sent["Authorization"] = settings.api_key["authorization"]
    rest: Any = api.rest_client
    answer = rest.request(method, settings.host + path, headers=sent, body=body)
    text = answer.read()
    return answer.status, json.loads(text)


def refusal(caught: pytest.ExceptionInfo[ApiException]) -> tuple[int | None, str]:
    return caught.value.status, json.loads(caught.value.body or "{}")["reason"]


def made_mesh(served: ServedYard) -> None:
    from sandbox.cluster.mesh.manifests import render_mesh

    definitions = [obj for obj in render_mesh("1.4.7-asm.0", {}) if obj["kind"] == "CustomResourceDefinition"]
    served.yard.create(*definitions)
