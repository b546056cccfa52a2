"""Building blocks of the mesh's manifests: small objects, the CRDs of Istio 1.4 and the sidecar's template.

Standard library only, because release archives carry these very modules.
"""

from __future__ import annotations

from sandbox.cluster.mesh.values import NAMESPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.cluster.mesh.values import Json

_ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "25%"}}

# group, version, kind, plural, short names, scope
ISTIO_CRDS: tuple[tuple[str, str, str, str, tuple[str, ...], str], ...] = (
    ("networking.istio.io", "v1alpha3", "VirtualService", "virtualservices", ("vs",), "Namespaced"),
    ("networking.istio.io", "v1alpha3", "DestinationRule", "destinationrules", ("dr",), "Namespaced"),
    ("networking.istio.io", "v1alpha3", "ServiceEntry", "serviceentries", ("se",), "Namespaced"),
    ("networking.istio.io", "v1alpha3", "Gateway", "gateways", ("gw",), "Namespaced"),
    ("networking.istio.io", "v1alpha3", "EnvoyFilter", "envoyfilters", (), "Namespaced"),
    ("networking.istio.io", "v1alpha3", "Sidecar", "sidecars", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "HTTPAPISpecBinding", "httpapispecbindings", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "HTTPAPISpec", "httpapispecs", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "QuotaSpecBinding", "quotaspecbindings", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "QuotaSpec", "quotaspecs", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "adapter", "adapters", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "attributemanifest", "attributemanifests", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "handler", "handlers", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "instance", "instances", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "rule", "rules", (), "Namespaced"),
    ("config.istio.io", "v1alpha2", "template", "templates", (), "Namespaced"),
    ("authentication.istio.io", "v1alpha1", "Policy", "policies", (), "Namespaced"),
    ("authentication.istio.io", "v1alpha1", "MeshPolicy", "meshpolicies", (), "Cluster"),
    ("rbac.istio.io", "v1alpha1", "ClusterRbacConfig", "clusterrbacconfigs", (), "Cluster"),
    ("rbac.istio.io", "v1alpha1", "RbacConfig", "rbacconfigs", (), "Namespaced"),
    ("rbac.istio.io", "v1alpha1", "ServiceRole", "serviceroles", (), "Namespaced"),
    ("rbac.istio.io", "v1alpha1", "ServiceRoleBinding", "servicerolebindings", (), "Namespaced"),
    ("security.istio.io", "v1beta1", "AuthorizationPolicy", "authorizationpolicies", (), "Namespaced"),
)

INJECTION_TEMPLATE = """\
initContainers:
- name: istio-init
  image: "{{ .Values.global.hub }}/{{ .Values.global.proxy_init.image }}:{{ .Values.global.tag }}"
  args: ["istio-iptables", "-p", "15001", "-u", "1337", "-m", "REDIRECT", "-i", "*", "-b", "*", "-d", "15020"]
  securityContext: {capabilities: {add: ["NET_ADMIN", "NET_RAW"]}, runAsUser: 0}
containers:
- name: istio-proxy
  image: "{{ annotation .ObjectMeta `sidecar.istio.io/proxyImage` (image .Values.global.proxy.image) }}"
  args: ["proxy", "sidecar", "--trust-domain={{ .Values.global.trustDomain }}"]
  env:
  - {name: ISTIO_META_MESH_ID, value: "{{ .Values.global.meshID }}"}
  - {name: GCP_METADATA, value: "{{ .Values.global.proxy.env.GCP_METADATA }}"}
  ports:
  - {containerPort: 15090, name: http-envoy-prom, protocol: TCP}
  readinessProbe: {httpGet: {path: /healthz/ready, port: 15020}, periodSeconds: 2, failureThreshold: 30}
  resources: {requests: {cpu: 10m, memory: 40Mi}, limits: {cpu: "2", memory: 1Gi}}
  volumeMounts:
  - {mountPath: /etc/istio/proxy, name: istio-envoy}
  - {mountPath: /var/run/sds, name: sds-uds-path, readOnly: true}
volumes:
- {name: istio-envoy, emptyDir: {medium: Memory}}
- {name: sds-uds-path, hostPath: {path: /var/run/sds}}
"""


