"""What `istioctl manifest generate --set profile=asm` renders: the objects of an ASM 1.4 control plane.

Standard library only, because release archives carry these very modules.
Shapes follow the istio/installer 1.4 charts; labels follow the operator's (operator.istio.io/component and so on).
"""

from __future__ import annotations

import json

from sandbox.cluster.mesh.parts import (
    INJECTION_TEMPLATE,
    ISTIO_CRDS,
    ISTIO_GROUPS,
    READ,
    access_rule,
    account_with_role,
    asm_image,
    autoscaler_of,
    budget_of,
    cluster_wide,
    container_of,
    deployment_of,
    env_list,
    istio_crd,
    namespaced,
    pod_template_of,
    proxy_of,
    service_of,
)
from sandbox.cluster.mesh.values import (
    NAMESPACE,
    OPTIONAL_COMPONENTS,
    REQUIRED_COMPONENTS,
    enabled_components,
    merged_values,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.cluster.mesh.values import Json

__all__ = ["OPTIONAL_COMPONENTS", "REQUIRED_COMPONENTS", "enabled_components", "merged_values", "render_mesh"]

_PROMSD_TAGS = {"1.4.7-asm.0": "0.6.3"}
_NEWEST_PROMSD_TAG = "0.7.5"
DISCOVERED = ["pods", "services", "endpoints", "nodes"]


def render_mesh(version: str, options: Json) -> list[Json]:
    """Render every object of the control plane, Base first.

    `version` is the image tag, such as 1.4.10-asm.18. `options` is the merged tree of `-f` and `--set`:
    {"profile": "asm", "values": {"global": {...}}}; dotted keys ("values.global.meshID") are understood too.
    """
    values = merged_values(version, options)
    rendered: list[Json] = []
    for component in enabled_components(values):
        rendered += [_labelled(made, component, version) for made in _RENDERERS[component](values)]
    return rendered


def _labelled(made: Json, component: str, version: str) -> Json:
    labels = made["metadata"].setdefault("labels", {})
    labels["operator.istio.io/component"] = component
    labels["operator.istio.io/managed"] = "Reconcile"
    labels["operator.istio.io/version"] = version
    labels.setdefault("release", "istio")
    return made


def _base(values: Json) -> list[Json]:
    namespace = cluster_wide("v1", "Namespace", NAMESPACE, {"istio-injection": "disabled"})
    rules = [access_rule(ISTIO_GROUPS, ["*"], READ), access_rule([""], DISCOVERED, READ)]
    reader = account_with_role("istio-reader-service-account", rules, role=f"istio-reader-{NAMESPACE}")
    return [namespace, *(istio_crd(*row) for row in ISTIO_CRDS), *reader]


def _pilot(values: Json) -> list[Json]:
    labels = {"app": "pilot", "istio": "pilot"}
    discovery = container_of(
        "discovery", asm_image(values, "pilot"), cpu="500m", memory="2Gi", port=8080,
        args=["discovery", "--keepaliveMaxServerConnectionAge", "30m"],
        env=env_list({"PILOT_TRACE_SAMPLING": 1, "GODEBUG": "gctrace=1"}),
    )  # fmt: skip
    deployment = deployment_of("istio-pilot", labels, [discovery, proxy_of(values, "router")], None)
    rules = [
        access_rule(ISTIO_GROUPS, ["*"], ["*"]),
        access_rule([""], DISCOVERED, READ),
    ]
    return [
        *account_with_role("istio-pilot-service-account", rules), _mesh_config(values), deployment,
        service_of("istio-pilot", labels, {"grpc-xds": 15010, "https-xds": 15011, "http-monitoring": 15014}),
        budget_of("istio-pilot", labels), autoscaler_of("istio-pilot", values["pilot"]),
        *_mutual_tls(values), *_promsd(values),
    ]  # fmt: skip


def _mesh_config(values: Json) -> Json:
    world = values["global"]
    lines = [
        "disablePolicyChecks: true",
        "enableTracing: true",
        f'accessLogFile: "{world["proxy"]["accessLogFile"]}"',
        f"enableAutoMtls: {str(world['mtls']['auto']).lower()}",
        f'trustDomain: "{world["trustDomain"]}"',
        "trustDomainAliases:",
        f'sdsUdsPath: "{world["sds"]["udsPath"]}"',
        "defaultConfig:",
        f"  discoveryAddress: istio-pilot.{NAMESPACE}:15011",
        f"  tracing: {{{world['proxy']['tracer']}: {{}}}}",
    ]
    return namespaced("v1", "ConfigMap", "istio", {"app": "istio"}, data={"mesh": "\n".join(lines) + "\n"})


def _mutual_tls(values: Json) -> list[Json]:
    strict = values["global"]["mtls"]["enabled"]
    peers = [{"mtls": {} if strict else {"mode": "PERMISSIVE"}}]
    policy = cluster_wide("authentication.istio.io/v1alpha1", "MeshPolicy", "default", spec={"peers": peers})
    if not strict:
        return [policy]
    rules = {"default": ("*.local", "ISTIO_MUTUAL"), "api-server": ("kubernetes.default.svc.cluster.local", "DISABLE")}
    return [policy, *(
        namespaced("networking.istio.io/v1alpha3", "DestinationRule", name,
               spec={"host": host, "trafficPolicy": {"tls": {"mode": mode}}})
        for name, (host, mode) in rules.items()
    )]  # fmt: skip


def _promsd(values: Json) -> list[Json]:
    labels = {"app": "promsd"}
    tag = _PROMSD_TAGS.get(values["global"]["tag"], _NEWEST_PROMSD_TAG)
    sidecar = f"gcr.io/stackdriver-prometheus/stackdriver-prometheus-sidecar:{tag}"
    containers = [
        container_of("prometheus", "docker.io/prom/prometheus:v2.12.0", cpu="50m", memory="128Mi", port=9090),
        container_of("sidecar", sidecar, cpu="50m", memory="128Mi", port=9091),
    ]
    return [
        *account_with_role("promsd-service-account", [access_rule([""], DISCOVERED, READ)]),
        deployment_of("promsd", labels, containers, 1),
    ]


def _galley(values: Json) -> list[Json]:
    labels = {"app": "galley", "istio": "galley"}
    galley = container_of(
        "galley", asm_image(values, "galley"), cpu="50m", memory="128Mi", port=9443,
        args=["server", "--liveness-probe-path=/health"],
    )  # fmt: skip
    replicas = values["galley"]["replicaCount"]
    deployment = deployment_of("istio-galley", labels, [galley, proxy_of(values, "router")], replicas)
    return [
        *account_with_role("istio-galley-service-account", [access_rule(ISTIO_GROUPS, ["*"], READ)]), deployment,
        service_of("istio-galley", labels, {"https-validation": 443, "http-monitoring": 15014, "grpc-mcp": 9901}),
        budget_of("istio-galley", labels),
    ]  # fmt: skip


def _injector(values: Json) -> list[Json]:
    # The budget selects app=sidecar-injector while the pods carry app=sidecarInjectorWebhook: true of the 1.4 charts.
    labels = {"app": "sidecarInjectorWebhook", "istio": "sidecar-injector"}
    webhook = container_of(
        "sidecar-injector-webhook", asm_image(values, "sidecar_injector"), cpu="50m", memory="128Mi", port=9443,
        args=["--caCertFile=/etc/istio/certs/root-cert.pem", "--injectConfig=/etc/istio/inject/config"],
    )  # fmt: skip
    replicas = values["sidecarInjectorWebhook"]["replicaCount"]
    rules = [
        access_rule([""], ["configmaps"], READ),
        access_rule(["admissionregistration.k8s.io"], ["mutatingwebhookconfigurations"], [*READ, "patch"]),
    ]
    return [
        *account_with_role("istio-sidecar-injector-service-account", rules), _injector_settings(values),
        deployment_of("istio-sidecar-injector", labels, [webhook], replicas),
        service_of("istio-sidecar-injector", labels, {"https-inject": 443, "http-monitoring": 15014}),
        budget_of("istio-sidecar-injector", {"app": "sidecar-injector", "istio": "sidecar-injector"}),
        _injector_webhook(labels, values["sidecarInjectorWebhook"].get("injectionURL", "")),
    ]  # fmt: skip


def _injector_settings(values: Json) -> Json:
    indented = "".join(f"  {line}\n" for line in INJECTION_TEMPLATE.splitlines())
    head = "policy: enabled\nalwaysInjectSelector: []\nneverInjectSelector: []\ntemplate: |\n"
    texts = {"config": head + indented, "values": json.dumps(values, sort_keys=True)}
    return namespaced(
        "v1", "ConfigMap", "istio-sidecar-injector", {"app": "istio", "istio": "sidecar-injector"}, data=texts
    )


def _injector_webhook(labels: Json, url: str) -> Json:
    service = {"name": "istio-sidecar-injector", "namespace": NAMESPACE, "path": "/inject"}
    # By address only where the API server can't reach the Service; later charts of Istio have such a value.
    target: Json = {"url": url} if url else {"service": service}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "sidecar-injector.istio.io", "clientConfig": {**target, "caBundle": ""}, "rules": [rule],
        "failurePolicy": "Fail", "namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}},
    }  # fmt: skip
    api, kind = "admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"
    return cluster_wide(api, kind, "istio-sidecar-injector", labels, webhooks=[webhook])


