"""A backup as one file that `kubectl apply -f` takes: a table of its parts with their hashes, then the parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from steps.phases.control_plane.backup import LEFT_OUT

# The table as it lies beside the parts; `sha256sum -c` reads it.
SUMS = "SHA256SUMS"
INSTALL = "install.json"
DOCUMENT = "---\n"


def hash_text(text: str) -> str:
    """The SHA-256 of a part."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_sums(parts: Mapping[str, str]) -> str:
    """The table of all parts."""
    return "".join(f"{hash_text(text)}  {name}\n" for name, text in sorted(parts.items()))


def read_sums(text: str) -> dict[str, str]:
    """The hash of each part by its name."""
    lines = (line.partition("  ") for line in text.splitlines())
    return {name: found for found, _, name in lines if name}


def list_changed_parts(sums: Mapping[str, str], parts: Mapping[str, str]) -> tuple[str, ...]:
    """What is not as the table has it: parts that are gone or were changed, a sentence each."""
    gone = (f"{name} is gone" for name in sums if name not in parts)
    changed = (f"{name} was changed" for name, text in parts.items() if sums.get(name, "") not in ("", hash_text(text)))
    return (*gone, *changed)


def write_archive(upgrade: str, parts: Mapping[str, str]) -> str:
    """All parts in one file. Of a Secret only the keys were kept: applied it would be emptied, so it is a comment."""
    return "".join((*_write_head(upgrade, parts), *(_write_part(*part) for part in _sort(parts))))


def _write_head(upgrade: str, parts: Mapping[str, str]) -> Iterator[str]:
    yield f"# The backup of {upgrade}: the control plane as it was before its first write.\n"
    yield "# kubectl apply -f THIS_FILE brings it back where the namespace and the definitions (CRDs) are there.\n"
    left = [name for name, text in _sort(parts) if is_note(name, text)]
    yield f"# Left out, for Secrets are kept without what they hold: {', '.join(left)}.\n" if left else ""
    yield "# SHA-256 of each part, as it lies in the bot's folder of backups:\n"
    yield from (f"# {line}\n" for line in write_sums(parts).splitlines())


def _write_part(name: str, text: str) -> str:
    shown = "".join(f"# {line}\n" for line in text.splitlines()) if name == INSTALL or is_note(name, text) else text
    return f"{DOCUMENT}# {name}\n{shown}"


def is_note(name: str, text: str) -> bool:
    """Whether a part is for people alone: it holds a Secret, of which only the keys were kept."""
    return name != INSTALL and f"{LEFT_OUT}:" in text


def _sort(parts: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The notes about the install first, for whoever opens the file."""
    return sorted(parts.items(), key=lambda part: (part[0] != INSTALL, part[0]))
