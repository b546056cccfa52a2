"""The thread in a terminal: a line for each message, a bar while something is counted."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from sandbox.watching.messages import kind_of, plain_text, read_progress

if TYPE_CHECKING:
    from rich.console import Console

Json = dict[str, Any]

BAR = re.compile(r"\s*[█░]+")
ENDED_BY_EDIT = ("gate", "blocked")
SIGNS = {
    "gate": "✋",
    "blocked": "⛔",
    "finished": "🏁",
    "reminder": "🔔",
    "milestone": "•",
    "root": "▶",
    "private": "  (only you see this)",
}


class Terminal(Protocol):
    """Where the sandbox speaks."""

    def say(self, text: str) -> None:
        """Print a line of the sandbox itself."""
        ...

    def show_message(self, message: Json, names: dict[str, str]) -> None:
        """Print a message of the bot, or the changed text of one already printed."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class Lines:
    """Plain lines, for files and pipes: a progress message is printed anew when its count has moved on."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._seen: dict[str, str] = {}

    def say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def show_message(self, message: Json, names: dict[str, str]) -> None:
        text = plain_text(message, names)
        former = self._seen.get(message["ts"])
        if not text or text == former:
            return
        self._seen[message["ts"]] = text
        kind = shown_kind(message)
        if former is not None and kind == "root":
            return
        self.say(f"{time.strftime('%H:%M:%S')} {written(kind, text, former)}")

    def close(self) -> None:
        return


class LivePanel:
    """A terminal with a person before it: lines above, one bar below them while something is counted."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = console or Console(highlight=False)
        self._bar = Progress(
            TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.fields[note]}"),
            console=self._console, transient=True,
        )  # fmt: skip
        self._rows: dict[str, Any] = {}
        self._seen: dict[str, str] = {}

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def show_message(self, message: Json, names: dict[str, str]) -> None:
        text, kind, ts = plain_text(message, names), shown_kind(message), message["ts"]
        former = self._seen.get(ts)
        if not text or text == former:
            return
        self._seen[ts] = text
        if kind == "progress":
            self._show_progress(ts, text, first=former is None)
        elif former is None or kind != "root":
            style = {"blocked": "bold red", "gate": "yellow", "finished": "bold green"}.get(kind, "")
            clock = time.strftime("%H:%M:%S")
            self._console.print(f"{clock} {written(kind, text, former)}", style=style, markup=False)

    def close(self) -> None:
        self._bar.stop()

    def _show_progress(self, ts: str, text: str, *, first: bool) -> None:
        counted = read_progress(text)
        if counted is None:
            # Below a program's output it says how far it is; alone it says how it ended.
            if first or "\n" not in text.strip():
                self._console.print(f"{time.strftime('%H:%M:%S')} {written('progress', text, None)}", markup=False)
            return
        done, total, unit = counted
        note = text[text.index(f"{done}/{total}") :].splitlines()[0]
        if ts not in self._rows and done >= total and not first:
            return
        if ts not in self._rows:
            self._bar.start()
            self._rows[ts] = self._bar.add_task(unit, total=total, note=note)
        self._bar.update(self._rows[ts], completed=done, total=total, note=note)
        if done >= total:
            self._finish_bar(ts, note)

    def _finish_bar(self, ts: str, note: str) -> None:
        self._bar.remove_task(self._rows.pop(ts))
        if not self._rows:
            self._bar.stop()
        self._console.print(f"{time.strftime('%H:%M:%S')} {written('progress', note, None)}", markup=False)


def open_terminal() -> Terminal:
    """Return the live panel where a person looks on, else plain lines."""
    return LivePanel() if sys.stdout.isatty() else Lines()


def shown_kind(message: Json) -> str:
    """Return the kind of the bot's message, or `private` for an answer to one person."""
    return "private" if message.get("is_ephemeral") else kind_of(message)


def written(kind: str, text: str, former: str | None) -> str:
    """Return a message as lines under each other; of a question that was answered only the answer."""
    if former is not None and kind in ENDED_BY_EDIT and text.startswith(former):
        text = text[len(former) :].strip()
    first, *rest = [line for line in text.splitlines() if not BAR.match(line)] or [""]
    return "\n".join([f"{SIGNS.get(kind, '…')} {first}", *(f"           {line}" for line in rest if line.strip())])
