"""Why something stands still: the one table from what a cluster says to what a person can do about it.

The words are those of API answers, conditions, pod states, events and ledger entries; they are told apart by what they
say, never by a status code or by where they were found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from steps.contract.wording import shorten
from steps.mesh import Event

# What decides how long a cause is waited for: a key of the patience that stalls have.
CauseKind: TypeAlias = Literal[
    "policy", "quota", "webhook", "image pull", "volume", "Unschedulable", "network", "readiness"
]
_REACH = (
    "Read the injector's log, and check that the master reaches port 9443 on the nodes (private clusters need a"
    " firewall rule)."
)


@dataclass(frozen=True)
class Cause:
    """One cause; `remedy` holds {space} for the namespace and {name} for the pod or workload it was found at."""

    name: str
    kind: CauseKind
    pattern: re.Pattern[str]
    remedy: str

    def advise(self, words: str, space: str, subject: str) -> str:
        """What a person can do about it; the pattern's groups fill the remedy."""
        found = self.pattern.search(words)
        groups = {key: text or "" for key, text in found.groupdict().items()} if found else {}
        return self.remedy.format_map({"space": space or "NAMESPACE", "name": subject or "NAME", **groups})


# Most telling first: of what a message says the first that is found gives the kind.
CAUSES: tuple[Cause, ...] = (
    Cause(
        "injector's refusal", "webhook",
        re.compile(
            r'admission webhook "sidecar-injector\.istio\.io" denied'
            r'|failed calling webhook "sidecar-injector\.istio\.io"'
        ),
        f"No pod can start in an injected namespace until the sidecar injector answers as it should. {_REACH}",
    ),
    Cause(
        "policy", "policy",
        re.compile(r'admission webhook "(?P<webhook>[^"]+)" denied the request'),
        "No right is missing: the policy behind the admission webhook {webhook} forbids it. Mend what its words name,"
        " or have its owner exempt the namespace for the time of the upgrade.",
    ),
    Cause(
        "webhook away", "webhook",
        re.compile(r'failed calling (?:admission )?webhook "(?P<webhook>[^"]+)"'),
        "The admission webhook {webhook} does not answer and lets nothing pass meanwhile: bring its pods back, or have"
        " its owner set its failurePolicy to Ignore for the time of the upgrade.",
    ),
    Cause(
        "quota", "quota",
        re.compile(r"exceeded quota: (?P<quota>[^,\s]+)"),
        "Raise the quota for the time of the upgrade: kubectl -n {space} describe resourcequota {quota}.",
    ),
    Cause(
        "quota that asks for limits", "quota",
        re.compile(r"failed quota: (?P<quota>[^:\s]+): must specify (?P<missing>[\w.,]+)"),
        "Quota {quota} wants {missing} on every container, the sidecar's too: give them by a LimitRange, or change the"
        " quota: kubectl -n {space} describe resourcequota {quota}.",
    ),
    Cause(
        "limit range", "quota",
        re.compile(r"(?:maximum|minimum) \S+ usage per (?:Container|Pod) is|max limit to request ratio per"),
        "A LimitRange forbids what a container asks for, maybe the sidecar's: kubectl -n {space} describe limitrange.",
    ),
    Cause(
        "pod security", "policy",
        re.compile(r"unable to validate against any pod security policy|violates PodSecurity"),
        "Let the pod's service account use a PodSecurityPolicy that allows the sidecar's init container NET_ADMIN and"
        " NET_RAW.",
    ),
    Cause(
        "service account", "readiness",
        re.compile(r'serviceaccount "(?P<account>[^"]+)" not found'),
        "Its template names a service account that is not there: kubectl -n {space} create serviceaccount {account}.",
    ),
    Cause(
        "priority class", "readiness",
        re.compile(r"no PriorityClass with name (?P<priority>\S+) was found"),
        "Create the PriorityClass {priority}, or take it out of the template.",
    ),
    Cause(
        "disk left on a node", "volume",
        re.compile(r'Multi-Attach error for volume "(?P<volume>[^"]+)" Volume is already exclusively attached'),
        "The node where its pod was has not let its disk go: repair that node or delete it; Kubernetes takes the disk"
        " away about six minutes after the pod there is gone.",
    ),
    Cause(
        "disk on another node", "volume",
        re.compile(r'Multi-Attach error for volume "(?P<volume>[^"]+)"'),
        "Its disk can be on one node at a time and the old pod holds it on another: set the strategy to Recreate, or"
        " delete the old pod yourself, which is a brief outage; if the old pod's node is lost, see to that node.",
    ),
    Cause(
        "missing configuration", "volume",
        re.compile(r'(?:configmap|secret) "(?P<config>[^"]+)" not found|couldn\'t find key'),
        "What its template refers to is not there: kubectl -n {space} get configmaps,secrets; put it back.",
    ),
    Cause(
        "unbound claim", "volume",
        re.compile(r"unbound (?:immediate )?PersistentVolumeClaims|persistentvolumeclaim \"[^\"]+\" not found"),
        "See why its claim is not bound: kubectl -n {space} get pvc.",
    ),
    Cause(
        "disk in another zone", "volume",
        re.compile(r"volume node affinity conflict|no available volume zone"),
        "Its disk belongs to one zone and no node there takes the pod: add a node in that zone.",
    ),
    Cause(
        "volume", "volume",
        re.compile(r"FailedAttachVolume|FailedMount|AttachVolume\.Attach failed|MountVolume\.\w+ failed"
        r"|Unable to (?:attach or )?mount volumes"),
        "See what its volumes wait for: kubectl -n {space} describe pod {name}, and kubectl get volumeattachments.",
    ),
    Cause(
        "pod network", "network",
        re.compile(r"FailedCreatePodSandBox|[Ff]ailed to (?:create|set ?up) (?:pod )?sandbox"),
        "Its node can't give the pod a network: look at the node (addresses for pods used up?), and at kubectl -n"
        " {space} describe pod {name}.",
    ),
    Cause(
        "image pull", "image pull",
        re.compile(
            r"ErrImagePull|ImagePullBackOff|InvalidImageName|ImageInspectError|ErrImageNeverPull|Failed to pull image"
        ),
        "Let the nodes reach gcr.io/gke-release (firewall, Private Google Access, Binary Authorization).",
    ),
    Cause(
        "anti-affinity", "Unschedulable",
        re.compile(r"pod affinity/anti-affinity|pods?'? anti-affinity|pod affinity rules"),
        "Its required anti-affinity (or affinity) leaves it no node: add one, or let old pods go first by maxSurge 0"
        " and maxUnavailable 1, or have its namespace evicted.",
    ),
    Cause(
        "host port", "Unschedulable",
        re.compile(r"free ports for the requested pod ports"),
        "Its host port is taken on every node: add a node, or let old pods go first by maxSurge 0 and maxUnavailable 1,"
        " or have its namespace evicted.",
    ),
    Cause(
        "topology", "Unschedulable",
        re.compile(r"pod topology spread constraints"),
        "Its topology spread constraints leave it no node: add one where pods are few, or let old pods go first by"
        " maxSurge 0 and maxUnavailable 1, or have its namespace evicted.",
    ),
    Cause(
        "lost nodes", "Unschedulable",
        re.compile(r"node\.kubernetes\.io/(?:not-ready|unreachable)|node\(s\) were not ready"),
        "Nodes are lost: kubectl get nodes; bring them back or let GKE repair them.",
    ),
    Cause(
        "cordoned nodes", "Unschedulable",
        re.compile(r"node\(s\) were unschedulable|node\.kubernetes\.io/unschedulable"),
        "Nodes are cordoned, perhaps by an upgrade of the nodes: wait for its end, or kubectl uncordon NODE.",
    ),
    Cause(
        "taints", "Unschedulable",
        re.compile(r"had (?:untolerated )?taints?\b"),
        "Nodes bear a taint that the pod doesn't tolerate: take the taint away, or add a node without it.",
    ),
    Cause(
        "node selector", "Unschedulable",
        re.compile(r"match (?:Pod's )?node (?:selector|affinity)"),
        "No other node bears the labels that the pod asks for: add one that does.",
    ),
    Cause(
        "room", "Unschedulable",
        re.compile(r"Insufficient |Too many pods|Unschedulable|nodes are available|no nodes available"),
        "Add a node or free CPU and memory; the rollout goes on by itself as soon as there is room.",
    ),
    Cause(
        "out of memory", "readiness",
        re.compile(r"OOMKilled"),
        "A container needs more memory than its limit: raise it, and read its log: kubectl -n {space} logs {name}"
        " --all-containers --previous.",
    ),
    Cause(
        "crash", "readiness",
        re.compile(
            r"CrashLoopBackOff|\bError\b(?! creating| from)|RunContainerError|CreateContainer(?:Config)?Error"
            r"|Completed|ended with \d"
        ),
        "Read its log: kubectl -n {space} logs {name} --all-containers --previous.",
    ),
    Cause(
        "probe", "readiness",
        re.compile(r"(?i)\bprobe\b"),
        "Its probe fails: kubectl -n {space} describe pod {name}, and read its log.",
    ),
)  # fmt: skip
# What a scheduler says of nodes, next to what rules out others of them.
_SCHEDULING: CauseKind = "Unschedulable"
_ADVISED = 2
# What admission refuses with 400, 403 or 500.
_REFUSING: frozenset[CauseKind] = frozenset({"policy", "quota", "webhook"})


