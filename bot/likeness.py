"""What a mistyped word was probably meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

# Looking for what is alike takes time with the length of the word; no name is longer.
LONGEST_WORD = 60
LIKE_ENOUGH = 0.6
MOST_SHOWN = 3


def find_alike(word: str, known: Iterable[str]) -> list[str]:
    """The known names most like a word, the closest first; none if nothing is close."""
    names = {_simplify(name): name for name in known}
    wanted = _simplify(word[:LONGEST_WORD])
    if not wanted:
        return []
    if wanted in names:
        return [names[wanted]]
    near = difflib.get_close_matches(wanted, names, MOST_SHOWN, LIKE_ENOUGH)
    alike = {name: difflib.SequenceMatcher(None, name, wanted).ratio() for name in names if name in near}
    best = max(alike.values(), default=0.0)
    near = sorted((name for name, much in alike.items() if much > best - 0.1), key=lambda name: -alike[name])
    return [names[name] for name in near or _find_parts(wanted, names)]


def suggest(word: str, known: Iterable[str], before: str = "", behind: str = "") -> str:
    """` Did you mean X or Y?`, each with what stands before and behind it; "" where nothing is like the word."""
    alike = [f"`{before}{name}{behind}`" for name in find_alike(word, known)]
    return f" Did you mean {' or '.join(alike)}?" if alike else ""


def describe_unknown(name: str, known: Iterable[str]) -> str:
    """Says that a field is unknown, and names the closest known one."""
    names = list(known)
    meant = find_alike(name, names)[:1]
    hint = f" (did you mean `{meant[0]}`?)" if meant else ""
    return f"has {name}{hint}, which is not one of {', '.join(names)}"


def _find_parts(wanted: str, names: Mapping[str, str]) -> list[str]:
    """Names that the word is a whole part of, or the beginning."""
    found = [key for key, name in names.items() if wanted in re.split(r"[^a-z0-9]+", name.lower())]
    found += [key for key in names if len(wanted) > 1 and key.startswith(wanted) and key not in found]
    return found if len(found) <= MOST_SHOWN else []


def _simplify(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
