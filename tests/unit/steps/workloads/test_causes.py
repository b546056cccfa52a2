"""From a cluster's words to what a person can do: one table, and real words for each of its rows."""

from __future__ import annotations

from typing import get_args

import pytest

from steps.workloads.causes import CAUSES, CauseKind, advise, advise_on_refusal, find_cause, find_telling
from steps.workloads.stalls import PATIENCE

DENIED = 'admission webhook "validate.kyverno.svc-fail" denied the request: label team is required'
# Words of real clusters (public texts, the contracts' servers), the row that tells of them, a piece of the advice.
REAL = (
    (DENIED, "policy", "webhook validate.kyverno.svc-fail forbids it"),
    ("admission webhook \"x.y\" denied the request without explanation", "policy", "webhook x.y"),
    (f"FailedCreate: {DENIED}", "policy", "exempt"),
    (f"create Pod db-2 in StatefulSet db failed error: {DENIED}", "policy", "exempt"),
    (
        'Internal error occurred: failed calling webhook "sidecar-injector.istio.io": Post'
        ' "https://istio-sidecar-injector.istio-system.svc:443/inject?timeout=30s": no endpoints available for service'
        ' "istio-sidecar-injector"',
        "injector's refusal", "port 9443",
    ),
    (
        'FailedCreate: Internal error occurred: failed calling webhook "validation.gatekeeper.sh": failed to call'
        ' webhook: Post "https://gatekeeper-webhook-service.gatekeeper-system.svc:443/v1/admit?timeout=3s": context'
        " deadline exceeded",
        "webhook away", "failurePolicy",
    ),
    (
        'pods "web-1" is forbidden: exceeded quota: compute, requested: cpu=100m, used: cpu=2, limited: cpu=2', "quota",
        "kubectl -n shop describe resourcequota compute.",
    ),
    (
        'pods "web-1" is forbidden: failed quota: compute: must specify limits.cpu,limits.memory',
        "quota that asks for limits", "limits.cpu,limits.memory on every container",
    ),
    (
        'pods "web-1" is forbidden: maximum cpu usage per Container is 1, but limit is 2', "limit range",
        "kubectl -n shop describe limitrange",
    ),
    (
        'Error creating: pods "web-1" is forbidden: unable to validate against any pod security policy:'
        " [spec.initContainers[0].securityContext.capabilities.add: Invalid value: \"NET_ADMIN\"]",
        "pod security", "NET_ADMIN",
    ),
    (
        'pods "web-1" is forbidden: error looking up service account shop/web: serviceaccount "web" not found',
        "service account", "kubectl -n shop create serviceaccount web",
    ),
    (
        'pods "web-1" is forbidden: no PriorityClass with name high was found', "priority class", "PriorityClass high",
    ),
    (
        'FailedAttachVolume: Multi-Attach error for volume "pvc-7a2e" Volume is already used by pod(s) db-0',
        "disk on another node", "on one node at a time",
    ),
    (
        'FailedAttachVolume: Multi-Attach error for volume "pvc-7a2e" Volume is already exclusively attached to one'
        " node and can't be attached to another",
        "disk left on a node", "repair that node or delete it",
    ),
    (
        'FailedMount: MountVolume.SetUp failed for volume "settings" : configmap "settings" not found',
        "missing configuration", "kubectl -n shop get configmaps,secrets",
    ),
    (
        "Unschedulable: 0/3 nodes are available: 3 pod has unbound immediate PersistentVolumeClaims.", "unbound claim",
        "kubectl -n shop get pvc",
    ),
    (
        "Unschedulable: 0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had volume node affinity conflict.",
        "disk in another zone", "in that zone",
    ),
    (
        "FailedMount: Unable to attach or mount volumes: unmounted volumes=[disk], unattached volumes=[disk]: timed out"
        " waiting for the condition",
        "volume", "kubectl -n shop describe pod web-1",
    ),
    (
        'FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up'
        ' sandbox container network: no IP addresses available in range set',
        "pod network", "addresses for pods",
    ),
    ("app ImagePullBackOff: Back-off pulling image", "image pull", "gcr.io/gke-release"),
    (
        "Unschedulable: 0/3 nodes are available: 3 node(s) didn't match pod affinity/anti-affinity, 3 node(s) didn't"
        " match pod anti-affinity rules.",
        "anti-affinity", "maxSurge 0",
    ),
    (
        "Unschedulable: 0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules.",
        "anti-affinity", "maxSurge 0",
    ),
    (
        "Unschedulable: 0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.",
        "host port", "maxSurge 0",
    ),
    (
        "Unschedulable: 0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.", "topology",
        "topology spread",
    ),
    (
        "Unschedulable: 0/3 nodes are available: 3 node(s) had taint {node.kubernetes.io/unreachable: }, that the pod"
        " didn't tolerate.",
        "lost nodes", "kubectl get nodes",
    ),
    ("Unschedulable: 0/3 nodes are available: 3 node(s) were unschedulable.", "cordoned nodes", "uncordon"),
    (
        "Unschedulable: 0/3 nodes are available: 3 node(s) had taint {dedicated: batch}, that the pod didn't tolerate.",
        "taints", "taint",
    ),
    ("Unschedulable: 0/3 nodes are available: 3 node(s) didn't match node selector.", "node selector", "labels"),
    ("Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.", "room", "Add a node"),
    ("app OOMKilled: ", "out of memory", "raise it"),
    ("app CrashLoopBackOff: back-off 5m0s restarting failed container", "crash", "kubectl -n shop logs web-1"),
    ("Readiness probe failed: HTTP probe failed with statuscode: 503", "probe", "describe pod web-1"),
)  # fmt: skip
# Refusals that are about rights, and words that tell of no cause.
OTHERS = (
    'deployments.apps "web" is forbidden: User "bot@x" cannot patch resource "deployments" in API group "apps"',
    "",
    "ContainerCreating",
    "web was edited",
)


