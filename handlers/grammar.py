"""The words after /asm-upgrade: read without asking anybody, with a sentence for everything that is wrong."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from bot.clicks.orders import (
    READINGS,
    Abort,
    Approve,
    BreakGlass,
    Decide,
    Deny,
    Extend,
    Order,
    ReadHelp,
    Rollback,
    Schedule,
    Start,
    StartOptions,
    choose_order,
)
from bot.journal.records import Action
from bot.windows.appointments import Written
from handlers.payloads import mend_text

COMMAND = "/asm-upgrade"
USAGE: Mapping[Action, tuple[str, str]] = {
    "start": (
        "start CLUSTER [mtls=STRICT|PERMISSIVE] [set KEY=VALUE]... [canary=NS,NS] [skip=NS,NS] [testing=yes|no]",
        "start an upgrade",
    ),
    "approve": ("approve CLUSTER CODE", "approve what is asked, by the code on its card; without it you see the card"),
    "deny": ("deny CLUSTER REASON", "deny what is asked"),
    "decide": ("decide CLUSTER CODE CHOICE [REASON]", "take another choice of a card, such as accept or skip"),
    "schedule": (
        "schedule CLUSTER [YYYY-MM-DD HH:MM ZONE [for 3h] [START OPTIONS]]",
        "set when an upgrade may act, or move it; without a time a form opens",
    ),
    "extend": ("extend CLUSTER 1h REASON", "let an upgrade act beyond its window"),
    "windows": ("windows [CLUSTER]", "when clusters may be changed"),
    "calendar": ("calendar [CLUSTER]", "upgrades, windows and freezes of the next 30 days"),
    "break-glass": (
        "break-glass CLUSTER CODE REASON",
        "approve alone what is asked; the approvers are told at once",
    ),
    "status": ("status [CLUSTER]", "where upgrades stand and what may be done"),
    "pause": ("pause CLUSTER", "start nothing more from this moment, until resumed"),
    "resume": ("resume CLUSTER", "go on"),
    "retry": ("retry CLUSTER", "try the blocked step again"),
    "abort": ("abort CLUSTER REASON", "end the upgrade; what has moved stays moved"),
    "rollback": (
        "rollback CLUSTER REASON",
        "take the last upgrade back: the earlier release, its options, then the pods that were moved",
    ),
    "history": ("history [CLUSTER]", "earlier upgrades and how they ended"),
    "help": ("help", "this text"),
}
LINK = re.compile(r"<(?:https?://|mailto:)[^<|>]*\|([^<>]*)>")
PERSON = re.compile(r"<@([UW][A-Z0-9]+)\|[^<>]*>")
QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
REASON_LIMIT = 500
CODE_LIMIT = 20
NEEDS_TARGET: frozenset[Action] = frozenset(
    {"approve", "deny", "decide", "pause", "resume", "retry", "abort", "rollback", "extend", "break-glass"}
)
YES_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Misread:
    """A command that was not understood, with the answer to give at once (mrkdwn)."""

    answer: str


def read_order(text: str) -> Order | Misread:
    """Read what was typed after the command's name."""
    words = _undo_markup(mend_text(text)).split()
    if not words:
        return ReadHelp()
    name, rest = words[0].lower(), words[1:]
    action = next((known for known in USAGE if known == name), None)
    if action is None:
        return Misread(f"There is no command {_quote(name)}. {list_commands()}")
    if action in NEEDS_TARGET and not rest:
        return Misread(f"Name the cluster: `{COMMAND} {USAGE[action][0]}`.")
    return _READERS.get(action, _read_target)(action, rest)


def list_commands() -> str:
    """One sentence that names every command."""
    return f"The commands are {', '.join(USAGE)}; `{COMMAND} help` explains them."


