"""Whether an upgrade may act at a moment: appointment, extension, windows and freezes put together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.windows.appointments import Appointment, choose_zone, write_both
from bot.windows.downtime import DAY, HORIZON, Downtime
from steps.contract.wording import describe_seconds

# Steps that write to the cluster at once and have no safe point of their own.
WRITING = frozenset({"access/bind", "control-plane/backup", "validate/run", "authorization/apply"})
# Gates after which the bot only reads up to the next one: what they let it do is done ahead of the window.
READING_GATES = frozenset(
    {"access/approve", "download/approve", "control-plane/approve-mtls", "control-plane/approve-removals"}
)
# Steps that are told and stop at a point where nothing is in flight.
SELF_HOLDING = frozenset({"control-plane/apply", "sidecars/canary", "sidecars/restart", "sidecars/acknowledge"})
# From an approval to the apply: begun only where the upper estimate and the way back still fit.
CONTROL_PLANE_START = frozenset({"control-plane/approve", "control-plane/backup", "control-plane/apply"})
# The same, where the plan binds the bot's account right before the control plane is written to.
BINDING = frozenset({"access/bind", "access/check"})


@dataclass(frozen=True)
class Permit:
    """Whether something new may be started. `until` is when that changes, None for not by itself; `why` says why not.

    `may_run` is False where the step at hand must not even be called.
    """

    open: bool
    until: datetime | None
    why: str = ""
    may_run: bool = True


OPEN = Permit(True, None)


def judge_moment(
    now: datetime, downtime: Downtime, appointment: Appointment | None, extension: datetime | None
) -> Permit:
    """A freeze beats an extension, that beats an appointment, and that beats the recurring windows."""
    freeze = downtime.find_freeze(now)
    if freeze:
        return Permit(False, _reopen(freeze.span.end, downtime, appointment), f"frozen {freeze.describe()}")
    permit = _judge_appointment(now, downtime, appointment) if appointment else _judge_windows(now, downtime)
    if extension is None or now >= extension or (permit.open and permit.until is None):
        return permit
    # an extension only ever adds: the window may last longer than it
    until = max(extension, permit.until) if permit.open and permit.until else extension
    return Permit(True, _cut_by_freeze(now, until, downtime))


def judge_room(permit: Permit, now: datetime, needed: timedelta, downtime: Downtime, zone: str) -> Permit:
    """The permit for a control plane that needs so long, way back included."""
    if not permit.open or permit.until is None or permit.until - now >= needed:
        return permit
    left = describe_seconds((permit.until - now).total_seconds())
    lasting = describe_seconds(needed.total_seconds())
    following = downtime.find_opening(permit.until, needed) if downtime.windows else None
    later = following.start if following else None
    tail = f"; the next window with room opens {write_both(later, zone)}" if later else ""
    why = f"the control plane may need {lasting} with the way back, and the window has {left} left{tail}"
    return Permit(False, later, why)


def _judge_windows(now: datetime, downtime: Downtime) -> Permit:
    opening = downtime.find_opening(now)
    if opening is None:
        return Permit(False, None, "no window opens within a year")
    if opening.start > now:
        span = Appointment(opening.start, opening.end, choose_zone(downtime, None))
        return Permit(False, opening.start, f"the next window is {span.describe()}")
    return Permit(True, None if opening.end - now >= HORIZON - DAY else opening.end)


def _judge_appointment(now: datetime, downtime: Downtime, appointment: Appointment) -> Permit:
    if now < appointment.starts:
        return Permit(False, appointment.starts, f"scheduled for {appointment.describe()}")
    if appointment.ends and now >= appointment.ends:
        return Permit(False, None, f"its time {appointment.describe()} is over")
    return Permit(True, _cut_by_freeze(now, appointment.ends, downtime))


def _cut_by_freeze(now: datetime, end: datetime | None, downtime: Downtime) -> datetime | None:
    starts = [freeze.span.start for freeze in downtime.freezes if freeze.span.start > now]
    return min([*starts, *([end] if end else [])], default=None)


def _reopen(thawed: datetime, downtime: Downtime, appointment: Appointment | None) -> datetime | None:
    """When an upgrade goes on after a freeze; None where its appointment will be over by then."""
    if appointment is None:
        opening = downtime.find_opening(thawed)
        return opening.start if opening else None
    if appointment.ends and appointment.ends <= thawed:
        return None
    return max(thawed, appointment.starts)
