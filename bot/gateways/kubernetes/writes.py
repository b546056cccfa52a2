"""What the bot changes on the cluster: restarts, evictions and its own binding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from bot.gateways.calls.faults import is_taken, judge_status
from bot.gateways.kubernetes.answers import FoundLease, RoleBinding
from bot.gateways.kubernetes.api_server import MERGE, STRATEGIC, ApiServer, HttpAnswer
from bot.gateways.kubernetes.objects import FIELD_MANAGER
from bot.gateways.kubernetes.pages import decode
from bot.gateways.kubernetes.served_apis import ServedApis
from bot.gateways.kubernetes.verdicts import judge_deleted, judge_taken, read_status
from bot.gateways.kubernetes.workloads import KINDS, RESTARTED_AT
from steps.contract.errors import GiveUp
from steps.contract.leases import Lease
from steps.mesh import Binding, BindingMark, Evicted, Eviction, EvictionRefused, PodGone, WorkloadRef

BINDING = msgspec.json.Decoder(RoleBinding)
RESTARTABLE = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout"})
MARKS = ("asm-upgrade-bot/journal", "asm-upgrade-bot/upgrade")
HEAD = "asm-upgrade-bot/audit-head"
LEASE = msgspec.json.Decoder(FoundLease)
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


class Writes:
    """The writes of an upgrade through one API server; each safe to repeat."""

    def __init__(self, server: ApiServer, apis: ServedApis) -> None:
        self._server = server
        self._apis = apis

    def restart_workload(self, ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        self._stamp(f"restart {ref}", ref, stamp, resource_version)

    def withdraw_restart(self, ref: WorkloadRef, before: str, resource_version: str) -> None:
        self._stamp(f"take back the restart of {ref}", ref, before or None, resource_version)

    def _stamp(self, action: str, ref: WorkloadRef, stamp: str | None, resource_version: str) -> None:
        if ref.kind not in RESTARTABLE:
            raise GiveUp(f"{ref} can't be restarted by its template", "Evict its pods, or restart it by hand.")
        place = KINDS[ref.kind]
        path = f"{place.base}/namespaces/{quote(ref.namespace)}/{place.plural}/{quote(ref.name)}"
        content_type = MERGE if ref.kind == "Rollout" else STRATEGIC
        answer = self._server.send(
            action,
            "PATCH",
            path,
            {"fieldManager": "kubectl-rollout"},
            _write_restart(ref.kind, stamp, resource_version),
            content_type,
            accept=(404,),
        )
        if answer.status == 404:
            raise judge_deleted(ref)

    def evict_pod(self, namespace: str, name: str, uid: str) -> Eviction:
        action = f"evict {namespace}/{name}"
        body = {
            "apiVersion": self._apis.find_eviction(),
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}/eviction"
        answer = self._server.send(action, "POST", path, body=body, accept=(404, 409, 429, 500))
        return self._judge_eviction(action, answer)

    def _judge_eviction(self, action: str, answer: HttpAnswer) -> Eviction:
        status = read_status(answer.body)
        if is_taken(answer.status):
            return Evicted()
        if answer.status == 404 or (answer.status == 409 and "uid" in status.message.lower()):
            return PodGone()
        if answer.status == 429 and any(cause.reason == "DisruptionBudget" for cause in status.causes):
            return EvictionRefused(_explain_refusal(status.message, [cause.message for cause in status.causes]))
        if answer.status == 500 and "more than one PodDisruptionBudget" in status.message:
            return EvictionRefused(status.message, permanent=True)
        call = self._server.describe_call(action, status.message)
        raise judge_status(call, answer.status, status.message, answer.retry_after)

    def read_binding(self, name: str) -> Binding | None:
        action = f"read ClusterRoleBinding {name}"
        answer = self._server.read(action, f"{BINDINGS}/{quote(name)}", accept=(404,))
        if answer.status == 404:
            return None
        return _reduce_binding(name, decode(self._server, action, answer, BINDING))

    def create_binding(self, binding: Binding) -> None:
        action = f"create ClusterRoleBinding {binding.name}"
        body = _write_binding(binding)
        answer = self._server.send(action, "POST", BINDINGS, {"fieldManager": FIELD_MANAGER}, body, accept=(409,))
        if answer.status == 409 and self.read_binding(binding.name) != binding:
            raise judge_taken(binding.name)

    def revise_binding(self, binding: Binding) -> None:
        body = _write_binding(binding)
        # Merged, an annotation that is null goes away; with the version it is a compare and swap.
        marks = {**dict.fromkeys(MARKS), **_write_mark(binding)}
        meta = {"name": binding.name, "annotations": marks, "resourceVersion": binding.resource_version}
        path, query = f"{BINDINGS}/{quote(binding.name)}", {"fieldManager": FIELD_MANAGER}
        self._server.send(
            f"change ClusterRoleBinding {binding.name}", "PATCH", path, query, {**body, "metadata": meta}, MERGE
        )

    def delete_binding(self, name: str) -> None:
        self._server.send(f"delete ClusterRoleBinding {name}", "DELETE", f"{BINDINGS}/{quote(name)}", accept=(404,))

    def read_lease(self, namespace: str, name: str) -> Lease | None:
        action = f"read Lease {namespace}/{name}"
        answer = self._server.read(action, _locate_lease(namespace, name), accept=(404,))
        if answer.status == 404:
            return None
        return _reduce_lease(namespace, name, decode(self._server, action, answer, LEASE))

    def write_lease(self, lease: Lease) -> str | None:
        query, body = {"fieldManager": FIELD_MANAGER}, _write_lease(lease)
        action = f"{'change' if lease.resource_version else 'create'} Lease {lease.namespace}/{lease.name}"
        if lease.resource_version:
            path = _locate_lease(lease.namespace, lease.name)
            # 404: somebody deleted it since it was read
            answer = self._server.send(action, "PATCH", path, query, body, MERGE, accept=(404, 409))
        else:
            answer = self._server.send(action, "POST", _locate_lease(lease.namespace), query, body, accept=(409,))
        if not is_taken(answer.status):
            return None
        return decode(self._server, action, answer, LEASE).metadata.resource_version

    def renew_lease(self, lease: Lease) -> str | None:
        return self.write_lease(lease)


def _locate_lease(namespace: str, name: str = "") -> str:
    base = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases"
    return f"{base}/{quote(name)}" if name else base


def _write_lease(lease: Lease) -> Mapping[str, object]:
    marks = (lease.mark.journal, lease.mark.upgrade) if lease.mark else (None, None)
    annotations = {**dict(zip(MARKS, marks, strict=True)), HEAD: lease.head or None}
    meta = {"name": lease.name, "namespace": lease.namespace, "annotations": annotations}
    times = {"acquireTime": _write_moment(lease.acquired), "renewTime": _write_moment(lease.renewed)}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {**meta, **({"resourceVersion": lease.resource_version} if lease.resource_version else {})},
        "spec": {"holderIdentity": lease.holder or None, **times},
    }


def _write_moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def _reduce_lease(namespace: str, name: str, found: FoundLease) -> Lease:
    journal, upgrade, head = ((found.metadata.annotations or {}).get(key, "") for key in (*MARKS, HEAD))
    return Lease(
        namespace,
        name,
        found.spec.holder_identity or "",
        BindingMark(journal, upgrade) if journal else None,
        head,
        found.spec.acquire_time,
        found.spec.renew_time,
        found.metadata.resource_version,
    )


def _write_restart(kind: str, stamp: str | None, resource_version: str) -> Mapping[str, object]:
    if kind == "Rollout":
        body: dict[str, object] = {"spec": {"restartAt": stamp}}
    else:
        body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: stamp}}}}}
    # With a resourceVersion in the patch the API server compares and swaps: 409 when somebody was faster.
    return {**body, "metadata": {"resourceVersion": resource_version}} if resource_version else body


def _write_binding(binding: Binding) -> Mapping[str, object]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": binding.name, "annotations": _write_mark(binding)},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": binding.role},
        "subjects": [{"kind": "User", "apiGroup": group, "name": user} for user in binding.users],
    }


def _write_mark(binding: Binding) -> dict[str, str]:
    mark = binding.mark
    return {} if mark is None else dict(zip(MARKS, (mark.journal, mark.upgrade), strict=True))


def _reduce_binding(name: str, found: RoleBinding) -> Binding:
    subjects = found.subjects or ()
    journal, upgrade = ((found.metadata.annotations or {}).get(key, "") for key in MARKS)
    return Binding(
        name,
        found.role_ref.name,
        tuple(one.name for one in subjects if one.kind == "User"),
        tuple(f"{one.kind} {one.name}" for one in subjects if one.kind != "User"),
        BindingMark(journal, upgrade) if journal else None,
        found.metadata.resource_version,
    )


def _explain_refusal(message: str, causes: list[str]) -> str:
    return " ".join(part for part in [message, *causes] if part)
