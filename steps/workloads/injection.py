"""Who gets a sidecar: the rules by which the injector of ASM 1.4 decides.

Source: istio/istio 1.4.10 pkg/kube/inject (injectRequired) and the webhook's namespace selector.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from steps.contract.errors import GiveUp
from steps.contract.release import Release
from steps.mesh import Namespace, Pod, Webhook
from steps.versions import parse_asm_version, parse_image, read_tag

INJECT = "sidecar.istio.io/inject"
PINNED_IMAGE = "sidecar.istio.io/proxyImage"
MIRROR = "kubernetes.io/config.mirror"
NAMESPACE_LABEL = "istio-injection"
PROXY = "istio-proxy"
_YES = ("y", "yes", "true", "on")
_NEVER_INJECTED = ("kube-system", "kube-public")


@dataclass(frozen=True)
class Injector:
    """What the injector's ConfigMap says: who gets a sidecar, and of which image.

    `never` and `always` are Kubernetes label selectors. `by_default` means that namespaces need no label.
    """

    policy: str
    hub: str
    tag: str
    image_name: str = "proxyv2"
    never: tuple[Mapping[str, Any], ...] = ()
    always: tuple[Mapping[str, Any], ...] = ()
    by_default: bool = False

    @property
    def image(self) -> str:
        """The image that a pod created now would get."""
        return self.image_name if "/" in self.image_name else f"{self.hub}/{self.image_name}:{self.tag}"


def parse_injector(texts: Mapping[str, str] | None, name: str) -> Injector:
    """Read the ConfigMap's `config` (YAML) and `values` (JSON); GiveUp where it is absent or says something else."""
    if texts is None:
        raise GiveUp(f"the ConfigMap {name} is absent", f"Restore the ConfigMap {name}, then retry.")
    try:
        config = yaml.safe_load(texts.get("config", "")) or {}
        values = json.loads(texts.get("values", "{}"))
        world, webhook = values["global"], values.get("sidecarInjectorWebhook", {})
        return Injector(
            policy=str(config.get("policy", "")),
            hub=str(world["hub"]),
            tag=str(world["tag"]),
            image_name=str(world.get("proxy", {}).get("image", "proxyv2")),
            never=tuple(config.get("neverInjectSelector") or ()),
            always=tuple(config.get("alwaysInjectSelector") or ()),
            by_default=bool(webhook.get("enableNamespacesByDefault", False)),
        )
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise GiveUp(
            f"the ConfigMap {name} can't be read as the injector's configuration ({type(fault).__name__}: {fault})",
            f"Apply the control plane again so that {name} is written anew, then retry.",
        ) from fault


def is_injected_namespace(namespace: Namespace, injector: Injector, webhook: Webhook | None = None) -> bool:
    """Whether the webhook is called for pods created in the namespace."""
    if namespace.name in _NEVER_INJECTED:
        return False
    if webhook and (webhook.namespace_selector or webhook.namespace_requirements):
        expressions = [asdict(one) for one in webhook.namespace_requirements]
        selector = {"matchLabels": webhook.namespace_selector, "matchExpressions": expressions}
        return matches_selector(selector, namespace.labels)
    if injector.by_default:
        return namespace.labels.get(NAMESPACE_LABEL) != "disabled"
    return namespace.labels.get(NAMESPACE_LABEL) == "enabled"


def expects_sidecar(
    labels: Mapping[str, str], annotations: Mapping[str, str], host_network: bool, injector: Injector
) -> bool:
    """Whether a pod with these labels and annotations gets a sidecar in a namespace that the webhook is called for."""
    if host_network or injector.policy not in ("enabled", "disabled"):
        return False
    asked = annotations.get(INJECT, "").lower()
    if asked:
        return asked in _YES
    if any(matches_selector(selector, labels) for selector in injector.never):
        return False
    if any(matches_selector(selector, labels) for selector in injector.always):
        return True
    return injector.policy == "enabled"


def matches_selector(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Kubernetes' label selector; an empty one matches nothing here, as in the injector."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    if not wanted and not expressions:
        return False
    return wanted.items() <= labels.items() and all(_matches_expression(one, labels) for one in expressions)


def _matches_expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def is_target_image(image: str, release: Release) -> bool:
    """Whether a proxy's image is the release's; only the tag counts, and a variant of it (-distroless) does too."""
    found = parse_asm_version(read_tag(image))
    return found == parse_asm_version(release.version) if found else read_tag(image) == release.version


def describe_version(image: str) -> str:
    """The version that a proxy's image names, or what stands in its place."""
    reference = parse_image(image)
    return reference.tag or reference.digest or "no version"


def has_target(pod: Pod, release: Release) -> bool:
    """Whether the pod carries the release's sidecar."""
    return bool(pod.proxy_image) and is_target_image(pod.proxy_image, release)
