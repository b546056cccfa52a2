"""The parts that the manifests use of kinds which no server here knows, after their makers' own definitions.

PodMonitoring and Rules: GoogleCloudPlatform/prometheus-engine, manifests/setup.yaml. PodMonitor and PrometheusRule:
prometheus-operator/prometheus-operator, example/prometheus-operator-crd. ManagedCertificate:
GoogleCloudPlatform/gke-managed-certs, deploy/managedcertificates-crd.yaml. BackendConfig: kubernetes/ingress-gce,
pkg/apis/backendconfig/v1/types.go. A field that is not here has to be looked up there before a manifest has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

Duration = Annotated[str, Meta(pattern=r"^\d+(ms|s|m|h|d|w|y)$")]
Domain = Annotated[str, Meta(max_length=63)]
Port = Annotated[int, Meta(ge=1, le=65535)]


class Selector(Struct, forbid_unknown_fields=True):
    """Pods by their labels."""

    matchLabels: dict[str, str]


class Scraped(Struct, forbid_unknown_fields=True):
    """A port to scrape; managed Prometheus asks for port and interval, the operator for neither."""

    port: str
    interval: Duration
    path: str


class PodMonitoring(Struct, forbid_unknown_fields=True):
    """monitoring.googleapis.com/v1."""

    selector: Selector
    endpoints: Annotated[list[Scraped], Meta(min_length=1)]


class PodMonitor(Struct, forbid_unknown_fields=True):
    """monitoring.coreos.com/v1."""

    selector: Selector
    podMetricsEndpoints: list[Scraped]


# `for` is a word of Python's own.
class Alert(Struct, forbid_unknown_fields=True, rename={"lasting": "for"}):
    """An alerting rule."""

    alert: str
    expr: str
    lasting: Duration
    labels: dict[str, str]
    annotations: dict[str, str]


class AlertGroup(Struct, forbid_unknown_fields=True):
    """Rules that are looked at together."""

    name: Annotated[str, Meta(min_length=1)]
    interval: Duration
    rules: list[Alert]


class Rules(Struct, forbid_unknown_fields=True):
    """monitoring.googleapis.com/v1, and PrometheusRule of monitoring.coreos.com/v1."""

    groups: list[AlertGroup]


class ManagedCertificate(Struct, forbid_unknown_fields=True):
    """networking.gke.io/v1."""

    domains: Annotated[list[Domain], Meta(max_length=100)]


class HealthCheck(Struct, forbid_unknown_fields=True):
    """What the load balancer asks."""

    type: Literal["HTTP", "HTTPS", "HTTP2"]
    requestPath: str
    port: Port


class BackendConfig(Struct, forbid_unknown_fields=True):
    """cloud.google.com/v1."""

    healthCheck: HealthCheck


FORMS: Mapping[tuple[str, str], type[Struct]] = {
    ("monitoring.googleapis.com/v1", "PodMonitoring"): PodMonitoring,
    ("monitoring.googleapis.com/v1", "Rules"): Rules,
    ("monitoring.coreos.com/v1", "PodMonitor"): PodMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): Rules,
    ("networking.gke.io/v1", "ManagedCertificate"): ManagedCertificate,
    ("cloud.google.com/v1", "BackendConfig"): BackendConfig,
}
