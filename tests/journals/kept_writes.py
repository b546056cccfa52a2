"""What kubectl asked a cluster to write, so that the cluster can be asked the same once more.

Each write is judged, admitted and followed by the controllers as it was the first time: only kubectl isn't there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from sandbox.cluster.api.answers import Answer
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.objects.objects import copy_json

READING = frozenset({"get", "list", "watch"})
KUBECTL = "kubectl/"


@dataclass
class Writes:
    """The writes of kubectl that this cluster took, in their order."""

    cluster: SimulatedCluster
    taken: list[ApiRequest] = field(default_factory=list)

    def list_after(self, number: int) -> tuple[ApiRequest, ...]:
        """Those that came after so many."""
        return tuple(self.taken[number:])

    def repeat(self, writes: Sequence[ApiRequest]) -> None:
        """Ask for the same."""
        for asked in writes:
            with self.cluster.lock:
                self.cluster.answer(replace(asked, body=copy_json(asked.body)))


@contextmanager
def hear_writes(cluster: SimulatedCluster) -> Iterator[Writes]:
    """Note each write of kubectl that is taken meanwhile."""
    answer, writes = cluster.answer, Writes(cluster)

    def answer_and_note(asked: ApiRequest) -> Answer:
        noted = replace(asked, body=copy_json(asked.body))
        answered = answer(asked)
        if asked.verb not in READING and asked.agent.startswith(KUBECTL) and not asked.dry_run:
            writes.taken.append(noted)
        return answered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "answer", answer_and_note)
        yield writes
