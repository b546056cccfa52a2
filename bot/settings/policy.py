"""Who may do what on a cluster, as clusters.toml says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """Who may request and who may approve on one cluster. No approvers means nobody may approve.

    Names are Slack user ids, and ids of user groups until those are replaced by their members (`trouble` then says
    which could not be). `approvals_needed` different people have to approve; somebody of `break_glass` may do so alone
    and for a stated reason. Orders come from `channels` (empty: from anywhere) and from the bot's own workspace or one
    of `workspaces`.
    """

    requesters: frozenset[str]
    approvers: frozenset[str]
    production: bool = True
    approvals_needed: int = 1
    break_glass: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    workspaces: frozenset[str] = frozenset()
    trouble: str = ""

    @property
    def four_eyes(self) -> bool:
        """Whether the approver must differ from the requester."""
        return self.production

    @property
    def everybody(self) -> frozenset[str]:
        """All names that the policy gives a right."""
        return self.requesters | self.approvers | self.break_glass

    def names(self, user: str) -> bool:
        """Whether the policy gives somebody a right."""
        return user in self.requesters or user in self.approvers or user in self.break_glass


def is_group(name: str) -> bool:
    """Whether a name of a policy is a user group's id."""
    return name.startswith("S")
