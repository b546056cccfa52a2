"""Words for a terminal: what Slack alone would understand is written out, what a terminal would obey is taken out."""

from __future__ import annotations

import re

from bot.slack.drawing.text import clean

DATE = re.compile(r"<!date\^[^|<>]*\|([^<>]*)>")
LINK = re.compile(r"<(https?://[^|<>\s]+)\|([^<>]*)>")
LONE_LINK = re.compile(r"<(https?://[^|<>\s]+)>")
MENTION = re.compile(r"<[@#]([UWCG][A-Z0-9]+)(?:\|[^<>]*)?>")
FENCE = re.compile(r"```\n?")
BOLD = re.compile(r"(?<![\w*`])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*`])")


def write_plain(text: str) -> str:
    """A text that was written for Slack, as it is read on a terminal."""
    text = LONE_LINK.sub(r"\1", LINK.sub(r"\2 (\1)", DATE.sub(r"\1", text)))
    text = FENCE.sub("", BOLD.sub(r"\1", MENTION.sub(r"\1", text)))
    for escaped, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, meant)
    return clean(text)
