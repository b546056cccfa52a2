"""The approvals that one question takes: counted with the last of them, among those who may still give one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.clock import Clock
from bot.journal.audit import Consented
from bot.journal.journal import Journal
from bot.journal.rows import Question, UpgradeRow
from bot.orders.targets import Refusal
from bot.people.rights import refuse_person
from bot.people.roster import Roster
from bot.settings.policy import Policy
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import mention, name_done
from bot.transitions import Taken
from steps.contract.wording import name_phase


class Consents:
    """Collects them; joins the transaction of its caller. Raises Refusal."""

    def __init__(self, journal: Journal, roster: Roster, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._roster = roster
        self._chronicle = chronicle
        self._clock = clock

    def give(self, row: UpgradeRow, taken: Taken, policy: Policy) -> Taken | str:
        """One of the approvals that the question takes: what decides it, or what is told while more are needed."""
        needed, question, choice = policy.approvals_needed, taken.question, taken.choice
        if needed <= 1:
            return taken
        before = self._list_counting(row, question, choice, policy)
        if taken.by in before:
            raise Refusal(
                f"You {name_done(choice)} this already; {needed - len(before)} more of the approvers are needed."
            )
        now = self._clock.now()
        self._journal.add_consent(question, choice, taken.by, now)
        given = [*before, taken.by]
        names = " and ".join(map(mention, given))
        if len(given) >= needed:
            return replace(taken, names=names)
        phase = name_phase(question.step)
        shown = self._chronicle.digest_card(row)
        event = Consented(choice, row.step, row.generation, question.digest, needed, question.code, shown)
        self._journal.append(row.id, taken.by, event, now)
        self._chronicle.tell(row, f"{phase}: {len(given)} of {needed} approvals, by {names}", now)
        return f"Yours is approval {len(given)} of {needed} for {phase} of {row.id}."

    def _list_counting(self, row: UpgradeRow, question: Question, choice: str, policy: Policy) -> Sequence[str]:
        """Who gave one and may still give it. Where somebody can't be told, nothing is decided yet."""
        given = self._journal.list_consents(question, choice)
        unknown = [user for user in given if self._is_unknown(user, policy)]
        if unknown:
            names = " and ".join(map(mention, unknown))
            raise Refusal(f"Slack did not say who {names} is, whose approval counts here too. Click again in a moment.")
        return [user for user in given if self._may_give(user, row, policy)]

    def _is_unknown(self, user: str, policy: Policy) -> bool:
        return self._roster.recall_account(user) is None or (user not in policy.approvers and bool(policy.trouble))

    def _may_give(self, user: str, row: UpgradeRow, policy: Policy) -> bool:
        refused = refuse_person(policy, "approve", user, row.requester, approving=True)
        return not refused and self._roster.recall_account(user) == ""
