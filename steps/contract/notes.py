"""Notes: values of one upgrade that survive between steps, each with its key and the type it is read as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
T = TypeVar("T")


class Memory(Protocol):
    """The notes of one upgrade as they are stored: JSON by key."""

    def remember(self, key: str, value: Json) -> Json:
        """Commit the value under the key before the call that uses it; answers the first value ever stored."""
        ...

    def recall(self, key: str) -> Json:
        """The value stored under the key, or None."""
        ...

    def revise(self, key: str, value: Json) -> None:
        """Replace the value; for findings that are measured anew, never for a stamp that a call has used.

        Commits together with the turn's outcome, so that a crash between the two leaves neither.
        """
        ...


def encode_note(value: object) -> Json:
    """A value of frozen types as JSON."""
    return msgspec.to_builtins(value, enc_hook=_write_path)  # type: ignore[no-any-return]


def read_as(form: type[T]) -> Callable[[Json], T]:
    """Reads JSON as this type; fields that it doesn't know are passed over."""
    return lambda kept: msgspec.convert(kept, form, dec_hook=_read_path)


@dataclass(frozen=True)
class Note(Generic[T]):
    """A value that is kept under a key; `read` also understands what earlier versions stored."""

    key: str
    read: Callable[[Json], T]
    write: Callable[[T], Json] = encode_note

    def of(self, *parts: str | int) -> Note[T]:
        """The note about one of many: its key goes on with the parts."""
        return Note("/".join([self.key, *map(str, parts)]), self.read, self.write)


def _write_path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"a note can't hold a {type(value).__name__}")


def _read_path(form: type[object], value: object) -> object:
    if issubclass(form, Path):
        return Path(str(value))
    raise NotImplementedError(f"a note can't hold a {form.__name__}")
