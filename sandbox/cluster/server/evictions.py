"""The eviction subresource: a deletion that a PodDisruptionBudget may refuse (source: registry/core/pod/storage)."""

from __future__ import annotations

from sandbox.cluster.objects.errors import ApiError, bad_request, forbidden
from sandbox.cluster.objects.objects import (
    Json,
    is_pod_finished,
    is_pod_ready,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    stamp,
)
from sandbox.cluster.objects.selectors import match_label_selector
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.deletion import DeleteOptions, delete_object

BUDGETS = "poddisruptionbudgets.policy"
_SCHEME = 'in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"'


def evict_pod(api: ApiServer, pod: Json, eviction: Json, *, dry_run: bool) -> Json:
    """Evict a pod and return the Status of success. Raises ApiError 400, 409, 429 or 500, or a webhook's."""
    _check_version(api, eviction)
    options = eviction.get("deleteOptions") or {}
    preconditions = options.get("preconditions") or {}
    wanted = DeleteOptions(
        grace=options.get("gracePeriodSeconds"), uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"), dry_run=dry_run or bool(options.get("dryRun")),
        admitted=True,
    )  # fmt: skip
    api.admission.admit_eviction(api.resources.by_key("pods"), pod, eviction, dry_run=wanted.dry_run)
    if not _needs_no_budget(api, pod):
        _spend_budget(api, pod, dry_run=wanted.dry_run)
    delete_object(api, api.resources.by_key("pods"), pod, wanted)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def budgets_of(api: ApiServer, pod: Json) -> list[Json]:
    """Return the budgets that cover a pod; an empty selector covers every pod in policy/v1 and none in v1beta1."""
    matched = []
    for budget in api.store.each(BUDGETS, namespace_of(pod)):
        selector = (budget.get("spec") or {}).get("selector")
        if selector == {} and budget["apiVersion"] == "policy/v1beta1":
            continue
        if match_label_selector(selector, labels_of(pod)):
            matched.append(budget)
    return matched


def _check_version(api: ApiServer, eviction: Json) -> None:
    spoken = str(eviction.get("apiVersion", "policy/v1beta1"))
    served = ["policy/v1beta1"] if api.resources.minor < 25 else []
    served += ["policy/v1"] if api.resources.minor >= 22 else []
    if spoken not in served:
        what = f'Eviction in version "{spoken.rpartition("/")[2]}" cannot be handled as a Eviction'
        raise bad_request(f'{what}: no kind "Eviction" is registered for version "{spoken}" {_SCHEME}')


def _needs_no_budget(api: ApiServer, pod: Json) -> bool:
    """Tell whether no budget matters: finished, pending since 1.18 (kubernetes#83906), leaving since 1.20 (#91342)."""
    pending = (pod.get("status") or {}).get("phase") == "Pending"
    return (
        is_pod_finished(pod)
        or (pending and api.resources.minor >= 18)
        or (is_terminating(pod) and api.resources.minor >= 20)
    )


def _spend_budget(api: ApiServer, pod: Json, *, dry_run: bool) -> None:
    budgets = budgets_of(api, pod)
    if not budgets:
        return
    if len(budgets) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(500, "", message)
    budget = budgets[0]
    status = budget.get("status") or {}
    name = name_of(budget)
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 1):
        raise _refused(f"The disruption budget {name} is still being processed by the server.")
    allowed = status.get("disruptionsAllowed", 0)
    if _harms_nobody(api, pod, status):
        return
    if allowed < 0:
        raise forbidden("poddisruptionbudgets", "policy", name, "pdb disruptions allowed is negative")
    if allowed == 0:
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _refused(f"The disruption budget {name} needs {needs} healthy pods and has {has} currently")
    if dry_run:
        return
    disrupted = {**(status.get("disruptedPods") or {}), name_of(pod): stamp(api.now())}
    api.set_status(BUDGETS, budget, {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": disrupted})


def _harms_nobody(api: ApiServer, pod: Json, status: Json) -> bool:
    """Tell whether an unready pod goes although nothing may: since 1.20, while enough others are healthy."""
    wanted = status.get("desiredHealthy", 0)
    return api.resources.minor >= 20 and not is_pod_ready(pod) and 0 < wanted <= status.get("currentHealthy", 0)


def _refused(why: str) -> ApiError:
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return ApiError(429, "TooManyRequests", message, {"causes": [{"reason": "DisruptionBudget", "message": why}]})
