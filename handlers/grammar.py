"""The words after /asm-upgrade: read without asking anybody, with a sentence for everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.clicks.orders import (
    READINGS,
    Approve,
    BreakGlass,
    Decide,
    Deny,
    Extend,
    Order,
    ReadHelp,
    Relocate,
    Schedule,
    Start,
    StartOptions,
    choose_order,
)
from bot.journal.records import Action
from bot.likeness import find_alike, suggest
from bot.windows.appointments import Written, find_zone, parse_length
from handlers.options import OPTION_NAMES, read_options, show_word
from handlers.payloads import mend_text
from handlers.typed import CHANNEL, bare_name, bare_word, undo_markup, write_reason
from handlers.usage import COMMAND, USAGE, list_commands

REASON_LIMIT = 500
CODE_LIMIT = 20
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,20}")
TIMED = re.compile(r"\d|to(?:day|morrow|night)")
NEEDS_TARGET: frozenset[Action] = frozenset(
    {
        "approve",
        "deny",
        "decide",
        "pause",
        "resume",
        "retry",
        "abort",
        "rollback",
        "extend",
        "break-glass",
        "log",
        "move",
    }
)  # fmt: skip
# What people call it elsewhere. They are asked, and nothing is done: none of these words means quite the same.
ELSEWHERE: Mapping[str, tuple[Action, ...]] = {
    "upgrade": ("start",),
    "begin": ("start",),
    "run": ("start", "resume"),
    "go": ("start", "resume"),
    "stop": ("pause", "abort"),
    "halt": ("pause", "abort"),
    "hold": ("pause",),
    "cancel": ("abort",),
    "kill": ("abort",),
    "continue": ("resume",),
    "unpause": ("resume",),
    "accept": ("approve",),
    "confirm": ("approve",),
    "yes": ("approve",),
    "ok": ("approve",),
    "lgtm": ("approve",),
    "reject": ("deny",),
    "decline": ("deny",),
    "refuse": ("deny",),
    "no": ("deny",),
    "undo": ("rollback",),
    "revert": ("rollback",),
    "downgrade": ("rollback",),
    "back": ("rollback",),
    "again": ("retry",),
    "list": ("status",),
    "show": ("status",),
    "clusters": ("status",),
    "info": ("status",),
    "plan": ("schedule", "calendar"),
    "relocate": ("move",),
    "postpone": ("schedule",),
    "when": ("windows", "calendar"),
}
FILLERS = ("of", "for", "the")
TOWARDS = ("to", "into", "channel")
HELPS = ("", "h", "help", "usage")


@dataclass(frozen=True)
class Misread:
    """A command that was not understood, with the answer to give at once (mrkdwn)."""

    answer: str


def read_order(text: str) -> Order | Misread:
    """Read what was typed after the command's name."""
    words = _drop_command(undo_markup(mend_text(text)).split())
    if not words or bare_name(words[0]).lstrip("-") in HELPS:
        return _read_target("help", words[1:])
    action, rest = _find_action(words)
    if action is None:
        return Misread(_describe_unknown(words))
    if len(rest) == 1 and bare_name(rest[0]).lstrip("-") == "help":
        return ReadHelp(action)
    rest = _drop_fillers(rest)
    if action in NEEDS_TARGET and not rest:
        return Misread(f"Name the cluster: `{COMMAND} {USAGE[action].line}`.")
    return _READERS.get(action, _read_target)(action, rest)


def name_target(text: str, cluster: str, upgrade: str, known: Iterable[str]) -> str:
    """What was said in an upgrade's thread, with the upgrade where no cluster was named.

    A word that is like a known cluster's name names a cluster, wrongly or not: nothing is done to another one for it.
    """
    words = _drop_command(text.split())
    action, rest = _find_action(words) if words else (None, [])
    if action is None or action == "help" or (rest and bare_name(rest[0]).lstrip("-") == "help"):
        return text
    if action == "move" and len([word for word in rest if bare_name(word) not in TOWARDS]) == 1:
        return " ".join([action, upgrade, *rest])
    named = bare_name(rest[0]) if rest else ""
    without_words = action in READINGS or action in ("pause", "resume", "retry", "start")
    is_length = action == "extend" and any(parse_length(_join_length(rest[:count])) for count in (1, 2))
    names_one = named == upgrade or CHANNEL.match("".join(rest[:1])) or find_alike(named, known)
    if named and not (is_length or "=" in named or named == "set") and (without_words or names_one):
        return text
    target = cluster if action in ("start", "schedule", "windows", "calendar", "history") else upgrade
    return " ".join([action, target, *rest])