def find_cause(words: str) -> Cause | None:
    """The cause that the words tell of, None where they tell of none that is known."""
    return next(find_causes(words), None)


def find_causes(words: str) -> Iterator[Cause]:
    """All causes that the words tell of, most telling first."""
    return (cause for cause in CAUSES if words and cause.pattern.search(words))


def advise(words: str, space: str = "", subject: str = "") -> str:
    """What a person can do about the words, "" where no cause in them is known.

    A scheduler names each thing that rules nodes out; the two that are most telling are advised upon.
    """
    found = list(find_causes(words))
    if not found:
        return ""
    first = found[0]
    chosen = [first]
    if first.kind == _SCHEDULING:
        chosen = [cause for cause in found if cause.kind == _SCHEDULING]
        chosen = chosen if len(chosen) == 1 else [cause for cause in chosen if cause.name != "room" or _lacks(words)]
    return " ".join(cause.advise(words, space, subject) for cause in chosen[:_ADVISED])


def _lacks(words: str) -> bool:
    return "Insufficient " in words or "Too many pods" in words


def needs_person(words: str) -> bool:
    """Whether the words tell of something that passes by nobody's waiting: a policy or a quota."""
    cause = find_cause(words)
    return cause is not None and cause.kind in ("policy", "quota")


def advise_on_refusal(words: str) -> str:
    """What a person can do about a request that was refused for something else than rights, "" where it is rights."""
    cause = find_cause(words)
    if cause is None or cause.kind not in _REFUSING:
        return ""
    return f"{cause.advise(words, '', '')} Then retry."


def find_telling(texts: Iterable[str]) -> str:
    """The first of the texts that tells of a known cause; the first that says anything where none does."""
    said = [text for text in texts if text]
    return next((text for text in said if find_cause(text)), said[0] if said else "")


def choose_words(events: Iterable[Event]) -> str:
    """What the warnings among events say: the last that tells of a known cause, else the last."""
    said = [f"{event.reason}: {event.message}" for event in events if event.kind == "Warning"]
    return shorten(find_telling(reversed(said)))
