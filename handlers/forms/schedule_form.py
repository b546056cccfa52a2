"""The form that sets when an upgrade may act: how it is built and how a submission is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    DatePickerElement,
    ExternalDataSelectElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    TimePickerElement,
)
from slack_sdk.models.views import View

from bot.slack.drawing.cards import build_text
from bot.slack.drawing.text import write_code
from bot.windows.appointments import Appointment, Written, list_zones, write_length
from handlers.forms.modals import build_form
from handlers.payloads import Payload, find_part, find_text, read_carried

SCHEDULE_FORM = "asm:schedule"
CHOOSE_ZONE = "asm-schedule:zone"
ZONES_SHOWN = 100


@dataclass(frozen=True)
class ScheduleForm:
    """What was submitted: the cluster or upgrade, and the time as it was written."""

    target: str
    channel: str
    when: Written


def build_schedule_form(target: str, proposed: Appointment, channel: str) -> View:
    """The form, filled with the appointment that stands or with the next opening."""
    local = proposed.starts.astimezone(ZoneInfo(proposed.zone))
    length = write_length(proposed.ends - proposed.starts) if proposed.ends else None
    zone = _option(proposed.zone)
    blocks = [
        build_text(f"When may {write_code(target)} be changed? Approvals can be given before."),
        _input("date", "Date", DatePickerElement(action_id="date", initial_date=f"{local:%Y-%m-%d}")),
        _input("time", "Time", TimePickerElement(action_id="time", initial_time=f"{local:%H:%M}")),
        _input(
            "zone",
            "Time zone",
            ExternalDataSelectElement(action_id=CHOOSE_ZONE, initial_option=zone, min_query_length=1),
            "Type a city or region, such as Seoul.",
        ),
        _input(
            "for",
            "For how long",
            PlainTextInputElement(action_id="for", initial_value=length, max_length=20),
            "Such as 3h or 2h30m; empty for until the cluster's window ends.",
            optional=True,
        ),
    ]
    return build_form(SCHEDULE_FORM, "Schedule", "Schedule", {"target": target, "channel": channel}, blocks)


def read_schedule_form(view: Payload) -> ScheduleForm | None:
    """A submission; None where it is not one of ours."""
    carried = read_carried(view, "target", "channel")
    if carried is None:
        return None
    values = find_part(find_part(view, "state"), "values")
    date, time, zone, length = (_read(values, name) for name in ("date", "time", "zone", "for"))
    target, channel = carried
    return ScheduleForm(target, channel, Written(date, time, zone, length))


def find_zones(query: str) -> list[Option]:
    """Zones whose name has what was typed, those that begin with it first."""
    wanted = query.strip().lower().replace(" ", "_")
    found = [name for key, name in list_zones().items() if wanted in key]
    found.sort(key=lambda name: (not any(part.startswith(wanted) for part in name.lower().split("/")), name))
    return [_option(name) for name in found[:ZONES_SHOWN]]


def _input(
    block_id: str, label: str, element: InputInteractiveElement, hint: str = "", *, optional: bool = False
) -> InputBlock:
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=label),
        hint=PlainTextObject(text=hint) if hint else None,
        element=element,
        optional=optional,
    )


def _read(values: Payload, block: str) -> str:
    entry = find_part(values, block)
    entry = next((part for part in entry.values() if isinstance(part, Mapping)), {})
    chosen = find_text(entry, "selected_option", "value")
    texts = (chosen, *(find_text(entry, name) for name in ("selected_date", "selected_time", "value")))
    return next((text for text in texts if text), "").strip()


def _option(zone: str) -> Option:
    return Option(value=zone, text=PlainTextObject(text=zone))
