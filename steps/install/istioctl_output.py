"""What istioctl 1.4 writes, read: components done, and what it says of itself.

Forms as in istio/operator 1.4.10 (pkg/manifest/installer.go) and a log of a real ASM 1.4.7 run; lines of components
are interleaved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from steps.contract.wording import describe_seconds

_STARTED = re.compile(r"^- Applying manifest for component (\S+?)\.\.\.", re.MULTILINE)
_FINISHED = re.compile(r"^(✔|✘) Finished applying manifest for component (\S+?)\.\s*$", re.MULTILINE)
_FAILED = re.compile(r"^Component (\S+) - manifest apply returned the following errors:", re.MULTILINE)
_COMPLETE = "✔ Installation complete"
# istioctl says this before what the schema of the values refuses.
_HINT = "Run the command with the --force flag"
_FRAME = (
    re.compile(r"^Component \S+ - manifest apply returned the following errors:"),
    re.compile(r"^(Error: error running kubectl: )?exit status \d+$"),
    re.compile(r"^[-✔✘] "),
    re.compile(r"^Failed to generate and apply manifests, error: errors were logged"),
)
_BEFORE_THE_CAUSE = re.compile(r"^(Error: |Failed to generate and apply manifests, error: )+")
# Under this head stands what kubectl printed: its errors, equal ones once with their number, then its results.
_DETAIL = "Error detail:"
_END_OF_DETAIL = re.compile(r"^(?:Component \S+ - |✘ )")
_TIMES = re.compile(r" \(repeated \d{1,9} times\)$")
_WARNING = re.compile(r"^(W\d{4} .*?)?Warning: |^W\d{4} ")
# Faults of the way to the API server or of the server itself, which pass.
_CONNECTION = re.compile(
    r"internal ?error|connection (reset|refused)|broken pipe|\bEOF\b|too ?many ?requests"
    r"|service ?unavailable|unable to connect to the server|etcdserver|TLS handshake",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(r"time(d )?out", re.IGNORECASE)


@dataclass(frozen=True)
class ApplyReport:
    """istioctl's output in parts; `errors` is what istioctl says of itself: kubectl's calls are judged one by one."""

    finished: tuple[str, ...]
    failed: tuple[str, ...]
    running: tuple[str, ...]
    complete: bool
    errors: tuple[str, ...]

    @property
    def only_passing(self) -> bool:
        """Whether every error is one that may be gone at the next try."""
        return bool(self.errors) and all(blames_connection(error) or _TIMEOUT.search(error) for error in self.errors)


def blames_connection(text: str) -> bool:
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
        complete=_COMPLETE in text,
        errors=tuple(line for line, by_kubectl in _list_words(text) if not by_kubectl),
    )


def describe_running(seconds: float) -> str:
    """The sentence while istioctl runs."""
    return f"istioctl manifest apply runs for {describe_seconds(seconds)}"


def describe_apply(report: ApplyReport) -> tuple[str, ...]:
    """A line per component for the progress message."""
    return (
        *(f"{name}: applied" for name in report.finished),
        *(f"{name}: failed" for name in report.failed),
        *(f"{name}: applying" for name in report.running if name not in report.failed),
    )


def find_first_words(output: str) -> str:
    """The first line that says what istioctl or kubectl found wrong; a dump of the whole file may follow it."""
    words = (_BEFORE_THE_CAUSE.sub("", line) for line, _ in _list_words(output))
    return next((line for line in words if line and not _WARNING.search(line)), "")


def _list_words(output: str) -> Iterator[tuple[str, bool]]:
    """What is wrong, line by line, and whether kubectl says so; what it printed on standard output is left out."""
    by_kubectl = False
    for raw in output.splitlines():
        line = raw.strip()
        by_kubectl = line == _DETAIL or (by_kubectl and not _END_OF_DETAIL.search(line))
        times = _TIMES.search(line) if by_kubectl else None
        if times:
            yield line[: times.start()], True
        elif line and not by_kubectl and not line.startswith(_HINT) and not any(one.search(line) for one in _FRAME):
            yield line, False
