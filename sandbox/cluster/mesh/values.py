"""The values of the asm profile, and how `-f` and `--set` change them.

Standard library only, because release archives carry these very modules.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


NAMESPACE = "istio-system"
HUB = "gcr.io/gke-release/asm"
REQUIRED_COMPONENTS = ("Base", "Galley", "IngressGateway", "Injector", "NodeAgent", "Pilot")
OPTIONAL_COMPONENTS = (
    "Citadel", "Cni", "CoreDNS", "EgressGateway", "Grafana", "Kiali", "Policy", "Prometheus", "Telemetry", "Tracing",
)  # fmt: skip


def enabled_components(values: Json) -> list[str]:
    """Name the operator components that these merged values switch on, Base first."""
    switches = {
        "Citadel": values["security"]["enabled"],
        "Cni": values["istio_cni"]["enabled"],
        "CoreDNS": values["istiocoredns"]["enabled"],
        "EgressGateway": values["gateways"]["istio-egressgateway"]["enabled"],
        "Grafana": values["grafana"]["enabled"],
        "Kiali": values["kiali"]["enabled"],
        "Policy": values["mixer"]["policy"]["enabled"],
        "Prometheus": values["prometheus"]["enabled"],
        "Telemetry": values["mixer"]["telemetry"]["enabled"],
        "Tracing": values["tracing"]["enabled"],
    }
    return [*REQUIRED_COMPONENTS, *(name for name in OPTIONAL_COMPONENTS if switches[name])]


def merged_values(version: str, options: Json) -> Json:
    """Merge the asm profile's values with those of `options`; raises ValueError where a branch meets a leaf."""
    tree = _unfolded(options)
    values = _profile_values(tree.get("tag", version), tree.get("hub", HUB))
    _merge(values, tree.get("values", {}), "values")
    return values


def _profile_values(tag: str, hub: str) -> Json:
    return {
        "global": {
            "hub": hub, "tag": tag, "istioNamespace": NAMESPACE, "trustDomain": "cluster.local", "meshID": "",
            "mtls": {"enabled": False, "auto": False},
            "sds": {"enabled": True, "udsPath": "unix:/var/run/sds/uds_path", "token": {"aud": "istio-ca"}},
            "outboundTrafficPolicy": {"mode": "ALLOW_ANY"},
            "proxy": {
                "image": "proxyv2", "accessLogFile": "", "accessLogFormat": "", "accessLogEncoding": "TEXT",
                "protocolDetectionTimeout": "100ms", "tracer": "zipkin", "env": {"GCP_METADATA": ""},
            },
            "proxy_init": {"image": "proxyv2"},
        },
        "nodeagent": {
            "enabled": True, "image": "node-agent-k8s",
            "env": {"CA_PROVIDER": "GoogleCA", "CA_ADDR": "meshca.googleapis.com:443",
                    "PLUGINS": "GoogleTokenExchange", "GKE_CLUSTER_URL": ""},
        },
        "pilot": {"enabled": True, "autoscaleMin": 2, "autoscaleMax": 5},
        "galley": {"enabled": True, "replicaCount": 1},
        "sidecarInjectorWebhook": {"enabled": True, "replicaCount": 1, "enableNamespacesByDefault": False,
                                   "selfSigned": False},
        "gateways": {
            "istio-ingressgateway": {
                "enabled": True, "type": "LoadBalancer", "autoscaleMin": 2, "autoscaleMax": 5,
            },
            "istio-egressgateway": {"enabled": False, "autoscaleMin": 1, "autoscaleMax": 5},
        },
        "prometheus": {"enabled": False}, "grafana": {"enabled": False}, "kiali": {"enabled": False},
        "tracing": {"enabled": False}, "security": {"enabled": False},
        "mixer": {"policy": {"enabled": False}, "telemetry": {"enabled": False}},
        "istiocoredns": {"enabled": False}, "istio_cni": {"enabled": False},
    }  # fmt: skip


def _unfolded(options: Json) -> Json:
    tree: Json = {}
    for path, value in options.items():
        branch = tree
        *parents, leaf = path.split(".")
        for parent in parents:
            branch = branch.setdefault(parent, {})
        if isinstance(value, dict):
            _merge(branch.setdefault(leaf, {}), value, path)
        else:
            branch[leaf] = value
    return tree


def _merge(target: Json, added: Json, path: str) -> None:
    for key, value in added.items():
        here = target.get(key)
        if isinstance(here, dict) != isinstance(value, dict) and here is not None:
            raise ValueError(f"{path}.{key}: expected {'a tree' if isinstance(here, dict) else 'one value'}")
        if isinstance(value, dict):
            _merge(target.setdefault(key, {}), value, f"{path}.{key}")
        else:
            target[key] = value
