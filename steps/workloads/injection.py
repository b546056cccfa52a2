"""Who gets a sidecar: the rules by which the injector of ASM 1.4 decides.

Source: istio/istio 1.4.10 pkg/kube/inject (injectRequired) and the webhook's namespace selector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from steps.contract.documents import BadDocument, read_json, read_yaml
from steps.contract.errors import GiveUp
from steps.contract.ports import Manifest
from steps.contract.release import Release
from steps.mesh import InjectorWebhook, Namespace, Pod, Requirement
from steps.versions import parse_asm_version, parse_image, read_tag

INJECT = "sidecar.istio.io/inject"
PINNED_IMAGE = "sidecar.istio.io/proxyImage"
MIRROR = "kubernetes.io/config.mirror"
NAMESPACE_LABEL = "istio-injection"
PROXY = "istio-proxy"
_YES = ("y", "yes", "true", "on")
_NEVER_INJECTED = ("kube-system", "kube-public")


@dataclass(frozen=True)
class Selector:
    """A label selector of Kubernetes."""

    labels: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects what has these labels; an empty one matches nothing here, as in the injector."""
        if not self.labels and not self.requirements:
            return False
        return self.labels.items() <= labels.items() and all(meets(one, labels) for one in self.requirements)


@dataclass(frozen=True)
class Injector:
    """What the injector's ConfigMap says: who gets a sidecar, and of which image.

    Pods that `never` selects get none, those that `always` selects do. `by_default`: namespaces need no label.
    """

    policy: str
    hub: str
    tag: str
    image_name: str = "proxyv2"
    never: tuple[Selector, ...] = ()
    always: tuple[Selector, ...] = ()
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
        config: Manifest = next(iter(read_yaml(texts.get("config", ""))), {})
        values = read_json(texts.get("values", "{}"))
        world, webhook = values["global"], values.get("sidecarInjectorWebhook", {})
        return Injector(
            policy=str(config.get("policy", "")),
            hub=str(world["hub"]),
            tag=str(world["tag"]),
            image_name=str(world.get("proxy", {}).get("image", "proxyv2")),
            never=tuple(map(read_selector, config.get("neverInjectSelector") or ())),
            always=tuple(map(read_selector, config.get("alwaysInjectSelector") or ())),
            by_default=bool(webhook.get("enableNamespacesByDefault", False)),
        )
    except (BadDocument, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise GiveUp(
            f"the ConfigMap {name} can't be read as the injector's configuration ({type(fault).__name__}: {fault})",
            f"Apply the control plane again so that {name} is written anew, then retry.",
        ) from fault


def is_injected_namespace(namespace: Namespace, injector: Injector, webhook: InjectorWebhook | None = None) -> bool:
    """Whether the webhook is called for pods created in the namespace."""
    if namespace.name in _NEVER_INJECTED:
        return False
    if webhook and (webhook.namespace_selector or webhook.namespace_requirements):
        return Selector(webhook.namespace_selector, webhook.namespace_requirements).matches(namespace.labels)
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
    if any(selector.matches(labels) for selector in injector.never):
        return False
    if any(selector.matches(labels) for selector in injector.always):
        return True
    return injector.policy == "enabled"


def read_selector(raw: Manifest) -> Selector:
    """A label selector as Kubernetes writes it; KeyError, TypeError or AttributeError where it is none."""
    expressions: Sequence[Manifest] = raw.get("matchExpressions") or ()
    requirements = (Requirement(one["key"], one["operator"], tuple(one.get("values") or ())) for one in expressions)
    return Selector(raw.get("matchLabels") or {}, tuple(requirements))


def meets(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    """Whether labels are as a selector's expression asks for."""
    key, values = requirement.key, requirement.values
    match requirement.operator:
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
    return is_version_image(image, release.version)


@lru_cache(maxsize=1_000)  # asked of each pod at each look, and there are few images
def is_version_image(image: str, version: str) -> bool:
    """Whether a proxy's image is of this version, by its tag."""
    found = parse_asm_version(read_tag(image))
    return found == parse_asm_version(version) if found else read_tag(image) == version


def describe_version(image: str) -> str:
    """The version that a proxy's image names, or what stands in its place."""
    reference = parse_image(image)
    return reference.tag or reference.digest or "no version"


def has_target(pod: Pod, release: Release) -> bool:
    """Whether the pod carries the release's sidecar."""
    return bool(pod.proxy_image) and is_target_image(pod.proxy_image, release)
