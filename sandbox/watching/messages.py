"""What the sandbox reads from the bot's messages: the metadata, the buttons and the plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

EVENT_TYPE = "asm_upgrade_message"
LINK = re.compile(r"<(?:https?|mailto):[^|>]*\|([^>]*)>")
NAMED = re.compile(r"<[@#!][^|>]*\|([^>]*)>")
MENTION = re.compile(r"<[@#]([A-Z0-9]+)>")
DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
PROGRESS = re.compile(r"(\d+)/(\d+) (\w+)")
AGAIN = re.compile(r"retry|resume|try again", re.IGNORECASE)


@dataclass(frozen=True)
class Finish:
    """The bot's last word on an upgrade."""

    cluster: str
    upgraded: bool
    source: str
    target: str
    pods_upgraded: int
    pods_manual: int
    pods_total: int

    @property
    def adds_up(self) -> bool:
        """Tell whether every pod is accounted for."""
        return self.pods_upgraded + self.pods_manual == self.pods_total

    def sentence(self) -> str:
        """Return the line that the sandbox ends with."""
        word = "upgraded" if self.upgraded else "did not upgrade"
        return (
            f"{word} {self.cluster}: {self.source} → {self.target}, "
            f"{self.pods_upgraded}/{self.pods_total} pods, {self.pods_manual} manual"
        )


def kind_of(message: Json) -> str:
    """Return the kind that the bot gave a message, "" for anybody else's."""
    return str(_payload(message).get("kind", ""))


def upgrade_of(message: Json) -> str:
    """Return the upgrade that a message belongs to."""
    return str(_payload(message).get("upgrade", ""))


def read_finish(message: Json) -> Finish | None:
    """Return what a message of kind `finished` says, None for any other."""
    payload = _payload(message)
    if payload.get("kind") != "finished":
        return None
    return Finish(
        cluster=str(payload.get("upgrade", "")).rpartition("-")[0],
        upgraded=payload.get("result") == "upgraded",
        source=str(payload.get("from", "")),
        target=str(payload.get("to", "")),
        pods_upgraded=int(payload.get("pods_upgraded", 0)),
        pods_manual=int(payload.get("pods_manual", 0)),
        pods_total=int(payload.get("pods_total", 0)),
    )


def buttons(message: Json) -> list[Json]:
    """Return the buttons of a message in their order."""
    found = []
    for block in message.get("blocks") or []:
        elements = [*(block.get("elements") or []), block.get("accessory") or {}]
        found += [element for element in elements if element.get("type") == "button"]
    return found


def consent(message: Json) -> Json | None:
    """Return the button by which a person lets the upgrade go on: the primary one, unless it tries something again."""
    for button in buttons(message):
        if button.get("style") == "primary" and not AGAIN.search(_label(button)):
            return button
    return None


def offers_retry(message: Json) -> bool:
    """Tell whether the message asks a person what to do about something that went wrong."""
    return any(AGAIN.search(_label(button)) for button in buttons(message))


def is_going_on(message: Json) -> bool:
    """Tell whether the last word of a message is still to come: a question with buttons, work that moves."""
    kind = kind_of(message)
    return bool(_payload(message).get("moving")) or (kind in ("gate", "blocked") and bool(buttons(message)))


def plain_text(message: Json, names: dict[str, str]) -> str:
    """Return a message's text as a terminal shows it; `names` maps ids to @users and #channels."""
    text = str(message.get("text") or "")
    text = DATE.sub(r"\1", LINK.sub(r"\1", text))
    text = NAMED.sub(r"\1", MENTION.sub(lambda found: names.get(found[1], found[1]), text))
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("`", "").strip()


def read_progress(text: str) -> tuple[int, int, str] | None:
    """Return done, total and the unit of a line such as `12/75 pods`; None where there is none."""
    found = PROGRESS.search(text)
    return (int(found[1]), int(found[2]), found[3]) if found else None


def _label(button: Json) -> str:
    return str((button.get("text") or {}).get("text", ""))


def _payload(message: Json) -> Json:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") if metadata.get("event_type") == EVENT_TYPE else None
    return payload if isinstance(payload, dict) else {}
