"""The claims of a StatefulSet's volumeClaimTemplates: one for each template and ordinal, which outlive their pods.

Seen on 1.20.2: names, labels, events and what a quota says. That a claim is bound as soon as it is made is not: the
control plane that this is held to provides no disks.
"""

from __future__ import annotations

from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import Json, copy_json, name_of, namespace_of, uid_of
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.events import Recorder

CLAIMS = "persistentvolumeclaims"


def mount_claims(owner: Json, pod: Json) -> None:
    """Have a new pod use its claims, in place of volumes of the same names."""
    names = [_name(template) for template in _list_templates(owner)]
    if names:
        others = [volume for volume in pod["spec"].get("volumes") or () if volume["name"] not in names]
        claimed = [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{name_of(pod)}"}} for name in names]
        pod["spec"]["volumes"] = [*claimed, *others]


def make_claims(api: ApiServer, recorder: Recorder, owner: Json, pod: Json, component: str) -> None:
    """Create the claims that a new pod needs and that are not there. ApiError where one is refused."""
    within = f"Pod {name_of(pod)} in StatefulSet {name_of(owner)}"
    for template in _list_templates(owner):
        name = f"{_name(template)}-{name_of(pod)}"
        if api.store.find(CLAIMS, namespace_of(owner), name) is not None:
            continue
        try:
            _bind(
                api, api.create(api.resources.by_key(CLAIMS), namespace_of(owner), _build_claim(owner, template, name))
            )
        except ApiError as error:
            said = f"create Claim {name} for {within} failed error: {error.message}"
            recorder.warn(owner, "FailedCreate", said, component)
            why = f"failed to create PVC {name}: {error.message}"
            raise ApiError(error.code, error.reason, why, error.details) from error
        recorder.note(owner, "SuccessfulCreate", f"create Claim {name} {within} success", component)


def _build_claim(owner: Json, template: Json, name: str) -> Json:
    labels = (owner["spec"].get("selector") or {}).get("matchLabels") or {}
    return {"metadata": {"name": name, "labels": labels}, "spec": copy_json(template.get("spec") or {})}


def _bind(api: ApiServer, claim: Json) -> None:
    spec = {**claim["spec"], "volumeName": f"pvc-{uid_of(claim)}"}
    asked = (spec.get("resources") or {}).get("requests") or {}
    status = {"phase": "Bound", "accessModes": spec.get("accessModes") or [], "capacity": asked}
    api.put_if_changed(CLAIMS, claim, {**claim, "spec": spec, "status": status})


def _name(template: Json) -> str:
    return str((template.get("metadata") or {}).get("name") or "")


def _list_templates(owner: Json) -> list[Json]:
    return owner["spec"].get("volumeClaimTemplates") or []
