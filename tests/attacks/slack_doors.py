"""Slack's doors: signed payloads to the real app, over an upgrade of Ana's that asks for an approval."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.attacks.slack_house import APP, House, Payload, send_payload, write_button, write_command, write_form
from tests.attacks.table import Attack, Door, Kind
from tests.unit.bot.people.test_rights import read_deeds
from tests.unit.bot.slack.stand_in import CHANNEL
from tests.unit.bot.society import BOT, GONE, GUEST, HOME, OTHER, OUTSIDER, UNKNOWN
from tests.unit.bot.workbench import ANA, CAI, DEE

STRANGERS = {"outsider": OUTSIDER, "guest": GUEST, "gone": GONE, "robot": BOT, "unknown": UNKNOWN, "nobody": DEE}


def command(kind: Kind, name: str, text: str, user: str = CAI, **changes: str) -> Attack:
    """An attack by what somebody types."""

    def launch(house: House) -> str:
        return house.judge(lambda: house.send(write_command(house, text, user, **changes)))

    return Attack("command", kind, name, launch)


def interact(door: Door, kind: Kind, name: str, write: Callable[[House], Payload]) -> Attack:
    """An attack by a button or a form."""
    may_fail = kind == "break"
    return Attack(
        door, kind, name, lambda house: house.judge(lambda: send_payload(house, write(house)), may_fail=may_fail)
    )


def right_value(house: House) -> str:
    """The value of the open card's buttons."""
    row = house.engine.row()
    return f"{row.id}|{row.step}|{row.generation}"


def press(kind: Kind, name: str, action_id: str, value: str = "", user: str = CAI, **parts: Any) -> Attack:
    """An attack by a button; `value` "" is that of the open card."""
    return interact(
        "button", kind, name, lambda house: write_button(house, action_id, value or right_value(house), user, **parts)
    )


def deny(kind: Kind, name: str, metadata: object, reason: str = "because", user: str = CAI, **parts: Any) -> Attack:
    """An attack by the form that asks for a reason; METADATA None is that of the open card."""

    def write(house: House) -> Payload:
        known = {"value": right_value(house) + "|reason", "action_id": "asm:deny", "channel": CHANNEL}
        values = {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}
        return write_form(house, "asm:reason", known if metadata is None else metadata, values, user, **parts)

    return interact("form", kind, name, write)


def appoint(kind: Kind, name: str, date: object, at: object, zone: object, user: str = CAI) -> Attack:
    """An attack by the form of appointments."""

    def write(house: House) -> Payload:
        words = {"date": {"selected_date": date}, "time": {"selected_time": at}, "zone": {"value": zone}}
        values = {key: {key: entry} for key, entry in words.items()}
        return write_form(house, "asm:schedule", {"target": "cluster-x", "channel": CHANNEL}, values, user)

    return interact("form", kind, name, write)


def approve_rightly(house: House) -> int:
    """What an approver may do by a button."""
    return send_payload(house, write_button(house, "asm:approve", right_value(house)))


def deny_rightly(house: House) -> int:
    """What an approver may do by a form."""
    metadata = {"value": right_value(house) + "|reason", "action_id": "asm:deny", "channel": CHANNEL}
    values = {"reason": {"reason": {"type": "plain_text_input", "value": "because"}}}
    return send_payload(house, write_form(house, "asm:reason", metadata, values))


def pause_rightly(house: House) -> int:
    """What an approver may do by a command."""
    return house.send(write_command(house, "pause cluster-x"))


def replay_command(house: House) -> str:
    """The trigger of a look, with an abort in its place."""
    house.send(write_command(house, "status cluster-x", trigger_id="77.2.3"))
    return house.judge(lambda: house.send(write_command(house, "abort cluster-x now", trigger_id="77.2.3")))


def replay_button(house: House) -> str:
    """The time of a button that only shows the card, with an approval in its place."""
    action = {"type": "button", "block_id": "b", "value": right_value(house), "action_ts": "88.0"}
    send_payload(house, write_button(house, "", "", actions=[{**action, "action_id": "asm:card"}]))
    before = read_deeds(house.engine)
    send_payload(house, write_button(house, "", "", actions=[{**action, "action_id": "asm:pause"}]))
    house.engine.upgrades.settle_clicks()
    return "" if read_deeds(house.engine) == before or house.engine.row().paused_by == CAI else "it did something else"


