"""A frame: a journal frozen in the middle of an upgrade, with what stood around it, kept as what differs from another.

A journal is SQL text for people to read; `-- after:` names the frame that it goes on from. Everything else is JSON.
"""

from __future__ import annotations

import itertools
import json
import lzma
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.journals.rows import JournalRows, build_journal, read_rows, write_changes

FROZEN = Path(__file__).parent / "frozen"


@dataclass(frozen=True)
class Frame:
    """`after` is the frame that it is written as a change of, `ends` the state in which its upgrade ends."""

    name: str
    after: str
    now: float
    ends: str
    scripts: tuple[str, ...]
    around: dict[str, Any]

    @property
    def rows(self) -> JournalRows:
        """The journal, with placeholders."""
        return read_rows(build_journal(self.scripts))


def list_frames() -> list[str]:
    """The names of all frames."""
    return sorted(path.stem for path in FROZEN.glob("*.sql"))


def load_frame(name: str, folder: Path = FROZEN) -> Frame:
    """The frame of this name, put together from those that it goes on from, which are frozen."""
    frame = _load_once(name, folder) if folder == FROZEN else _load(name, folder)
    return replace(frame, around=dict(frame.around))


@cache
def _load_once(name: str, folder: Path) -> Frame:
    """A frozen frame, which others go on from and which never changes."""
    return _load(name, folder)


def _load(name: str, folder: Path) -> Frame:
    script, head = _read_script(name, folder)
    changes = json.loads(lzma.decompress((folder / f"{name}.json.xz").read_bytes()))
    earlier = load_frame(head["after"]) if head.get("after") else Frame("", "", 0.0, "", (), {})
    around = {key: value for key, value in earlier.around.items() if key not in changes["gone"]} | changes["set"]
    return Frame(name, earlier.name, float(head["now"]), head.get("ends", ""), (*earlier.scripts, script), around)


def load_scripts(name: str) -> tuple[str, ...]:
    """What makes the journal of this frame, the oldest first."""
    script, head = _read_script(name)
    return (*(load_scripts(head["after"]) if head.get("after") else ()), script)


def save_frame(folder: Path, frame: Frame, rows: JournalRows, earlier: Frame | None) -> None:
    """Write the frame into the folder as a change of the earlier one."""
    before, around = (earlier.rows, earlier.around) if earlier else (JournalRows(), {})
    head = {"after": frame.after, "now": str(frame.now), "ends": frame.ends}
    lines = [*(f"-- {key}: {value}" for key, value in head.items() if value), *write_changes(before, rows)]
    (folder / f"{frame.name}.sql").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    changed = {key: value for key, value in frame.around.items() if around.get(key) != value}
    gone = sorted(set(around) - set(frame.around))
    text = json.dumps({"set": changed, "gone": gone}, ensure_ascii=False, separators=(",", ":"))
    packed = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    (folder / f"{frame.name}.json.xz").write_bytes(packed)


def _read_script(name: str, folder: Path = FROZEN) -> tuple[str, dict[str, str]]:
    script = (folder / f"{name}.sql").read_text(encoding="utf-8")
    lines = itertools.takewhile(lambda line: line.startswith("-- "), script.splitlines())
    return script, dict(line.removeprefix("-- ").split(": ", 1) for line in lines)
