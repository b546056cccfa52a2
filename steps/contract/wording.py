"""What sentences are made of: counts, lengths of time, and the people and commands that they name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_WORDS = 400
PROGRAMS = frozenset({"istioctl", "asmctl", "kubectl"})
NAMED = re.compile(r"\{(person|command) ([^{}\n]+)\}")


@dataclass(frozen=True)
class Person:
    """A person in a sentence, by id; whoever shows the sentence knows how to write them."""

    id: str

    def __str__(self) -> str:
        return f"{{person {self.id}}}"


@dataclass(frozen=True)
class Command:
    """A command of the bot in a sentence, without the word that the bot is called by."""

    words: str

    def __str__(self) -> str:
        return f"{{command {self.words}}}"


class Aside(str):
    """A sentence for whoever looks closer: it stands on its phase's card and has no message of its own."""


def write_named(sentence: str, write: Callable[[Person | Command], str]) -> str:
    """The sentence with each person and command in it written by `write`."""
    return NAMED.sub(lambda found: write(_read_named(found[1], found[2])), sentence)


def _read_named(kind: str, text: str) -> Person | Command:
    return Person(text) if kind == "person" else Command(text)


def shorten(words: str, longest: int = LONGEST_WORDS) -> str:
    """Somebody else's words on one line, cut where they get long."""
    line = " ".join(words.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def name_phase(step: str) -> str:
    """The phase of a step, as people call it: `control plane` of control-plane/approve-mtls."""
    return step.partition("/")[0].replace("-", " ")


def begin_sentence(text: str, cluster: str = "") -> str:
    """The text with a capital at its beginning, unless a name stands there: of the cluster, a program or an object."""
    word = text.split(" ", 1)[0].rstrip(",.:;?")
    plain = word.isascii() and word.isalpha() and word.islower()
    return text[:1].upper() + text[1:] if plain and word != cluster and word not in PROGRAMS else text


def count_things(number: int, one: str, many: str = "") -> str:
    """`1 pod`, `2 pods`; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def describe_seconds(seconds: float) -> str:
    """`under 1 s`, `40 s`, `12 min`, `1 h`, `2 h 5 min`: as exactly as a person wants to know it."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s" if whole else "under 1 s"
    minutes = round(whole / 60)
    if minutes < 120 and minutes % 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
