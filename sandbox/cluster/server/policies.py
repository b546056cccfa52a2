"""What other people's admission webhooks answer: the programs behind them are played, not run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.cluster.objects.objects import Json

PolicyKind = Literal["allow", "deny", "down", "mutate"]


@dataclass(frozen=True)
class Policy:
    """One webhook's answer: `words` and the HTTP `code` of a denial, the merge patch of one that mutates."""

    kind: PolicyKind
    words: str = ""
    code: int = 400
    patch: Json = field(default_factory=dict)


class Policies:
    """The answers by the name of the webhook; one that has none here is reached as its registration says."""

    def __init__(self) -> None:
        self._answers: dict[str, Policy] = {}

    def set(self, webhook: str, policy: Policy | None) -> None:
        """Let a webhook answer so from now on; None forgets it."""
        self._answers.pop(webhook, None)
        if policy is not None:
            self._answers[webhook] = policy

    def find(self, webhook: str) -> Policy | None:
        """Return the answer of a webhook, None where nobody plays it."""
        return self._answers.get(webhook)

    def list_all(self) -> dict[str, Policy]:
        """Return all answers by webhook."""
        return dict(self._answers)

    def clear(self) -> None:
        """Forget all answers."""
        self._answers.clear()
