"""How a question is decided: by its first decider, by as many as it takes, or by one who breaks the glass."""

from __future__ import annotations

from bot.clock import Clock
from bot.journal.journal import Journal
from bot.journal.records import Action, Click
from bot.journal.rows import Question, UpgradeRow
from bot.orders.refusals import Refusal
from bot.people.rights import refuse_person
from bot.settings.clusters import Cluster
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import describe_state, list_names, mention, name_done
from steps.contract.cards import APPROVE, DENY


class Decisions:
    """Settles decisions; each joins the transaction of its caller. Raises Refusal.

    Who is first, or who gives the last approval that is needed, decides; everybody after is told who did.
    """

    def __init__(self, journal: Journal, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock

    def decide(self, click: Click, row: UpgradeRow, cluster: Cluster) -> str:
        """Take a choice of the question that the click is about; answers what is told to the person."""
        question = self.find_question(click, row)
        breaking = click.action == "break-glass"
        choice = APPROVE.id if breaking else click.choice or click.action
        _check_choice(question, choice, row, breaking)
        action: Action = (
            "break-glass"
            if breaking
            else "deny"
            if choice == DENY.id
            else "approve"
            if question.kind == "gate"
            else "decide"
        )
        refused = refuse_person(cluster.policy, action, click.user, row.requester, approving=choice != DENY.id)
        if refused:
            raise Refusal(refused)
        if row.paused_by:
            raise Refusal(f"{row.id} is paused by {mention(row.paused_by)}. Resume it first.")
        _check_reason(click, row, question, choice)
        if breaking or choice == DENY.id:
            return self._take(click, row, question, choice, _announce(click, row, cluster) if breaking else "")
        return self._consent(click, row, question, choice, cluster.policy.approvals_needed)

    def find_question(self, click: Click, row: UpgradeRow) -> Question:
        """The open question that a card or a command is about."""
        if click.step:
            question = self._journal.find_question(row.id, click.step, click.generation)
            if question is None:
                raise Refusal("That card belongs to no question of this bot.")
        else:
            question = self._journal.find_open_question(row.id)
        if question is None:
            raise Refusal(f"Nothing to decide on {row.id}: {describe_state(row)}.")
        if question.state != "open":
            raise Refusal(self._describe_decided(question))
        return question

    def _consent(self, click: Click, row: UpgradeRow, question: Question, choice: str, needed: int) -> str:
        """One of the approvals that the question takes; the last one decides."""
        if needed <= 1:
            return self._take(click, row, question, choice, "")
        before = self._journal.list_consents(question, choice)
        if click.user in before:
            raise Refusal(
                f"You {name_done(choice)} this already; {needed - len(before)} more of the approvers are needed."
            )
        given = self._journal.add_consent(question, choice, click.user, self._clock.now())
        names = " and ".join(f"<@{user}>" for user in given)
        if len(given) >= needed:
            return self._take(click, row, question, choice, "", names)
        phase = question.step.partition("/")[0]
        told = f"{phase}: {len(given)} of {needed} approvals, by {names}"
        detail = {"step": row.step, "generation": row.generation, "digest": question.digest, "of": needed}
        self._journal.record_audit(row.id, click.user, f"consent to {choice}", detail, self._clock.now())
        self._chronicle.tell(row, told, self._clock.now())
        return f"Yours is approval {len(given)} of {needed} for {phase} of {row.id}."

    def _take(self, click: Click, row: UpgradeRow, question: Question, choice: str, told: str, by: str = "") -> str:
        now, reason = self._clock.now(), click.reason.strip()
        if not self._journal.decide_question(question, choice, click.user, reason, now):
            raise Refusal(self._describe_decided(question))
        self._journal.change_upgrade(row.id, state="running", due=now, waiting_since=None)
        detail = {"step": row.step, "generation": row.generation, "digest": question.digest, "reason": reason}
        self._journal.record_audit(
            row.id, click.user, "break-glass" if click.action == "break-glass" else choice, detail, now
        )
        if told:
            self._chronicle.tell(row, told, now)
        done = name_done(choice)
        self._chronicle.close_card(row, f"{done} by {by or f'<@{click.user}>'}" + (f": {reason}" if reason else ""))
        self._chronicle.draw_root(row.id, now)
        return f"You {done} {row.step.partition('/')[0]} of {row.id}."

    def _describe_decided(self, question: Question) -> str:
        current = self._journal.find_question(question.upgrade, question.step, question.generation) or question
        phase = question.step.partition("/")[0]
        if current.state == "decided":
            done = name_done(current.choice)
            return f"Too late: {phase} of {question.upgrade} was already {done} by <@{current.decided_by}>."
        return f"That card is not current any more ({current.state}); see the newest one in the thread."


def _check_choice(question: Question, choice: str, row: UpgradeRow, breaking: bool) -> None:
    if choice in {option.id for option in question.choices} and not (breaking and question.kind != "gate"):
        return
    if question.kind == "blocked":
        raise Refusal(f"Nothing to {choice}: {row.id} is blocked. {question.question}. {row.remedy}")
    raise Refusal(f"`{choice}` is not a choice here; it is one of {list_names(o.id for o in question.choices)}.")


def _check_reason(click: Click, row: UpgradeRow, question: Question, choice: str) -> None:
    if click.reason.strip():
        return
    if click.action == "break-glass":
        raise Refusal(f"Breaking the glass needs a reason: `/asm-upgrade break-glass {row.cluster} REASON`.")
    if next(option for option in question.choices if option.id == choice).needs_reason:
        raise Refusal(f"`{choice}` needs a reason: `/asm-upgrade decide {row.cluster} {choice} REASON`.")


def _announce(click: Click, row: UpgradeRow, cluster: Cluster) -> str:
    """What the thread is told, with a mention of everybody who was passed over."""
    others = " ".join(f"<@{user}>" for user in sorted(cluster.policy.approvers - {click.user}))
    phase = row.step.partition("/")[0]
    return f"🚨 <@{click.user}> broke the glass and approved {phase} alone: {click.reason.strip()} {others}".rstrip()
