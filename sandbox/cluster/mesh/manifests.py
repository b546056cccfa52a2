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
    let_account_read_secrets,
    namespaced,
    pod_template_of,
    proxy_of,
    service_of,
)
from sandbox.cluster.mesh.texts import GALLEY_VALIDATION, PILOT_ENVOY, injector_mesh, kiali_config, make_certificate
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
# What the mesh's configuration takes from the proxy's values as it is.
PROXY_TEXTS = ("accessLogFile", "accessLogFormat", "accessLogEncoding", "protocolDetectionTimeout")
# What a gateway's Service takes from its values.
SERVICE_FIELDS = ("loadBalancerIP", "externalTrafficPolicy")
DISCOVERED = ["pods", "services", "endpoints", "nodes"]


def render_mesh(version: str, options: Json, components: list[str] | None = None) -> list[Json]:
    """Render every object of the control plane, Base first.

    `version` is the image tag, such as 1.4.10-asm.18. `options` is the merged tree of `-f` and `--set`:
    {"profile": "asm", "values": {"global": {...}}}; dotted keys ("values.global.meshID") are understood too.
    `components` are those that the values switch on where none are named.
    """
    values = merged_values(version, options)
    rendered: list[Json] = []
    for component in components or enabled_components(values):
        rendered += [_labelled(made, component, version) for made in _RENDERERS[component](values)]
    return rendered


def _labelled(made: Json, component: str, version: str) -> Json:
    labels = made["metadata"].setdefault("labels", {})
    labels["operator.istio.io/component"] = component
    labels["operator.istio.io/managed"] = "Reconcile"
    labels["operator.istio.io/version"] = version
    labels.setdefault("release", "istio")
    return made


def _text(name: str, file: str, text: str) -> Json:
    return namespaced("v1", "ConfigMap", name, data={file: text})


def _base(values: Json) -> list[Json]:
    namespace = cluster_wide("v1", "Namespace", NAMESPACE, {"istio-injection": "disabled"})
    rules = [access_rule(ISTIO_GROUPS, ["*"], READ), access_rule([""], DISCOVERED, READ)]
    reader = account_with_role("istio-reader-service-account", rules, f"istio-reader-{NAMESPACE}")
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
        *account_with_role("istio-pilot-service-account", rules, f"istio-pilot-{NAMESPACE}"),
        _mesh_config(values), _text("pilot-envoy-config", "envoy.yaml.tmpl", PILOT_ENVOY), deployment,
        service_of("istio-pilot", labels, {"grpc-xds": 15010, "https-xds": 15011, "http-monitoring": 15014}),
        budget_of("istio-pilot", labels), autoscaler_of("istio-pilot", values["pilot"]),
        *_mutual_tls(values), *_promsd(values),
    ]  # fmt: skip