def _drop_command(words: Sequence[str]) -> list[str]:
    """The words without the command's own name, which comes along where a whole line was pasted."""
    rest = [word for word in words if bare_word(word) or not set(word) <= set("`*_~\u200b\ufeff")]
    while rest and bare_name(rest[0]) == COMMAND.lstrip("/"):
        rest.pop(0)
    return rest


def _find_action(words: Sequence[str]) -> tuple[Action | None, Sequence[str]]:
    """The command, also where it is written in two words or with other signs between them."""
    first, both = (_squeeze("".join(words[:count])) for count in (1, 2))
    for known in USAGE:
        if first == _squeeze(known):
            return known, words[1:]
    return next(((known, words[2:]) for known in USAGE if both == _squeeze(known) and "-" in known), (None, words))


def _squeeze(word: str) -> str:
    return re.sub(r"[-_]", "", bare_name(word))


def _drop_fillers(words: Sequence[str]) -> list[str]:
    rest = list(words)
    while len(rest) > 1 and bare_name(rest[0]) in FILLERS:
        rest.pop(0)
    return rest


def _describe_unknown(words: Sequence[str]) -> str:
    """What may have been meant, as a whole line to type; the commands where nothing is like it."""
    name, rest = bare_name(words[0]), [bare_word(word) for word in words[1:]]
    told = f"There is no command {show_word(words[0])}."
    ordered, after = _find_action(words[1:]) if rest else (None, [])
    if ordered:
        return f"{told} Did you mean `{_write_line(ordered, [words[0], *after])}`?"
    behind = _write_line("", words[1:]).removeprefix(COMMAND).rstrip()
    if name in ELSEWHERE:
        return f"{told} Did you mean {' or '.join(f'`{COMMAND} {known}{behind}`' for known in ELSEWHERE[name])}?"
    meant = suggest(name, USAGE, f"{COMMAND} ", behind)
    if not meant and not rest and re.search(r"[-\d]", name):
        meant = f" Did you mean `{_write_line('status', words)}`?"
    return f"{told}{meant or f' {list_commands()}'}"


def _write_line(action: str, words: Sequence[str]) -> str:
    bare = (re.sub(r"[`<>&|]", "", bare_word(word))[:60] for word in words)
    return " ".join([f"{COMMAND} {action}".rstrip(), *(word for word in bare if word)])[:200]


def _read_target(action: Action, words: Sequence[str]) -> Order | Misread:
    """The commands whose first word names what they are about."""
    target = bare_name(words[0]) if words else ""
    match action:
        case "windows" | "calendar" | "status" | "history" | "log" | "help":
            return READINGS[action](target)
        case _:
            return choose_order(action, "", target, reason=_reason(words[1:])) or ReadHelp(target)


def _read_reasoned(action: Action, words: Sequence[str]) -> Order | Misread:
    """The commands that need a reason."""
    if _reason(words[1:]):
        return _read_target(action, words)
    pause = f" `{_write_line('pause', words[:1])}` stops as quickly, needs none, and can be undone."
    told = f"Say why: `{_write_line(action, words[:1])} REASON`. The reason stands in the thread."
    return Misread(told + (pause if action == "abort" else ""))


def _read_approve(_action: Action, words: Sequence[str]) -> Order | Misread:
    code, rest = _read_code(words)
    return Approve(bare_name(words[0]), reason=_reason(rest), code=code)


def _read_breaking(_action: Action, words: Sequence[str]) -> Order | Misread:
    code, rest = _read_code(words)
    reason = _reason(rest)
    if code and not reason:
        line = _write_line("break-glass", words[:1])
        return Misread(f"Say why: `{line} CODE REASON`. The approvers are told the reason.")
    return BreakGlass(bare_name(words[0]), reason=reason, code=code)


def _read_decide(_action: Action, words: Sequence[str]) -> Order | Misread:
    code, rest = _read_code(words)
    if code and not rest:
        return Misread(f"Name the choice: `{COMMAND} {USAGE['decide'].line}`. The choices are the buttons of the card.")
    target, choice, reason = bare_name(words[0]), bare_name("".join(rest[:1])), _reason(rest[1:])
    match choice:
        case "approve":
            return Approve(target, reason=reason, code=code)
        case "deny":
            return Deny(target, reason=reason)
        case _:
            return Decide(target, reason=reason, choice=choice, code=code)


