"""The two verdicts on an outside call that went wrong."""

from typing import TypeVar


class StepError(Exception):
    """An outside call failed in a way that the program understands.

    `changed_nothing` is True where that is certain: the call was refused, or was never sent.
    """

    changed_nothing = False


F = TypeVar("F", bound=StepError)


def mark_harmless(fault: F) -> F:
    """The fault, of which it is certain that its call changed nothing."""
    fault.changed_nothing = True
    return fault


class TryAgain(StepError):
    """The call may go through later.

    `why` is one human sentence; `retry_in` is in seconds, None leaves the pause to the runner.
    """

    def __init__(self, why: str, retry_in: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.retry_in = retry_in


class NoPlace(TryAgain):
    """As many programs run as may at once: nothing went wrong, and however long it takes counts for no patience."""

    changed_nothing = True


class GiveUp(StepError):
    """The call will not go through until a person changes something; `remedy` says what."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


class NotGranted(GiveUp):
    """A right or an API is missing; what a person has just granted may count only some minutes later."""

    changed_nothing = True
