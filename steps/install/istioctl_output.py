"""What istioctl 1.4 writes, read: components done, errors, what it would prune.

Forms as in istio/operator 1.4.10 (pkg/manifest/installer.go) and a log of a real ASM 1.4.7 run; lines of components
are interleaved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_STARTED = re.compile(r"^- Applying manifest for component (\S+?)\.\.\.", re.MULTILINE)
_FINISHED = re.compile(r"^(✔|✘) Finished applying manifest for component (\S+?)\.\s*$", re.MULTILINE)
_PRUNED = re.compile(r"Pruning objects for disabled component (\S+?)\.\.\.")
_FAILED = re.compile(r"^Component (\S+) - manifest apply returned the following errors:", re.MULTILINE)
_COMPLETE = "✔ Installation complete"
_DETAIL = "Error detail:"
# From kubectl 1.19 on, deprecations reach stderr, and istioctl 1.4 takes any text there for an error.
_HARMLESS = (
    re.compile(r"^\s*$"),
    re.compile(
        r"^\s*(?>(?:W\d{4} .*?)?Warning: ).*(deprecated|unavailable in v1\.\d+|last-applied-configuration)",
        re.IGNORECASE,
    ),
    re.compile(r"^\s*W\d{4} [\d:.]+ .*(deprecated|unavailable)", re.IGNORECASE),
    re.compile(r"^\s*(exit status \d+|Error: error running kubectl: exit status \d+)\s*$"),
)
# istioctl says this before what the schema of the values refuses.
_HINT = "Run the command with the --force flag"
_FRAME = (
    re.compile(r"^Component \S+ - manifest apply returned the following errors:"),
    re.compile(r"^\s*Error detail:\s*$"),
    re.compile(r"^[-✔✘] "),
    re.compile(r"^(Error: )?Failed to generate and apply manifests, error: *(errors were logged.*)?$", re.IGNORECASE),
)
# Faults of the way to the API server or of the server itself, which pass.
_CONNECTION = re.compile(
    r"internal ?error|connection (reset|refused)|broken pipe|\bEOF\b|too ?many ?requests"
    r"|service ?unavailable|unable to connect to the server|etcdserver|TLS handshake",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(r"time(d )?out", re.IGNORECASE)


@dataclass(frozen=True)
class ApplyReport:
    """istioctl's output in parts; `errors` are the lines of detail that are more than a warning."""

    finished: tuple[str, ...]
    failed: tuple[str, ...]
    running: tuple[str, ...]
    pruned: tuple[str, ...]
    complete: bool
    errors: tuple[str, ...]

    @property
    def only_warnings(self) -> bool:
        """Whether istioctl ran to its end and complained of nothing but kubectl's warnings."""
        return not self.errors and not self.running and bool(self.finished or self.failed)

    @property
    def only_passing(self) -> bool:
        """Whether every error is one that may be gone at the next try."""
        return bool(self.errors) and all(is_connection_fault(error) or _TIMEOUT.search(error) for error in self.errors)


def is_connection_fault(text: str) -> bool:
    """Whether the text tells of the way to the API server, or of that server, rather than of what was asked."""
    return _CONNECTION.search(text) is not None


def read_apply_output(output: str) -> ApplyReport:
    """Read what istioctl wrote, stdout and stderr together."""
    text = output.replace("\r\n", "\n")
    marks = _FINISHED.findall(text)
    failed = {name for mark, name in marks if mark == "✘"} | set(_FAILED.findall(text))
    finished = tuple(name for _, name in marks if name not in failed)
    ended = {name for _, name in marks}
    return ApplyReport(
        finished=finished,
        failed=tuple(sorted(failed)),
        running=tuple(name for name in _STARTED.findall(text) if name not in ended),
        pruned=tuple(dict.fromkeys(_PRUNED.findall(text))),
        complete=_COMPLETE in text,
        errors=tuple(_find_errors(text)),
    )


def describe_apply(report: ApplyReport) -> tuple[str, ...]:
    """A line per component for the progress message."""
    return (
        *(f"{name}: applied" for name in report.finished),
        *(f"{name}: failed" for name in report.failed),
        *(f"{name}: applying" for name in report.running if name not in report.failed),
    )


def cut_output(output: str, lines: int = 12) -> tuple[str, ...]:
    """The last lines, for a card."""
    return tuple(line for line in output.strip().splitlines() if line.strip())[-lines:]


def find_first_words(output: str) -> str:
    """The first line that says what istioctl found wrong; a dump of the whole file may follow it."""
    lines = (line.strip() for line in output.splitlines() if not line.startswith(_HINT))
    return next((line.removeprefix("Error: ") for line in lines if line and not _is_frame(line)), "")


def _is_frame(line: str) -> bool:
    return any(form.search(line) for form in (*_FRAME, *_HARMLESS))


def _find_errors(text: str) -> Sequence[str]:
    found: list[str] = []
    for line in text.splitlines():
        if any(frame.search(line) for frame in _FRAME) or any(known.search(line) for known in _HARMLESS):
            continue
        found.append(line.strip())
    return found
