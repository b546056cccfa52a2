"""What may be given at the start of an upgrade, as people type it: every fault at once, each with what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from bot.clicks.orders import StartOptions
from bot.likeness import suggest
from handlers.typed import bare_name, bare_value, bare_word, split_quoted

MODES = ("PERMISSIVE", "STRICT")
YES = ("yes", "true", "on", "y", "1")
NO = ("no", "false", "off", "n", "0")
EARLIER: Mapping[str, str] = {"take": "", "keep": "", "yes": "", "leave": "leave", "none": "leave", "no": "leave"}
OPTION_NAMES = ("mtls", "set", "canary", "skip", "testing", "earlier")
FILLERS = ("and", "with", "&", "+", "")
# The names that these options have in clusters.toml.
OTHER_NAMES = {
    "canarynamespaces": "canary",
    "skipnamespaces": "skip",
    "testingworkloads": "testing",
    "setflags": "set",
    "earlieroptions": "earlier",
}


class BadValue(Exception):
    """An option can't have this value; the text is a sentence."""


def read_options(action: str, words: Sequence[str]) -> tuple[StartOptions, list[str]]:
    """The options that were typed, and a sentence for each that was not understood."""
    options, faults = StartOptions(), list[str]()
    for name, value in _pair(_join(split_quoted(" ".join(words)))):
        reader = _READERS.get(name)
        if reader is None or not value:
            faults.append(_describe_unknown(action, name, value))
            continue
        try:
            options = reader(value, options)
        except BadValue as fault:
            faults.append(str(fault))
    return options, faults


def show_word(word: str) -> str:
    """What was typed, in a code span that it can't end."""
    return f"`{re.sub(r'[`<>&]', '', word)[:60]}`"


def _join(words: Sequence[str]) -> list[str]:
    """`mtls = STRICT` and `shop, blog`, typed with blanks, as one word each."""
    joined: list[str] = []
    for word in words:
        before = joined[-1] if joined else ""
        split = word.startswith(("=", ",")) or before.endswith(",") or (before.endswith("=") and "=" not in word)
        if before and split:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _pair(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option's name with its value, also where they stand side by side; "" where a value is missing."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name = _read_name(word)
        if name in _READERS and rest:
            yield name, bare_value(rest.pop(0))
            continue
        before, found, value = [*re.split(r"([=:])", bare_value(word), maxsplit=1), "", ""][:3]
        if found and value:
            yield _read_name(before), bare_value(value)
        elif name not in FILLERS:
            yield name, ""


def _read_name(word: str) -> str:
    name = bare_name(word).lstrip("-").rstrip("=")
    return OTHER_NAMES.get(re.sub(r"[-_]", "", name), name)


def _describe_unknown(action: str, name: str, value: str) -> str:
    if name in _READERS:
        return f"{show_word(name)} lacks its value."
    meant = suggest(name, _READERS, behind=f"={re.sub(r'[`<>&]', '', value)[:60] or '…'}")
    return f"{show_word(f'{name}={value}' if value else name)} is no option of {action}.{meant}"


def _read_mtls(value: str, options: StartOptions) -> StartOptions:
    mode = bare_word(value).upper()
    if mode not in MODES:
        near = suggest(mode, MODES, "mtls=")
        raise BadValue(
            f"mtls is {show_word(value)}; it is PERMISSIVE or STRICT. Without it the mode in force stays.{near}"
        )
    return replace(options, mtls=mode)


def _read_set(value: str, options: StartOptions) -> StartOptions:
    key, equals, _ = value.partition("=")
    if not (key and equals):
        raise BadValue(f"set needs KEY=VALUE as istioctl's `--set` takes it, not {show_word(value)}.")
    return replace(options, flags=(*options.flags, value))


def _read_testing(value: str, options: StartOptions) -> StartOptions:
    word = bare_name(value)
    if word not in YES + NO:
        raise BadValue(f"testing is {show_word(value)}; it is yes or no.")
    return replace(options, testing_workloads=word in YES)


def _read_earlier(value: str, options: StartOptions) -> StartOptions:
    word = bare_name(value)
    if word not in EARLIER:
        raise BadValue(
            f"earlier is {show_word(value)}; it is take or leave. Without it the options of the earlier install are "
            "taken."
        )
    return replace(options, earlier_options=EARLIER[word])


def _read_canary(value: str, options: StartOptions) -> StartOptions:
    return replace(options, canary_namespaces=(*options.canary_namespaces, *_split(value)))


def _read_skip(value: str, options: StartOptions) -> StartOptions:
    return replace(options, skip_namespaces=(*options.skip_namespaces, *_split(value)))


def _split(value: str) -> list[str]:
    parts = (bare_name(part) for part in re.split(r"[,;]", value))
    return [part for part in parts if part]


_READERS: Mapping[str, Callable[[str, StartOptions], StartOptions]] = {
    "mtls": _read_mtls,
    "set": _read_set,
    "testing": _read_testing,
    "earlier": _read_earlier,
    "canary": _read_canary,
    "skip": _read_skip,
}
