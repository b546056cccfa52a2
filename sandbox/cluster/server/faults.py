"""What can be made to go wrong: requests, watches, tokens and pods."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from sandbox.cluster.objects.objects import Json, name_of, namespace_of

RequestFaultKind = Literal["status", "reset", "hang"]
PodFaultKind = Literal["never-ready", "crashing", "unpullable", "stuck-terminating"]


@dataclass(frozen=True)
class PodFault:
    """Containers whose image, namespace and pod name match these patterns (*, ?) go wrong in one way."""

    kind: PodFaultKind
    image: str = "*"
    namespace: str = "*"
    pod: str = "*"

    def covers(self, pod: Json, image: str) -> bool:
        """Tell whether the fault strikes this image in this pod."""
        return (
            fnmatchcase(image, self.image)
            and fnmatchcase(namespace_of(pod), self.namespace)
            and fnmatchcase(name_of(pod), self.pod)
        )


@dataclass
class PodFaults:
    """The faults in force."""

    active: list[PodFault] = field(default_factory=list)

    def strikes(self, kind: PodFaultKind, pod: Json, images: Iterable[str]) -> bool:
        """Tell whether any of these images of the pod goes wrong in this way."""
        faults = [fault for fault in self.active if fault.kind == kind]
        return bool(faults) and any(fault.covers(pod, image) for fault in faults for image in images)


@dataclass
class RequestFault:
    """Requests answered wrongly. Patterns (*, ?) pick verbs ("patch", "list"...) and resources ("pods/eviction").

    `percent` of the matching requests are struck, `times` of them in all (None: no end). `status` is the HTTP status
    of kind "status", with a Retry-After of `retry_after` seconds where given. "reset" cuts the connection, "hang"
    never answers.
    """

    kind: RequestFaultKind = "status"
    status: int = 500
    retry_after: int | None = None
    verb: str = "*"
    resource: str = "*"
    namespace: str = "*"
    percent: float = 100.0
    times: int | None = None

    def covers(self, verb: str, resource: str, namespace: str) -> bool:
        """Tell whether the fault concerns such a request."""
        return (
            fnmatchcase(verb, self.verb)
            and fnmatchcase(resource, self.resource)
            and fnmatchcase(namespace, self.namespace)
            and self.times != 0
        )


@dataclass
class Faults:
    """Every fault in force. `latency` in real seconds is added to each request."""

    requests: list[RequestFault] = field(default_factory=list)
    pods: PodFaults = field(default_factory=PodFaults)
    latency: float = 0.0
    expired_tokens: set[str] = field(default_factory=set)
    expire_all_tokens: bool = False
    watch_expiry: Literal["event", "status"] = "event"
    silent_watches: bool = False  # open watches stop saying anything and stay open
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def strike(self, verb: str, resource: str, namespace: str) -> RequestFault | None:
        """Return the fault that strikes this request, counting it."""
        for fault in self.requests:
            if fault.covers(verb, resource, namespace) and self._random.random() * 100 < fault.percent:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def clear(self) -> None:
        """Clear every fault."""
        self.requests.clear()
        self.pods.active.clear()
        self.expired_tokens.clear()
        self.latency = 0.0
        self.expire_all_tokens = self.silent_watches = False
        self.watch_expiry = "event"

    def is_expired(self, token: str, admin: Iterable[str]) -> bool:
        """Tell whether a token is refused; those of the administrator never are."""
        return token in self.expired_tokens or (self.expire_all_tokens and token not in admin)
