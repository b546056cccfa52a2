"""How istioctl 1.4 calls the kubectl that it finds on its PATH: its only way to change a cluster."""

from __future__ import annotations

import json

from sandbox.release.tools.forked_program import find_forked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    Json = dict[str, Any]

NOT_FOUND = 'exec: "kubectl": executable file not found in $PATH'


class Ran:
    """What one call left: both outputs, and istioctl's own word on a call that failed."""

    def __init__(self, out: str = "", errors: str = "", failure: str = "") -> None:
        self.out = out
        self.errors = errors
        self.failure = failure


class Kubectl:
    """The kubectl on PATH. In a dry run only reads are called."""

    def __init__(self, kubeconfig: str, context: str, dry_run: bool) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self.dry_run = dry_run
        self._forked = find_forked("kubectl")

    def apply(self, namespace: str, objects: Sequence[Json], extra: Sequence[str]) -> Ran:
        """Hand objects over as JSON; nothing is called for none."""
        if self.dry_run or not objects:
            return Ran()
        return self._call(["apply"], namespace, extra, stdin=write_manifest(objects))

    def get_all(self, selector: str) -> Ran:
        """Ask for everything of kubectl's category `all` with a label, in all namespaces."""
        return self._call(["get", "all"], "", ["-o", "yaml", "--all-namespaces", "--selector", selector])

    def delete(self, listed: str, selector: str) -> Ran:
        """Hand over what `get_all` printed."""
        return Ran() if self.dry_run else self._call(["delete"], "", ["--selector", selector], stdin=listed)

    def _call(self, words: list[str], namespace: str, extra: Sequence[str], stdin: str = "") -> Ran:
        command = ["kubectl", *words]
        for flag, value in (("--kubeconfig", self._kubeconfig), ("--context", self._context), ("-n", namespace)):
            command += [flag, value] if value else []
        command += [*extra, *(["-f", "-"] if stdin else [])]
        try:
            code, out, errors = self._forked.run(command[1:], stdin) if self._forked else _start(command, stdin)
        except FileNotFoundError:
            return Ran(failure=f"error running kubectl: {NOT_FOUND}")
        failure = f"error running kubectl: {_describe_end(code)}" if code else ""
        return Ran(out, consolidate(errors), failure)


def _start(command: Sequence[str], stdin: str) -> tuple[int, str, str]:
    import subprocess  # which takes longer to import than most calls take, and most are forked

    # Descriptors that istioctl inherited stay open in its children, as with any program written in Go.
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, close_fds=False)
    return ended.returncode, ended.stdout, ended.stderr


def write_manifest(objects: Iterable[Json]) -> str:
    """Return objects as istioctl writes them for kubectl: Go's JSON, an empty line between two."""
    texts = (json.dumps(made, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for made in objects)
    return "\n\n".join(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e") for text in texts)


def consolidate(errors: str) -> str:
    """Merge equal lines and count them, as istioctl does with what kubectl wrote on standard error."""
    lines = [line for line in errors.split("\n") if line]
    return "".join(f"{line} (repeated {lines.count(line)} times)\n" for line in dict.fromkeys(lines))


def _describe_end(code: int) -> str:
    return {-9: "signal: killed", -15: "signal: terminated"}.get(code, f"exit status {code}")