def _mesh_config(values: Json) -> Json:
    world = values["global"]
    lines = [
        "disablePolicyChecks: true",
        "enableTracing: true",
        *(f'{name}: "{world["proxy"][name]}"' for name in PROXY_TEXTS),
        f"enableAutoMtls: {str(world['mtls']['auto']).lower()}",
        f'trustDomain: "{world["trustDomain"]}"',
        "trustDomainAliases:",
        f'sdsUdsPath: "{world["sds"]["udsPath"]}"',
        "outboundTrafficPolicy:",
        f"  mode: {world['outboundTrafficPolicy']['mode']}",
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
    return [deployment_of("promsd", labels, containers, 1, "istio-pilot-service-account")]


def _galley(values: Json) -> list[Json]:
    labels = {"app": "galley", "istio": "galley"}
    galley = container_of(
        "galley", asm_image(values, "galley"), cpu="50m", memory="128Mi", port=9443,
        args=["server", "--liveness-probe-path=/health"],
    )  # fmt: skip
    replicas = values["galley"]["replicaCount"]
    deployment = deployment_of("istio-galley", labels, [galley, proxy_of(values, "router")], replicas)
    rules = [access_rule(ISTIO_GROUPS, ["*"], READ)]
    binding = f"istio-galley-admin-role-binding-{NAMESPACE}"
    return [
        *account_with_role("istio-galley-service-account", rules, f"istio-galley-{NAMESPACE}", binding),
        _text("istio-galley-configuration", "validatingwebhookconfiguration.yaml", GALLEY_VALIDATION),
        _text("istio-mesh-galley", "mesh", "{}"), deployment,
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
    settings = values["sidecarInjectorWebhook"]
    rules = [
        access_rule([""], ["configmaps"], READ),
        access_rule(["admissionregistration.k8s.io"], ["mutatingwebhookconfigurations"], [*READ, "patch"]),
    ]
    role, binding = f"istio-sidecar-injector-{NAMESPACE}", f"istio-sidecar-injector-admin-role-binding-{NAMESPACE}"
    secret, bundle = _self_signed() if settings["selfSigned"] else ([], "")
    certs = secret[0]["metadata"]["name"] if secret else "istio.istio-sidecar-injector-service-account"
    volumes = [{"name": "certs", "secret": {"secretName": certs}}]
    return [
        *account_with_role("istio-sidecar-injector-service-account", rules, role, binding),
        _injector_settings(values), _text("injector-mesh", "mesh", injector_mesh(values)),
        *secret, deployment_of("istio-sidecar-injector", labels, [webhook], settings["replicaCount"], volumes=volumes),
        service_of("istio-sidecar-injector", labels, {"https-inject": 443, "http-monitoring": 15014}),
        budget_of("istio-sidecar-injector", {"app": "sidecar-injector", "istio": "sidecar-injector"}),
        _injector_webhook(labels, bundle),
    ]  # fmt: skip


def _self_signed() -> tuple[list[Json], str]:
    """Return the Secret of an injector that needs no Citadel, and its authority: made anew at each rendering."""
    authority = make_certificate()
    files = {"root-cert.pem": authority, "cert-chain.pem": make_certificate(), "key.pem": make_certificate("KEY")}
    name, labels = "istio-sidecar-injector-self-signed", {"app": "sidecar-injector"}
    return [namespaced("v1", "Secret", name, labels, type="Opaque", data=files)], authority


def _injector_settings(values: Json) -> Json:
    indented = "".join(f"  {line}\n" for line in INJECTION_TEMPLATE.splitlines())
    head = "policy: enabled\nalwaysInjectSelector: []\nneverInjectSelector: []\ntemplate: |\n"
    texts = {"config": head + indented, "values": json.dumps(values, sort_keys=True)}
    return namespaced(
        "v1", "ConfigMap", "istio-sidecar-injector", {"app": "istio", "istio": "sidecar-injector"}, data=texts
    )


def _injector_webhook(labels: Json, bundle: str) -> Json:
    service = {"name": "istio-sidecar-injector", "namespace": NAMESPACE, "path": "/inject"}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "sidecar-injector.istio.io", "clientConfig": {"service": service, "caBundle": bundle}, "rules": [rule],
        "failurePolicy": "Fail", "namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}},
    }  # fmt: skip
    api, kind = "admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"
    return cluster_wide(api, kind, "istio-sidecar-injector", labels, webhooks=[webhook])


def _gateway(values: Json, name: str, kind: str, ports: Json, budget: str) -> list[Json]:
    labels = {"app": name, "istio": name.removeprefix("istio-")}
    sds = container_of(
        "ingress-sds", asm_image(values, values["nodeagent"]["image"]), cpu="100m", memory="128Mi", port=15021,
        env=env_list({"ENABLE_INGRESS_GATEWAY_SDS": "true", **values["nodeagent"]["env"]}),
    )  # fmt: skip
    own = values["gateways"][name]
    service = service_of(name, labels, ports, own.get("type", kind))
    service["spec"] |= {field: own[field] for field in SERVICE_FIELDS if field in own}
    return [
        namespaced("v1", "ServiceAccount", f"{name}-service-account"),
        deployment_of(name, labels, [proxy_of(values, "router"), sds], None),
        service, budget_of(budget, labels), autoscaler_of(name, own),
    ]  # fmt: skip


def _ingress_gateway(values: Json) -> list[Json]:
    ports = {"status-port": 15020, "http2": 80, "https": 443, "tls": 15443}
    name, api = "istio-ingressgateway", "networking.istio.io/v1alpha3"
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return [
        *_gateway(values, name, "LoadBalancer", ports, "ingressgateway"),
        *let_account_read_secrets(f"{name}-service-account", f"{name}-sds"),
        namespaced(
            api, "Gateway", "ingressgateway", spec={"selector": {"istio": "ingressgateway"}, "servers": [server]}
        ),
        namespaced(api, "Sidecar", "default", spec={"egress": [{"hosts": ["*/*"]}]}),
    ]


def _egress_gateway(values: Json) -> list[Json]:
    name = "istio-egressgateway"
    return _gateway(values, name, "ClusterIP", {"http2": 80, "https": 443, "tls": 15443}, name)


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
        *account_with_role("istio-nodeagent-service-account", rules, f"istio-nodeagent-{NAMESPACE}"),
        namespaced("apps/v1", "DaemonSet", "istio-nodeagent", labels, spec=spec),
    ]