def namespaced(api_version: str, kind: str, name: str, labels: Json | None = None, **fields: Any) -> Json:
    """Return an object of the control-plane namespace; `fields` stand beside its metadata."""
    metadata: Json = {"name": name, "namespace": NAMESPACE, "labels": dict(labels or {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def cluster_wide(api_version: str, kind: str, name: str, labels: Json | None = None, **fields: Any) -> Json:
    """Return an object without a namespace."""
    made = namespaced(api_version, kind, name, labels, **fields)
    del made["metadata"]["namespace"]
    return made


def istio_crd(group: str, version: str, kind: str, plural: str, short: tuple[str, ...], scope: str) -> Json:
    """Return the CustomResourceDefinition of one row of ISTIO_CRDS."""
    names: Json = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    if short:
        names["shortNames"] = list(short)
    spec = {
        "group": group, "names": names, "scope": scope, "version": version, "preserveUnknownFields": True,
        "versions": [{"name": version, "served": True, "storage": True}],
    }  # fmt: skip
    return cluster_wide(
        "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", f"{plural}.{group}",
        {"app": "istio-pilot", "chart": "istio"}, spec=spec,
    )  # fmt: skip


def account_with_role(account: str, rules: list[Json], role: str, binding: str = "") -> list[Json]:
    """Return a ServiceAccount with a ClusterRole and the binding between them, by default of the role's name."""
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    api = "rbac.authorization.k8s.io/v1"
    return [
        namespaced("v1", "ServiceAccount", account),
        cluster_wide(api, "ClusterRole", role, rules=rules),
        cluster_wide(api, "ClusterRoleBinding", binding or role, roleRef=role_ref, subjects=[subject]),
    ]


def let_account_read_secrets(account: str, role: str) -> list[Json]:
    """Return a Role of the control-plane namespace and the binding of the same name."""
    api, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    return [
        namespaced(api, "Role", role, rules=[access_rule([""], ["secrets"], READ)]),
        namespaced(api, "RoleBinding", role, roleRef={"apiGroup": group, "kind": "Role", "name": role},
                   subjects=[subject]),
    ]  # fmt: skip


def access_rule(groups: list[str], resources: list[str], verbs: list[str]) -> Json:
    """Return one RBAC rule."""
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


READ = ["get", "list", "watch"]
ISTIO_GROUPS = sorted({row[0] for row in ISTIO_CRDS})


def asm_image(values: Json, name: str) -> str:
    """Name an image of these values' hub and tag."""
    return f"{values['global']['hub']}/{name}:{values['global']['tag']}"


def container_of(name: str, image: str, *, cpu: str, memory: str, port: int, **more: Any) -> Json:
    """Return a container with requests and a readiness probe."""
    probe = {"httpGet": {"path": "/ready", "port": port}, "periodSeconds": 5}
    requests = {"requests": {"cpu": cpu, "memory": memory}}
    return {"name": name, "image": image, "ports": [{"containerPort": port}], "readinessProbe": probe,
            "resources": requests, **more}  # fmt: skip


def proxy_of(values: Json, role: str) -> Json:
    """Return a control-plane pod's own istio-proxy (written in its template, not injected)."""
    world = values["global"]
    return container_of(
        "istio-proxy", asm_image(values, world["proxy"]["image"]), cpu="100m", memory="128Mi", port=15020,
        args=["proxy", role, f"--trust-domain={world['trustDomain']}"],
        env=env_list({"ISTIO_META_MESH_ID": world["meshID"], **world["proxy"]["env"]}),
    )  # fmt: skip


def env_list(settings: Json) -> list[Json]:
    """Return settings in the form of a container's env."""
    return [{"name": name, "value": str(value)} for name, value in settings.items()]


def pod_template_of(labels: Json, account: str, containers: list[Json], **more: Any) -> Json:
    """Return a pod template that opts out of injection."""
    annotations = {"sidecar.istio.io/inject": "false"}
    return {
        "metadata": {"labels": dict(labels), "annotations": annotations},
        "spec": {"serviceAccountName": account, "containers": containers, **more},
    }


def deployment_of(
    name: str, labels: Json, containers: list[Json], replicas: int | None, account: str = "", **more: Any
) -> Json:
    """Return a Deployment; no `replicas` where an autoscaler decides them, `more` stands in its pods' spec."""
    template = pod_template_of(labels, account or f"{name}-service-account", containers, **more)
    spec: Json = {"selector": {"matchLabels": dict(labels)}, "strategy": _ROLLING, "template": template}
    if replicas is not None:
        spec["replicas"] = replicas
    return namespaced("apps/v1", "Deployment", name, labels, spec=spec)


def service_of(name: str, labels: Json, ports: Json, kind: str = "ClusterIP") -> Json:
    """Return a Service selecting these labels."""
    listed = [{"name": port_name, "port": port, "protocol": "TCP"} for port_name, port in ports.items()]
    return namespaced("v1", "Service", name, labels, spec={"type": kind, "selector": dict(labels), "ports": listed})


def budget_of(name: str, labels: Json) -> Json:
    """Return a PodDisruptionBudget with minAvailable 1."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": dict(labels)}}
    return namespaced("policy/v1beta1", "PodDisruptionBudget", name, labels, spec=spec)


def autoscaler_of(name: str, limits: Json) -> Json:
    """Return a HorizontalPodAutoscaler with the limits of the values."""
    metric = {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 80}}
    spec = {
        "minReplicas": limits["autoscaleMin"], "maxReplicas": limits["autoscaleMax"], "metrics": [metric],
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
    }  # fmt: skip
    return namespaced("autoscaling/v2beta1", "HorizontalPodAutoscaler", name, {"app": name}, spec=spec)