def write_help() -> str:
    """What `/asm-upgrade help` answers."""
    lines = [f"• `{COMMAND} {usage}`: {meaning}" for usage, meaning in USAGE.values()]
    return "\n".join(
        [
            "*Upgrades of Anthos Service Mesh, phase by phase*",
            *lines,
            "Every phase that changes the cluster waits for an approval. Answers to commands are only visible to you; "
            "the thread in the cluster's channel is for all.",
        ]
    )


def _read_target(action: Action, words: Sequence[str]) -> Order | Misread:
    """The commands whose first word names what they are about."""
    target = words[0] if words else ""
    match action:
        case "windows" | "calendar" | "status" | "history" | "help":
            return READINGS[action](target)
        case _:
            return choose_order(action, "", target, reason=_reason(words[1:])) or ReadHelp(target)


def _read_deny(_action: Action, words: Sequence[str]) -> Order | Misread:
    reason = _reason(words[1:])
    if not reason:
        return Misread(f"Say why: `{COMMAND} deny {_bare(words[0])} REASON`. The reason stands in the thread.")
    return Deny(words[0], reason=reason)


def _read_abort(_action: Action, words: Sequence[str]) -> Order | Misread:
    reason, target = _reason(words[1:]), _bare(words[0])
    if not reason:
        return Misread(
            f"Say why: `{COMMAND} abort {target} REASON`. The reason stands in the thread. "
            f"`{COMMAND} pause {target}` stops as quickly, needs none, and can be undone."
        )
    return Abort(words[0], reason=reason)


def _read_rollback(_action: Action, words: Sequence[str]) -> Order | Misread:
    reason = _reason(words[1:])
    if not reason:
        return Misread(f"Say why: `{COMMAND} rollback {_bare(words[0])} REASON`. The reason stands in the thread.")
    return Rollback(words[0], reason=reason)


def _read_approve(_action: Action, words: Sequence[str]) -> Order | Misread:
    return Approve(words[0], reason=_reason(words[2:]), code=_read_code(words))


def _read_breaking(_action: Action, words: Sequence[str]) -> Order | Misread:
    code, reason = _read_code(words), _reason(words[2:])
    if code and not reason:
        target = _bare(words[0])
        return Misread(f"Say why: `{COMMAND} break-glass {target} CODE REASON`. The approvers are told the reason.")
    return BreakGlass(words[0], reason=reason, code=code)


def _read_decide(_action: Action, words: Sequence[str]) -> Order | Misread:
    if len(words) == 2:
        return Misread(f"Name the choice: `{COMMAND} {USAGE['decide'][0]}`. The choices are the buttons of the card.")
    code, choice, reason = _read_code(words), "".join(words[2:3]).lower(), _reason(words[3:])
    match choice:
        case "approve":
            return Approve(words[0], reason=reason, code=code)
        case "deny":
            return Deny(words[0], reason=reason)
        case _:
            return Decide(words[0], reason=reason, choice=choice, code=code)


def _read_code(words: Sequence[str]) -> str:
    """The word after the cluster: the card's code. What is none is answered with the card."""
    return "".join(words[1:2])[:CODE_LIMIT]


def _read_extend(_action: Action, words: Sequence[str]) -> Order | Misread:
    if len(words) < 3:
        return Misread(f"Say for how long and why: `{COMMAND} {USAGE['extend'][0]}`.")
    return Extend(words[0], words[1].lower(), _reason(words[2:]))


def _read_schedule(_action: Action, words: Sequence[str]) -> Order | Misread:
    if len(words) < 2:
        return Schedule(words[0] if words else "")
    if len(words) < 4:
        return Misread(f"Name date, time and time zone: `{COMMAND} {USAGE['schedule'][0]}`.")
    rest, length = list(words[4:]), ""
    if rest and rest[0].lower() == "for":
        count = _count_length(rest[1:])
        length, rest = "".join(rest[1 : 1 + count]), rest[1 + count :]
        if not length:
            return Misread(f"Say for how long: `for 3h`. Use `{COMMAND} {USAGE['schedule'][0]}`.")
    options = _read_options("schedule", rest)
    if isinstance(options, Misread):
        return options
    return Schedule(words[0], Written(words[1], words[2], words[3], length), options)