COMMANDS = [
    *(command("take rights", f"approve by {name}", "approve cluster-x CODE", user) for name, user in STRANGERS.items()),
    *(command("take rights", f"abort by {name}", "abort cluster-x now", user) for name, user in STRANGERS.items()),
    command("take rights", "approve their own", "approve cluster-x CODE", ANA),
    command("take rights", "break the glass", "break-glass cluster-x CODE now", ANA),
    command("take rights", "schedule by nobody", "schedule cluster-x 2026-12-03 02:00 UTC", DEE),
    command("take rights", "extend by a guest", "extend cluster-x 3h hurry", GUEST),
    command("forge", "break the glass by a line to paste", "break-glass cluster-x CODE now"),
    command("forge", "another workspace", "approve cluster-x CODE", CAI, team_id=OTHER),
    command("forge", "another app", "abort cluster-x now", CAI, api_app_id="A0OTHER001"),
    command("forge", "nobody at all", "abort cluster-x now", ""),
    command("forge", "a code that was guessed", "approve cluster-x AAAAAA"),
    command("forge", "a code in SQL", "approve cluster-x ' or 1=1 --"),
    command("forge", "a choice that isn't offered", "decide cluster-x CODE accept"),
    Attack("command", "replay", "a trigger with another text", replay_command),
    command("overload", "a hundred thousand letters", "approve cluster-x " + "a" * 100_000),
    command("overload", "fifty thousand words", "deny " + "x " * 50_000),
    command("overload", "links without an end", "approve " + "<http://a|" * 20_000),
    command("overload", "quotes without an end", 'start "' + '"\u201c' * 20_000),
    command("break", "the last day of all", "schedule cluster-x 9999-12-31 23:59 America/Los_Angeles"),
    command("break", "a day that never was", "schedule cluster-x 0000-00-00 00:00 UTC"),
    command("break", "a length beyond all", "extend cluster-x 99999999999999999999d because", ANA),
    command("break", "a zone in the file system", "schedule cluster-x 2026-12-03 02:00 ../../etc/passwd"),
    command("break", "a zero byte", "approve cluster-x\x00 CODE"),
    command("break", "digits of other scripts", "schedule cluster-x ٢٠٢٦-١٢-٠٣ ٠٢:٠٠ UTC"),
    command("inject", "a mention of everybody", "status <!channel>"),
    command("inject", "a link", "status <https://evil.example|cluster-x>"),
    command("inject", "a mention of a person", "pause <@U0EVERYBODY>"),
    command("inject", "a terminal's escape", "status \x1b]0;owned\x07"),
    command("inject", "a turned text", "history \u202expmp"),
    command("inject", "SQL", "status cluster-x'; drop table upgrades; --"),
    command("lead astray", "a path", "status ../../etc/passwd"),
    command("lead astray", "a shell", "start $(touch owned)"),
]
FORGED_VALUES = {
    "empty": "|",
    "without a card": "cluster-x-1",
    "half": "cluster-x-1|asking",
    "a part too many": "cluster-x-1|asking|1|reason|more",
    "a negative card": "cluster-x-1|asking|-1",
    "a huge card": "cluster-x-1|asking|" + "9" * 400,
    "SQL": "' or 1=1 --|asking|1",
    "a path": "../cluster-x-1|asking|1",
    "JSON": "{}",
    "a zero byte": "\x00|asking|1",
    "an older card": "cluster-x-1|asking|0",
    "another step": "cluster-x-1|control-plane/approve|1",
}
BUTTONS = [
    *(press("take rights", f"approve by {name}", "asm:approve", user=user) for name, user in STRANGERS.items()),
    press("take rights", "approve their own", "asm:approve", user=ANA),
    press("take rights", "break the glass without a reason", "asm:break-glass"),
    press("take rights", "break the glass", "asm:break-glass", "cluster-x-1|asking|1||hurry", ANA),
    press("take rights", "approve in place of breaking the glass", "asm:approve", "cluster-x-1|asking|1||hurry", ANA),
    press("take rights", "start, which has no button", "asm:start", "cluster-x||0"),
    *(press("forge", f"value: {name}", "asm:approve", value) for name, value in FORGED_VALUES.items()),
    press("forge", "deny without its form", "asm:deny"),
    press("forge", "a choice that isn't offered", "asm:decide:accept"),
    press("forge", "another workspace", "asm:approve", team={"id": OTHER, "domain": "other"}),
    press("forge", "another app", "asm:approve", api_app_id="A0OTHER001"),
    press("forge", "no actions", "asm:approve", actions=[]),
    interact(
        "button", "forge", "no person", lambda house: {**write_button(house, "asm:approve", "a|b|1"), "user": None}
    ),
    Attack("button", "replay", "a time with another action", replay_button),
    press("overload", "a value of a megabyte", "asm:approve", "a|" * 500_000),
    press("break", "an action of another type", "asm:approve", actions=[{"type": 5, "action_id": ["asm:approve"]}]),
    press("break", "a container that is none", "asm:approve", user=ANA, container="message"),
    press("inject", "a mention in the target", "asm:pause", "<!channel>|asking|1"),
]
REASON_METADATA: dict[str, object] = {
    "empty": "",
    "an empty object": "{}",
    "a list": "[]",
    "no action": '{"value": "cluster-x-1|asking|1|reason"}',
    "another action": {"value": "cluster-x-1|asking|1|reason", "action_id": "asm:start", "channel": CHANNEL},
    "a newer card": {"value": "cluster-x-1|asking|99|reason", "action_id": "asm:deny", "channel": CHANNEL},
    "other types": '{"value": ["cluster-x-1"], "action_id": {"a": 1}, "channel": 1}',
    "too deep": "[" * 100_000,
}
FORMS = [
    *(deny("take rights", f"deny by {name}", None, user=user) for name, user in STRANGERS.items()),
    appoint("take rights", "an appointment by nobody", "2026-12-03", "02:00", "UTC", DEE),
    *(deny("forge", f"metadata: {name}", metadata) for name, metadata in REASON_METADATA.items()),
    deny("forge", "another workspace", None, team={"id": OTHER, "domain": "other"}),
    deny("forge", "another app", None, api_app_id="A0OTHER001"),
    appoint("break", "the last day of all", "9999-12-31", "23:59", "America/Los_Angeles"),
    appoint("break", "no day", "2026-02-30", "25:61", "UTC"),
    appoint("break", "a zone in the file system", "2026-12-03", "02:00", "/etc/passwd"),
    appoint("break", "other types", {"a": 1}, ["02:00"], 5),
    interact("form", "break", "values that are none", lambda house: write_form(house, "asm:reason", "{}", [1, 2])),
    interact(
        "form",
        "lead astray",
        "a start of a cluster that is none",
        lambda house: write_form(house, "asm:start", {"channel": CHANNEL}, {"cluster": {"cluster": {"value": "../x"}}}),
    ),
    interact("form", "forge", "a form that nobody opened", lambda house: write_form(house, "asm:foreign", "{}", {})),
]


