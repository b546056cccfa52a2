"""Faults that a person or a test switches on: what Slack does on a bad day, a set number of times."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from sandbox.slack.values.shapes import Json

API_FAULTS = {
    "429": "answers 429 with Retry-After, the call has no effect",
    "lost_reply": "takes effect, then the connection drops without an answer",
    "fatal_error": "takes effect, then answers fatal_error",
    "internal_error": "answers internal_error, the call has no effect",
    "invalid_blocks": "refuses a call that carries blocks with invalid_blocks",
    "plan_blocks": "refuses plan and task_card blocks with invalid_blocks, as a workspace without them",
    "error": "answers the error code given, the call has no effect",
    "slow": "answers after the seconds given",
}
ENVELOPE_FAULTS = {
    "duplicate": "delivers the next payload twice",
    "disconnect": "asks every connection to refresh, then closes it",
    "drop": "cuts every connection without a word",
    "lost_envelope": "loses the next payload on its way to the bot",
}
KINDS = {**API_FAULTS, **ENVELOPE_FAULTS}
IMMEDIATE = frozenset({"disconnect", "drop"})


class FaultError(ValueError):
    """An unknown or malformed fault; the message says what is wrong."""


@dataclass
class Fault:
    """One switched-on fault; `times` counts down, None means until it is cleared."""

    kind: str
    method: str = ""
    times: int | None = 1
    error: str = "internal_error"
    seconds: float = 1.0


@dataclass
class Faults:
    """The faults that are on."""

    active: list[Fault] = field(default_factory=list)

    def switch_on(self, body: Json) -> Fault:
        """Add a fault from {kind, method?, times?, error?, seconds?}. Raises FaultError."""
        known = {"kind", "method", "times", "error", "seconds"}
        if unknown := sorted(set(body) - known):
            raise FaultError(f"a fault has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        if body.get("kind") not in KINDS:
            raise FaultError(f"there is no fault {body.get('kind')!r}; there are {', '.join(KINDS)}")
        times = body.get("times", 1)
        if times is not None and (not isinstance(times, int) or times < 1):
            raise FaultError("times is a whole number from 1, or null for until it is cleared")
        seconds = body.get("seconds", 1.0)
        if not isinstance(seconds, int | float) or seconds < 0:
            raise FaultError("seconds is a number from 0")
        fault = Fault(
            str(body["kind"]), str(body.get("method") or ""), times, str(body.get("error") or "internal_error"), seconds
        )
        if fault.kind not in IMMEDIATE:
            self.active.append(fault)
        return fault

    def take(self, kinds: frozenset[str], method: str = "", blocks: str = "") -> Fault | None:
        """Return the first fault of these kinds that fits, counting it down; `blocks` is the call's blocks as text."""
        for fault in self.active:
            if fault.kind in kinds and fault.method in ("", method) and _fits(fault, blocks):
                self._count_down(fault)
                return fault
        return None

    def clear(self) -> None:
        """Switch every fault off."""
        self.active.clear()

    def shown(self) -> list[Json]:
        """Return the active faults for the page."""
        return [asdict(fault) for fault in self.active]

    def _count_down(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self.active.remove(fault)


def _fits(fault: Fault, blocks: str) -> bool:
    if fault.kind == "invalid_blocks":
        return bool(blocks)
    if fault.kind == "plan_blocks":
        return '"plan"' in blocks or '"task_card"' in blocks
    return True
