"""The state of the control plane before the first write, kept as YAML files."""

from __future__ import annotations

from collections.abc import Iterable

from steps.contract.documents import write_yaml
from steps.contract.ports import Kubernetes, Manifest
from steps.contract.release import Release

_ISTIO_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "networking.istio.io/v1alpha3",
        ("VirtualService", "DestinationRule", "ServiceEntry", "Gateway", "EnvoyFilter", "Sidecar"),
    ),
    ("authentication.istio.io/v1alpha1", ("Policy", "MeshPolicy")),
    ("rbac.istio.io/v1alpha1", ("ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding")),
    ("security.istio.io/v1beta1", ("AuthorizationPolicy",)),
    (
        "config.istio.io/v1alpha2",
        ("adapter", "attributemanifest", "handler", "instance", "rule", "template", "HTTPAPISpec", "QuotaSpec"),
    ),
    (
        "config.istio.io/v1alpha2",
        ("HTTPAPISpecBinding", "QuotaSpecBinding"),
    ),
)
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_CONTROL_PLANE: tuple[tuple[str, str], ...] = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("autoscaling/v1", "HorizontalPodAutoscaler"),
    ("policy/v1beta1", "PodDisruptionBudget"),
)
_SERVER_FIELDS = ("managedFields", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp")

# Of a Secret the keys are kept, so that a person knows what to bring.
LEFT_OUT = "asm-upgrade-bot/left-out"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

# Each namespace is given it by its own cluster; restored into another one it would name a foreign CA.
OF_THE_CLUSTER = frozenset({"kube-root-ca.crt"})

BackupItem = tuple[str, str, str]


def list_backup_items(release: Release) -> tuple[BackupItem, ...]:
    """What is kept, one file each: apiVersion, kind and namespace ("" for all)."""
    return (
        *((api, kind, release.namespace) for api, kind in _CONTROL_PLANE),
        *(("admissionregistration.k8s.io/v1beta1", kind, "") for kind in _WEBHOOKS),
        *((api, kind, "") for api, kinds in _ISTIO_KINDS for kind in kinds),
    )


def name_backup(item: BackupItem) -> str:
    """The file's name, `apps_v1-Deployment-istio-system.yaml`."""
    api, kind, namespace = item
    return "-".join(part for part in (api.replace("/", "_"), kind, namespace) if part) + ".yaml"


def name_removed(name: str) -> str:
    """The file's name of one object that was removed, `removed-Service-istio-system-kiali.yaml`."""
    return f"removed-{name.replace(' ', '-').replace('/', '-')}.yaml"


def read_backup(kubernetes: Kubernetes, item: BackupItem) -> tuple[str, int]:
    """The objects as one YAML text that `kubectl apply -f` takes, and how many there are."""
    api, kind, namespace = item
    found = kubernetes.list_objects(api, kind, namespace)
    objects = [strip_object(one) for one in found if one["metadata"]["name"] not in OF_THE_CLUSTER]
    return dump_objects({"apiVersion": api, "kind": kind, **found} for found in objects), len(objects)


def strip_object(manifest: Manifest) -> Manifest:
    """The object as it is kept: without what only the server writes, and of a Secret without what it holds."""
    kept = strip_server_fields(manifest)
    if kept.get("kind") != "Secret":
        return kept
    annotations = {k: v for k, v in (kept["metadata"].get("annotations") or {}).items() if k != LAST_APPLIED}
    left_out = ", ".join(sorted({*(kept.get("data") or {}), *(kept.get("stringData") or {})}))
    metadata = {**kept["metadata"], "annotations": {**annotations, LEFT_OUT: left_out}}
    return {**{key: part for key, part in kept.items() if key not in ("data", "stringData")}, "metadata": metadata}


def strip_server_fields(manifest: Manifest) -> Manifest:
    """The object without status and what only the server writes."""
    metadata = {key: value for key, value in manifest.get("metadata", {}).items() if key not in _SERVER_FIELDS}
    return {**{key: value for key, value in manifest.items() if key != "status"}, "metadata": metadata}


def dump_objects(objects: Iterable[Manifest]) -> str:
    """Several objects as YAML documents."""
    return write_yaml((dict(one) for one in objects), allow_unicode=True)