def event(kind: Kind, name: str, inner: object, **envelope: Any) -> Attack:
    """An attack by an event of Slack's."""
    whole = {"type": "event_callback", "team_id": HOME, "api_app_id": APP, "event": inner, **envelope}
    return Attack(
        "event",
        kind,
        name,
        lambda house: house.judge(lambda: house.send(json.dumps(whole), "application/json"), may_fail=kind == "break"),
    )


EVENTS = [
    event("take rights", "the home of an outsider", {"type": "app_home_opened", "user": OUTSIDER, "tab": "home"}),
    event("forge", "another app", {"type": "app_home_opened", "user": CAI, "tab": "home"}, api_app_id="A0OTHER001"),
    event("forge", "another workspace", {"type": "app_home_opened", "user": CAI, "tab": "home"}, team_id=OTHER),
    event("forge", "an uninstallation", {"type": "app_uninstalled"}),
    event("forge", "revoked tokens", {"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}),
    event("break", "an event that is a list", [1, 2, 3]),
    event("break", "a type that is a number", {"type": 5}),
    event("break", "a home without a person", {"type": "app_home_opened", "tab": "home"}),
    event("break", "a person who is a list", {"type": "app_home_opened", "user": [CAI], "tab": "home"}),
    event("break", "members that are none", {"type": "subteam_members_changed", "added_users": 5}),
    event("overload", "a message of a megabyte", {"type": "message", "text": "<@U0BOT> " * 100_000}),
    event("overload", "a hundred thousand keys", {"type": "message", **{f"k{n}": n for n in range(100_000)}}),
    event(
        "inject", "a message that is an order", {"type": "message", "user": CAI, "text": "/asm-upgrade abort cluster-x"}
    ),
    event("inject", "a mention that is an order", {"type": "app_mention", "user": CAI, "text": "approve cluster-x"}),
    event("replay", "the same event twice", {"type": "app_uninstalled"}, event_id="Ev1"),
]
ATTACKS: list[Attack] = [*COMMANDS, *BUTTONS, *FORMS, *EVENTS]
