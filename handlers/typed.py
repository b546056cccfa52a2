"""What a person typed: Slack's markup undone, typography, formatting and invisible characters taken off. Pure."""

from __future__ import annotations

import re

LINK = re.compile(r"<((?:https?|mailto|tel|ftp)[:][^<|>]*)(?:\|([^<>]*))?>")
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|([^<>]*))?>")
GROUP = re.compile(r"<!subteam\^([A-Z0-9]+)(?:\|@?([^<>]*))?>")
SPECIAL = re.compile(r"<!(?:date\^[^<>|]*\|([^<>]*)|(here|channel|everyone)(?:\|[^<>]*)?)>")
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"') | dict.fromkeys("‘’‚‛‹›′＇", "'"))
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣－", "-") | {"＝": "=", "：": ":", "，": ","})
# Blanks without width, marks of direction, soft hyphens: what comes along with pasted text and nobody sees.
UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]")
AROUND = "`*_~\"'()[]<>{}"
BEHIND = ".,;:!?…"
# A word that may stand in quotes as a whole, or in part: set "a.b=c d", set a.b="c d".
WORD = re.compile(r'(?:[^\s"\']|"[^"]*"|\'[^\']*\'|["\'])+')


def undo_markup(text: str) -> str:
    """The text as it stood in the message field: without escapes, links as their text, channels and groups by name.

    People and channels keep their ids, as `<@U1>` and `<#C1|name>`: names may change.
    """
    text = LINK.sub(lambda link: link[2] or link[1].partition("mailto:")[2] or link[1], text)
    text = PERSON.sub(r"<@\1>", text)
    text = GROUP.sub(lambda group: f"@{group[2] or group[1]}", text)
    text = SPECIAL.sub(lambda special: special[1] or f"@{special[2]}", text)
    for escaped, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, meant)
    return text.translate(QUOTES)


def drop_mention(text: str) -> str:
    """What was said to the bot, without the mention that it was said with."""
    return PERSON.sub("", text, count=1).strip(" \t\n,:")


def bare_word(word: str) -> str:
    """A name as it was meant: without formatting, quotes, a full stop behind it or what nobody sees."""
    if CHANNEL.fullmatch(word):
        return word
    plain = UNSEEN.sub("", word).translate(DASHES)
    return plain.strip(AROUND + BEHIND).lstrip("#/")


def bare_name(word: str) -> str:
    """A bare word in small letters, as clusters, commands and options are written; a channel keeps its id."""
    bare = bare_word(word)
    return bare if bare.startswith("<#") else bare.lower()


def bare_value(word: str) -> str:
    """What was typed for others to read, such as istioctl's flags: only what certainly isn't meant is removed."""
    plain = UNSEEN.sub("", word).strip("`")
    for around in ("*", '"', "'"):
        if len(plain) > 1 and plain[0] == plain[-1] == around:
            plain = plain[1:-1]
    return re.sub(r"""=(["'])(.*)\1$""", r"=\2", plain)


def split_quoted(text: str) -> list[str]:
    """The words; a quoted part is one word, blanks included."""
    return WORD.findall(text)


def write_reason(text: str) -> str:
    """A reason as it was meant: one line, without quotes or backticks around the whole; channels by their id."""
    plain = CHANNEL.sub(r"<#\1>", text)
    return UNSEEN.sub(_keep_joiner, " ".join(plain.split())).strip('"` ')


def _keep_joiner(unseen: re.Match[str]) -> str:
    """Words of some scripts, and many emoji, need their joiners."""
    return unseen[0] if unseen[0] in "\u200c\u200d\ufe0f" else ""
