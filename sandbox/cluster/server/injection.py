"""The sidecar injector of ASM 1.4: who gets a sidecar, and which one.

What it injects stands in the ConfigMap istio-sidecar-injector, as in the real one; the rules of who gets it and their
order are those of istio 1.4.10, pkg/kube/inject.
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

import yaml

from sandbox.cluster.objects.errors import ApiError, internal
from sandbox.cluster.objects.objects import Json, annotations_of, digest, labels_of
from sandbox.cluster.objects.selectors import match_label_selector

CONFIG_NAMESPACE = "istio-system"
CONFIG_NAME = "istio-sidecar-injector"
STATUS_ANNOTATION = "sidecar.istio.io/status"
_INJECT_ANNOTATION = "sidecar.istio.io/inject"
_NEVER = ("kube-system", "kube-public")
# Rendered templates kept: reading YAML is what injection costs.
_KEPT = 32
_EXPRESSION = re.compile(r"\{\{\s*(.*?)\s*\}\}")


class HoldsObjects(Protocol):
    """Where the injector finds its ConfigMap."""

    def find(self, key: str, namespace: str, name: str) -> Json | None:
        """Return an object, None where it is absent."""
        ...


class Injector:
    """Answers the admission reviews that the API server sends to the injector's Service."""

    def __init__(self, store: HoldsObjects) -> None:
        self._store = store
        self.down = False
        self._read: tuple[str, Json, Json] = ("", {}, {})
        self._rendered: dict[str, Json] = {}

    def inject(self, pod: Json, namespace: str) -> Json:
        """Return the pod with its sidecar, or the pod itself. Raises ApiError 500 on unreadable settings."""
        settings, values = self._settings()
        if not wants_sidecar(pod, namespace, settings):
            return pod
        template = str(settings["template"])
        return _injected(pod, self._render(template, values, pod), template)

    def _settings(self) -> tuple[Json, Json]:
        config = self._store.find("configmaps", CONFIG_NAMESPACE, CONFIG_NAME)
        if config is None:
            raise _webhook_failure('configmaps "istio-sidecar-injector" not found')
        version, texts = config["metadata"]["resourceVersion"], config.get("data") or {}
        if self._read[0] == version:
            return self._read[1], self._read[2]
        try:
            settings, values = yaml.safe_load(texts["config"]), json.loads(texts["values"])
        except (KeyError, ValueError, yaml.YAMLError) as error:
            raise _webhook_failure(f"the injector can't read its ConfigMap: {error}") from error
        self._read = (version, settings, values)
        return settings, values

    def _render(self, template: str, values: Json, pod: Json) -> Json:
        try:
            text = _EXPRESSION.sub(lambda found: _evaluate(found[1], values, pod), template)
            if text not in self._rendered:
                self._rendered = {**dict(list(self._rendered.items())[-_KEPT:]), text: yaml.safe_load(text)}
        except (KeyError, yaml.YAMLError) as error:
            raise _webhook_failure(f"the sidecar template can't be rendered: {error}") from error
        return self._rendered[text]


def _webhook_failure(why: str) -> ApiError:
    return internal(f'admission webhook "sidecar-injector.istio.io" denied the request: {why}')


def wants_sidecar(pod: Json, namespace: str, settings: Json) -> bool:
    """Tell whether a pod gets a sidecar, by istio 1.4's rules in their order."""
    if pod["spec"].get("hostNetwork") or namespace in _NEVER:
        return False
    if settings.get("policy") not in ("enabled", "disabled"):
        # Istio logs the illegal value and injects nobody, whatever is asked for.
        return False
    asked = annotations_of(pod).get(_INJECT_ANNOTATION, "").lower()
    if asked in ("y", "yes", "true", "on"):
        return True
    if asked:
        return False
    if _selects(settings.get("neverInjectSelector"), pod):
        return False
    return _selects(settings.get("alwaysInjectSelector"), pod) or settings.get("policy") == "enabled"


def _selects(selectors: list[Json] | None, pod: Json) -> bool:
    """Tell whether any of the selectors selects the pod; an empty one doesn't (istio 1.4's injectRequired)."""
    named = (one for one in selectors or () if one.get("matchLabels") or one.get("matchExpressions"))
    return any(match_label_selector(one, labels_of(pod)) for one in named)


def _evaluate(expression: str, values: Json, pod: Json) -> str:
    if found := re.match(r"^annotation \.ObjectMeta `([^`]+)` \(?(.*?)\)?$", expression):
        asked = annotations_of(pod).get(found[1])
        return asked if asked is not None else _evaluate(found[2], values, pod)
    if found := re.match(r"^image (\S+)$", expression):
        image = _evaluate(found[1], values, pod)
        return image if "/" in image else f"{values['global']['hub']}/{image}:{values['global']['tag']}"
    if expression.startswith(".Values."):
        branch: Any = values
        for step in expression.removeprefix(".Values.").split("."):
            branch = branch[step]
        return str(branch)
    raise KeyError(expression)


def _injected(pod: Json, added: Json, template: str) -> Json:
    spec = dict(pod["spec"])
    for group in ("initContainers", "containers", "volumes"):
        fresh = added.get(group) or []
        names = {row["name"] for row in fresh}
        # As in istio 1.4's createPatch: what was injected by hand before is replaced.
        kept = [row for row in spec.get(group) or () if row["name"] not in names]
        spec[group] = [*kept, *fresh]
    security = {**(spec.get("securityContext") or {})}
    security.setdefault("fsGroup", 1337)
    spec["securityContext"] = security
    status = {
        # A hash of the template before rendering, so the same across releases: true of 1.4.
        "version": digest(template).hex(),
        **{
            group: [row["name"] for row in added.get(group) or []]
            for group in ("initContainers", "containers", "volumes")
        },
        "imagePullSecrets": None,
    }
    annotations = {**annotations_of(pod), STATUS_ANNOTATION: json.dumps(status, separators=(",", ":"))}
    return {**pod, "metadata": {**pod["metadata"], "annotations": annotations}, "spec": spec}