@pytest.mark.parametrize(("words", "name", "piece"), REAL)
def test_real_words_have_their_cause_and_their_remedy(words: str, name: str, piece: str) -> None:
    """The remedy fits what the words name."""
    cause = find_cause(words)
    assert cause is not None
    assert cause.name == name
    assert piece in advise(words, "shop", "web-1")
    assert "{" not in advise(words, "shop", "web-1")


def test_each_row_has_real_words() -> None:
    """And a patience of its kind."""
    assert {name for _, name, _ in REAL} == {cause.name for cause in CAUSES}
    assert set(get_args(CauseKind)) <= set(PATIENCE)


@pytest.mark.parametrize("words", OTHERS)
def test_other_words_have_no_cause(words: str) -> None:
    """What is not known is not guessed."""
    assert (find_cause(words), advise(words), advise_on_refusal(words)) == (None, "", "")


@pytest.mark.parametrize("words", [words for words, name, _ in REAL if find_cause(words).kind in ("policy", "webhook")])  # type: ignore[union-attr]
def test_a_webhook_is_never_answered_by_a_right(words: str) -> None:
    """Whoever may do everything is refused as well."""
    assert "cluster-admin" not in advise(words, "shop", "web")
    assert (
        "webhook" in advise_on_refusal(words)
        or "PodSecurityPolicy" in advise_on_refusal(words)
        or ("injector" in advise_on_refusal(words))
    )


def test_a_scheduler_that_names_two_things_is_answered_on_both() -> None:
    """Nodes are ruled out for different reasons, and mending one may not do."""
    words = (
        "Unschedulable: 0/4 nodes are available: 2 Insufficient cpu, 2 node(s) had taint {dedicated: batch}, that the"
        " pod didn't tolerate."
    )
    told = advise(words, "shop", "web-1")
    assert "taint" in told
    assert "Add a node or free CPU" in told


def test_of_several_texts_the_telling_one_is_taken() -> None:
    """A deadline says nothing of the reason."""
    texts = ["its rollout exceeded its progress deadline", "", DENIED]
    assert find_telling(texts) == DENIED
    assert find_telling(texts[:2]) == texts[0]
    assert find_telling([]) == ""
