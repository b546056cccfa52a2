"""The use cases: what people may do with upgrades. Slack, the command line and reminders all come through here."""

from __future__ import annotations

from msgspec.structs import replace

from bot.clicks.clicks import BadClick, Click, Clicks
from bot.clock import Clock
from bot.incidents import note_incident
from bot.journal.bodies import AnswerBody
from bot.journal.store import StoreBroken
from bot.orders.entry import Entry
from bot.orders.intake import Intake
from bot.orders.use_cases import Answer, UseCases
from bot.schedule.agenda import show_agenda
from bot.telling.chronicle import Chronicle


class Upgrades:
    """Settles clicks: each is decided and answered in one transaction, once, in order of arrival."""

    def __init__(self, clicks: Clicks, entry: Entry, use_cases: UseCases, chronicle: Chronicle, clock: Clock) -> None:
        self._clicks = clicks
        self._intake = Intake(clicks)
        self._entry = entry
        self._use_cases = use_cases
        self._chronicle = chronicle
        self._clock = clock

    def receive(self, click: Click) -> bool:
        """Commit a click as it came; False where it was seen before. Nothing is decided yet."""
        return self._intake.receive(click)

    def is_crowded(self) -> bool:
        """Whether clicks are pouring in, so that deciding them can wait for a moment."""
        return self._intake.is_crowded()

    def settle_clicks(self) -> int:
        """Decide and answer every click that waits, but for those that first need a look into GKE; answers how many."""
        return sum(self._settle_row(click) for click in self._clicks.list_unsettled())

    def _settle_row(self, click: Click | BadClick) -> bool:
        """Settle one click whatever happens, unless it waits for a look; whether it is settled now."""
        try:
            if isinstance(click, BadClick):
                raise click.fault
            if self._entry.needs_look(click):
                return False
            self._settle(click)
        except StoreBroken:
            raise
        except Exception as fault:
            self._settle_failed(click, fault)
        return True

    def _settle_failed(self, click: Click | BadClick, fault: Exception) -> None:
        """The click is over, in a transaction of its own, and the person is told under which number to look it up."""
        incident = note_incident("click_failed", fault, click=click.id)
        answer = Answer(f"Nothing was done: a fault of the bot itself (incident {incident}, see the bot's log).")
        with self._clicks.transact():
            self._clicks.settle(click.id, answer.text, self._clock.now())
            if isinstance(click, Click):
                self._tell(click, answer)

    def _settle(self, click: Click) -> None:
        refused = self._entry.refuse(click)
        order = click.order if refused else self._entry.complete(click.order, click.user)
        with self._clicks.transact():
            answer = Answer(refused) if refused else self._use_cases.obey(order, click.user, click.received_at)
            self._clicks.settle(click.id, answer.text, self._clock.now())
            self._tell(click, answer)

    def _tell(self, click: Click, answer: Answer) -> None:
        if not answer.text or not (click.channel or click.answer_to):
            return
        agenda, copy = show_agenda(answer.agenda), answer.copy
        body = AnswerBody(
            click.user,
            click.channel,
            click.answer_to,
            answer.text,
            agenda,
            log=answer.log,
            thread=click.thread,
            threads=answer.threads,
        )
        if copy:
            body = replace(body, upgrade=copy.upgrade, card=copy.card, reason=copy.reason)
        self._chronicle.answer(body, self._clock.now())