def _count_length(words: Sequence[str]) -> int:
    """How many words make up a length of time: `3h` is one, `2 h 30 min` four."""
    count = 0
    while count < len(words) and re.fullmatch(r"\d+|\d*[dhm]+(in)?|(\d+[dhm])+", words[count].lower()):
        count += 1
    return count or min(1, len(words))


def _read_start(action: Action, words: Sequence[str]) -> Order | Misread:
    if not words:
        return Start()
    options = _read_options(action, words[1:])
    return options if isinstance(options, Misread) else Start(words[0], options)


def _read_options(action: Action, words: Sequence[str]) -> StartOptions | Misread:
    options, rest = StartOptions(), list(words)
    while rest:
        word = rest.pop(0)
        if word == "set" and rest:
            word = f"set={rest.pop(0)}"
        name, equals, value = word.partition("=")
        reader = _OPTIONS.get(name.lower())
        if not (equals and value and reader):
            return Misread(f"{_quote(word)} is no option of {action}. Use `{COMMAND} {USAGE[action][0]}`.")
        read = reader(value, options)
        if isinstance(read, Misread):
            return read
        options = read
    return options


def _read_mtls(value: str, options: StartOptions) -> StartOptions | Misread:
    mode = value.upper()
    if mode not in ("PERMISSIVE", "STRICT"):
        return Misread(f"mtls is {_quote(value)}; it is PERMISSIVE or STRICT. Without it the mode in force stays.")
    return replace(options, mtls=mode)


def _read_set(value: str, options: StartOptions) -> StartOptions | Misread:
    key, equals, _ = value.partition("=")
    if not (key and equals):
        return Misread(f"set needs KEY=VALUE as istioctl's `--set` takes it, not {_quote(value)}.")
    return replace(options, flags=(*options.flags, value))


def _read_testing(value: str, options: StartOptions) -> StartOptions | Misread:
    if value.lower() not in YES_NO:
        return Misread(f"testing is {_quote(value)}; it is yes or no.")
    return replace(options, testing_workloads=YES_NO[value.lower()])


def _read_canary(value: str, options: StartOptions) -> StartOptions | Misread:
    return replace(options, canary_namespaces=(*options.canary_namespaces, *_split(value)))


def _read_skip(value: str, options: StartOptions) -> StartOptions | Misread:
    return replace(options, skip_namespaces=(*options.skip_namespaces, *_split(value)))


def _split(value: str) -> list[str]:
    return [part for part in value.split(",") if part]


_OPTIONS: Mapping[str, Callable[[str, StartOptions], StartOptions | Misread]] = {
    "mtls": _read_mtls,
    "set": _read_set,
    "testing": _read_testing,
    "canary": _read_canary,
    "skip": _read_skip,
}
_READERS: Mapping[Action, Callable[[Action, Sequence[str]], Order | Misread]] = {
    "start": _read_start,
    "abort": _read_abort,
    "rollback": _read_rollback,
    "approve": _read_approve,
    "deny": _read_deny,
    "break-glass": _read_breaking,
    "decide": _read_decide,
    "schedule": _read_schedule,
    "extend": _read_extend,
}


def _undo_markup(text: str) -> str:
    """What the person typed: Slack escapes & < >, writes links as <address|text> and makes typographic quotes."""
    return html.unescape(PERSON.sub(r"<@\1>", LINK.sub(r"\1", text))).translate(QUOTES)


def _reason(words: Sequence[str]) -> str:
    return " ".join(words)[:REASON_LIMIT].strip('" ')


def _bare(word: str) -> str:
    return re.sub(r"[`<>&]", "", word)[:60]


def _quote(word: str) -> str:
    return f"`{_bare(word)}`"