def _citadel(values: Json) -> list[Json]:
    labels = {"app": "citadel", "istio": "citadel"}
    citadel = container_of("citadel", asm_image(values, "citadel"), cpu="10m", memory="64Mi", port=15014)
    rules = [
        access_rule([""], ["configmaps"], ["create", "get", "update"]),
        access_rule([""], ["secrets"], ["create", "get", "watch", "list", "update", "delete"]),
        access_rule([""], ["serviceaccounts", "services", "namespaces"], READ),
        access_rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
    ]
    return [
        *account_with_role("istio-citadel-service-account", rules, f"istio-citadel-{NAMESPACE}"),
        deployment_of("istio-citadel", labels, [citadel], 1), budget_of("istio-citadel", labels),
        service_of("istio-citadel", labels, {"grpc-citadel": 8060, "http-monitoring": 15014}),
    ]  # fmt: skip


def _kiali(values: Json) -> list[Json]:
    rules = [
        access_rule([""], ["pods", "services", "nodes", "namespaces"], READ),
        access_rule(ISTIO_GROUPS, ["*"], READ),
    ]
    viewing = cluster_wide("rbac.authorization.k8s.io/v1", "ClusterRole", "kiali-viewer", {"app": "kiali"}, rules=rules)
    container = container_of("kiali", "quay.io/kiali/kiali:v1.15", cpu="10m", memory="64Mi", port=20001)
    return [
        *account_with_role("kiali-service-account", rules, "kiali"), viewing,
        namespaced("v1", "ConfigMap", "kiali", {"app": "kiali"}, data={"config.yaml": kiali_config()}),
        deployment_of("kiali", {"app": "kiali"}, [container], 1),
        service_of("kiali", {"app": "kiali"}, {"http-kiali": 20001}),
    ]  # fmt: skip


def _addon(name: str, image: str, port: int) -> list[Json]:
    labels = {"app": name}
    container = container_of(name, image, cpu="10m", memory="64Mi", port=port)
    rules = [access_rule([""], ["pods", "services", "nodes"], READ)]
    return [
        *account_with_role(f"{name}-service-account", rules, f"{name}-{NAMESPACE}"),
        deployment_of(name, labels, [container], 1),
        service_of(name, labels, {f"http-{name}": port}),
    ]


def _cni(values: Json) -> list[Json]:
    labels = {"k8s-app": "istio-cni-node"}
    installer = container_of("install-cni", asm_image(values, "install-cni"), cpu="10m", memory="64Mi", port=15014)
    spec = {"selector": {"matchLabels": labels}, "template": pod_template_of(labels, "istio-cni", [installer])}
    return [
        *account_with_role("istio-cni", [access_rule([""], ["pods", "nodes"], ["get"])], "istio-cni"),
        namespaced("apps/v1", "DaemonSet", "istio-cni-node", labels, spec=spec),
    ]


def _mixer(values: Json, name: str) -> list[Json]:
    labels = {"app": name, "istio": "mixer"}
    mixer = container_of("mixer", asm_image(values, "mixer"), cpu="10m", memory="100Mi", port=15014)
    account, limits = f"{name}-service-account", {"autoscaleMin": 1, "autoscaleMax": 5}
    return [
        namespaced("v1", "ServiceAccount", account),
        deployment_of(name, labels, [mixer, proxy_of(values, "router")], None), budget_of(name, labels),
        service_of(name, labels, {"grpc-mixer": 9091, "http-monitoring": 15014}), autoscaler_of(name, limits),
    ]  # fmt: skip


_RENDERERS: dict[str, Callable[[Json], list[Json]]] = {
    "Base": _base,
    "Citadel": _citadel,
    "Cni": _cni,
    "CoreDNS": lambda values: _addon("istiocoredns", "docker.io/coredns/coredns:1.6.2", 53),
    "EgressGateway": _egress_gateway,
    "Galley": _galley,
    "Grafana": lambda values: _addon("grafana", "docker.io/grafana/grafana:6.4.3", 3000),
    "IngressGateway": _ingress_gateway,
    "Injector": _injector,
    "Kiali": _kiali,
    "NodeAgent": _node_agent,
    "Pilot": _pilot,
    "Policy": lambda values: _mixer(values, "istio-policy"),
    "Prometheus": lambda values: _addon("prometheus", "docker.io/prom/prometheus:v2.12.0", 9090),
    "Telemetry": lambda values: _mixer(values, "istio-telemetry"),
    "Tracing": lambda values: _addon("istio-tracing", "docker.io/jaegertracing/all-in-one:1.14", 16686),
}