def _read_code(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The word after the cluster, the card's code, and what follows. What is none is answered with the card."""
    rest = words[2:] if len(words) > 2 and bare_name(words[1]) == "code" else words[1:]
    return bare_word("".join(rest[:1]))[:CODE_LIMIT], rest[1:]


def _read_extend(_action: Action, words: Sequence[str]) -> Order | Misread:
    rest = list(words[1:])
    while rest and bare_name(rest[0]) in ("by", "for", "another"):
        rest.pop(0)
    count = _count_length(rest)
    if len(rest) <= count:
        return Misread(f"Say for how long and why: `{COMMAND} {USAGE['extend'].line}`.")
    return Extend(bare_name(words[0]), _join_length(rest[:count]), _reason(rest[count:]))


def _read_move(_action: Action, words: Sequence[str]) -> Order | Misread:
    """The channel may stand first, and `to` or `into` before it; whoever names a time meant an appointment."""
    rest = [word for word in words[1:] if bare_name(word) not in TOWARDS]
    found = CHANNEL.fullmatch(rest[0]) if rest else None
    channel = found[1] if found else bare_word("".join(rest[:1])).upper()
    if len(rest) == 1 and CHANNEL_ID.fullmatch(channel):
        return Relocate(bare_name(words[0]), channel)
    line = f"`{COMMAND} {USAGE['move'].line}`"
    if rest and TIMED.match(bare_name(rest[0])):
        return Misread(f"A time is moved by `{_write_line('schedule', words)}`, a thread to a channel by {line}.")
    return Misread(f"Name the channel as Slack links it, picked from the list after `#`, or by its id: {line}.")


def _read_schedule(_action: Action, words: Sequence[str]) -> Order | Misread:
    target = bare_name(words[0]) if words else ""
    if len(words) < 2:
        return Schedule(target)
    when, rest = _read_when(words[1:])
    if not when.time:
        return Misread(f"Name date and time: `{COMMAND} {USAGE['schedule'].line}`.")
    if rest and bare_name(rest[0]) == "for" and not when.length:
        return Misread(f"Say for how long: `for 3h`. Use `{COMMAND} {USAGE['schedule'].line}`.")
    options = _read_options("schedule", rest)
    return options if isinstance(options, Misread) else Schedule(target, when, options)


def _read_when(words: Sequence[str]) -> tuple[Written, Sequence[str]]:
    """Date, time, zone and length, with `on`, `at` and the like between them, and the words that follow.

    Without a zone the time is in that of whoever wrote it.
    """
    rest = [word for word in words if bare_name(word) not in ("on", "at", "in", "from", "o'clock")]
    date, given, at = bare_word(rest.pop(0) if rest else "").partition("T" if "T" in words[0] else " ")
    if not given:
        at = bare_word(rest.pop(0)) if rest else ""
        if rest and bare_name(rest[0]) in ("am", "pm"):
            at += bare_name(rest.pop(0))
    if at.endswith("Z"):
        at, rest = at[:-1], ["UTC", *rest]
    unzoned = not rest or bare_name(rest[0]).rstrip(":") in ("for", *OPTION_NAMES) or "=" in rest[0]
    count = 0 if unzoned else next((n for n in (3, 2) if find_zone(" ".join(map(bare_word, rest[:n])))), 1)
    zone, rest = " ".join(bare_word(word) for word in rest[:count]), rest[count:]
    if not rest or bare_name(rest[0]) != "for":
        return Written(date, at, zone), rest
    count = _count_length(rest[1:])
    length = _join_length(rest[1 : 1 + count])
    return Written(date, at, zone, length), rest[1 + count :] if length else rest


def _count_length(words: Sequence[str]) -> int:
    """How many words make up a length of time: `3h` is one, `2 h 30 min` four. What is none counts as one."""
    lengths = (count for count in range(min(6, len(words)), 0, -1) if parse_length(_join_length(words[:count])))
    return next(lengths, min(1, len(words)))


def _join_length(words: Sequence[str]) -> str:
    return "".join(bare_name(word) for word in words)[:60]


def _read_start(action: Action, words: Sequence[str]) -> Order | Misread:
    if not words:
        return Start()
    options = _read_options(action, words[1:])
    return options if isinstance(options, Misread) else Start(bare_name(words[0]), options)


def _read_options(action: Action, words: Sequence[str]) -> StartOptions | Misread:
    options, faults = read_options(action, words)
    return Misread(" ".join([*faults, f"Use `{COMMAND} {USAGE[action].line}`."])) if faults else options


_READERS: Mapping[Action, Callable[[Action, Sequence[str]], Order | Misread]] = {
    "start": _read_start,
    "abort": _read_reasoned,
    "rollback": _read_reasoned,
    "approve": _read_approve,
    "deny": _read_reasoned,
    "break-glass": _read_breaking,
    "decide": _read_decide,
    "schedule": _read_schedule,
    "extend": _read_extend,
    "move": _read_move,
}


def _reason(words: Sequence[str]) -> str:
    return write_reason(" ".join(words))[:REASON_LIMIT].rstrip()
