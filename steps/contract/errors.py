"""The two verdicts on an outside call that went wrong."""


class StepError(Exception):
    """An outside call failed in a way that the program understands."""


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


class GiveUp(StepError):
    """The call will not go through until a person changes something; `remedy` says what."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


class NotGranted(GiveUp):
    """A right or an API is missing; what a person has just granted may count only some minutes later."""
