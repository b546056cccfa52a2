"""What an upgrade leaves behind, in forms that two runs can be compared by."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from sandbox.watching.messages import kind_of
from tests.scenarios.rig import Rig, World

EDITED_ALONG = frozenset({"progress"})
# A bot that adopted a program does not see its end, unless the one that started it lived on to note it.
UNSEEN = " (its end was not seen; every object is in place)"
FOLDED_LINE = re.compile(r"^<!date\^\d+\^\{time\}\|[^>]*> (.*)$", re.MULTILINE)


def list_thread(world: World) -> list[tuple[str, str]]:
    """Kind and text of each message of the bot, in order; what changes from run to run is masked."""
    return [(kind_of(message), mask_text(str(message["text"]))) for message in world.messages()]


def mask_text(text: str) -> str:
    """The text without what no two runs share: hashes, paces, seconds and generated pod names."""
    text = re.sub(r"[0-9a-f]{12,64}…?", "HASH", text)
    text = re.sub(r"\b\d+ pods/min|\b\d+/min", "N pods/min", text)
    text = re.sub(r"first restarted pod checked: \S+", "first restarted pod checked: POD", text)
    text = text.replace(UNSEEN, "")
    return re.sub(r"\b(runs|running) for \d+ s", r"\1 for N s", text)


def list_milestones(world: World) -> Counter[tuple[str, str]]:
    """Every message and how often it stands there.

    A step that was seen at work tells its outcome in its progress message, another in a milestone: that is the same.
    """
    thread = list_thread(world)
    told = Counter(entry for entry in thread if entry[0] not in EDITED_ALONG)
    outcomes = {("milestone", text) for kind, text in thread if kind in EDITED_ALONG}
    return told + Counter(outcomes - told.keys()) + Counter(("line", line) for line in list_folded(world))


def list_folded(world: World) -> list[str]:
    """The lines that decided cards carry, without their times."""
    sections = [block["text"]["text"] for message in world.messages() for block in list_sections(message)]
    return [mask_text(found) for text in sections for found in FOLDED_LINE.findall(text)]


def list_sections(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a message that hold a text."""
    return [block for block in message.get("blocks") or [] if block["type"] == "section" and block.get("text")]


def sort_waves(thread: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The thread with what waves tell in one order; they overlap, and which ends first is left to the cluster."""
    told = iter(sorted(entry for entry in thread if is_of_waves(entry)))
    return [next(told) if is_of_waves(entry) else entry for entry in thread]


def is_of_waves(entry: tuple[str, str]) -> bool:
    """Whether waves that overlap tell this in an order of their own."""
    return entry[1].removeprefix("cluster-x: ").startswith(("wave ", "first restarted pod"))


def find_repeated(world: World) -> list[str]:
    """Outbox ids that stand in Slack more than once."""
    ids = Counter(
        message["metadata"]["event_payload"]["outbox_id"] for message in world.messages() if message.get("metadata")
    )
    return [outbox_id for outbox_id, times in ids.items() if times > 1]


def sum_ledger(rig: Rig, upgrade: str = "cluster-x-1") -> Counter[tuple[str, str]]:
    """How many pods of each workload ended in each state."""
    return Counter((entry.workload, entry.state) for entry in rig.bot.journal.read_ledger(upgrade))


def list_decisions(rig: Rig, upgrade: str = "cluster-x-1") -> list[tuple[str, str, str]]:
    """Step, choice and person of each question, in order."""
    return [(q.step, q.choice, q.decided_by) for q in rig.bot.journal.list_questions(upgrade)]


def find_doubled_programs(rig: Rig) -> list[str]:
    """Outputs of child programs in which the program's opening line stands more than once."""
    openings = ("Applying manifest for component Base", "[asmctl version")
    files = [path for path in (rig.world.settings.state / "programs").rglob("*") if path.is_file()]
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files}
    return [str(path) for path, text in texts.items() if any(text.count(opening) > 1 for opening in openings)]


def compare(name: str, disturbed: Any, quiet: Any) -> str:
    """A sentence where two records differ, "" where they are the same."""
    return "" if disturbed == quiet else f"{name} differs: {disturbed} against {quiet}"