def _gateway(values: Json, name: str, kind: str, ports: Json) -> list[Json]:
    labels = {"app": name, "istio": name.removeprefix("istio-")}
    sds = container_of(
        "ingress-sds", asm_image(values, values["nodeagent"]["image"]), cpu="100m", memory="128Mi", port=15021,
        env=env_list({"ENABLE_INGRESS_GATEWAY_SDS": "true", **values["nodeagent"]["env"]}),
    )  # fmt: skip
    deployment = deployment_of(name, labels, [proxy_of(values, "router"), sds], None)
    return [
        *account_with_role(f"{name}-service-account", [access_rule([""], ["secrets"], READ)]), deployment,
        service_of(name, labels, ports, kind), budget_of(name, labels), autoscaler_of(name, values["gateways"][name]),
    ]  # fmt: skip


def _ingress_gateway(values: Json) -> list[Json]:
    ports = {"status-port": 15020, "http2": 80, "https": 443, "tls": 15443}
    return _gateway(values, "istio-ingressgateway", "LoadBalancer", ports)


def _egress_gateway(values: Json) -> list[Json]:
    return _gateway(values, "istio-egressgateway", "ClusterIP", {"http2": 80, "https": 443, "tls": 15443})


def _node_agent(values: Json) -> list[Json]:
    labels = {"app": "istio-nodeagent", "istio": "nodeagent"}
    world = values["global"]
    agent = container_of(
        "nodeagent", asm_image(values, values["nodeagent"]["image"]), cpu="50m", memory="64Mi", port=15022,
        env=env_list({"Trust_Domain": world["trustDomain"], "TOKEN_AUDIENCES": world["sds"]["token"]["aud"],
                  **values["nodeagent"]["env"]}),
    )  # fmt: skip
    volumes = [{"name": "sdsudspath", "hostPath": {"path": "/var/run/sds"}}]
    template = pod_template_of(labels, "istio-nodeagent-service-account", [agent], volumes=volumes)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    spec = {"selector": {"matchLabels": labels}, "updateStrategy": strategy, "template": template}
    rules = [access_rule([""], ["configmaps", "secrets"], READ)]
    return [
        *account_with_role("istio-nodeagent-service-account", rules),
        namespaced("apps/v1", "DaemonSet", "istio-nodeagent", labels, spec=spec),
    ]


def _addon(name: str, image: str, port: int) -> list[Json]:
    labels = {"app": name}
    container = container_of(name, image, cpu="10m", memory="64Mi", port=port)
    return [
        *account_with_role(f"{name}-service-account", [access_rule([""], ["pods", "services", "nodes"], READ)]),
        deployment_of(name, labels, [container], 1),
        service_of(name, labels, {f"http-{name}": port}),
    ]


_RENDERERS: dict[str, Callable[[Json], list[Json]]] = {
    "Base": _base,
    "EgressGateway": _egress_gateway,
    "Galley": _galley,
    "Grafana": lambda values: _addon("grafana", "docker.io/grafana/grafana:6.4.3", 3000),
    "IngressGateway": _ingress_gateway,
    "Injector": _injector,
    "NodeAgent": _node_agent,
    "Pilot": _pilot,
    "Prometheus": lambda values: _addon("prometheus", "docker.io/prom/prometheus:v2.12.0", 9090),
    "Tracing": lambda values: _addon("istio-tracing", "docker.io/jaegertracing/all-in-one:1.14", 16686),
}
