"""Lists in pages: limit, continue tokens over one consistent snapshot, and tokens that expire."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from dataclasses import dataclass

from sandbox.cluster.objects.errors import ApiError, bad_request, expired
from sandbox.cluster.objects.objects import Json, name_of, namespace_of

_KEPT_SNAPSHOTS = 64


@dataclass(frozen=True)
class Page:
    """Part of a list. `remaining` is how many follow, None on the last page."""

    items: list[Json]
    revision: int
    token: str
    remaining: int | None


class Pager:
    """Cuts lists into pages. Snapshots only hold references, so they cost little."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[tuple[int, str], list[Json]] = OrderedDict()

    def first(self, scope: str, items: list[Json], limit: int, revision: int) -> Page:
        """Return the first page of a list; limit 0 means all."""
        if not limit or len(items) <= limit:
            return Page(items, revision, "", None)
        self._snapshots[revision, scope] = items
        while len(self._snapshots) > _KEPT_SNAPSHOTS:
            self._snapshots.popitem(last=False)
        return self._cut(items, 0, limit, revision, scope)

    def next(self, scope: str, token: str, limit: int, current: list[Json], revision: int, compacted: int) -> Page:
        """Return the page after a token. `current` is the list as it is now. Raises ApiError 400 or 410."""
        wanted, start = _read_token(token)
        if wanted < 0:
            # A token handed out with a 410: consistent with nothing, so it goes on from the present.
            items = current
        elif wanted < compacted or (wanted, scope) not in self._snapshots:
            raise _expired_token(start, revision)
        else:
            items, revision = self._snapshots[wanted, scope], wanted
        first = next((index for index, obj in enumerate(items) if _sort_key(obj) > start), len(items))
        if wanted < 0 and limit:
            return self.first(scope, items[first:], limit, revision)
        return self._cut(items, first, limit, revision, scope)

    def _cut(self, items: list[Json], first: int, limit: int, revision: int, scope: str) -> Page:
        last = first + limit if limit else len(items)
        page, left = items[first:last], len(items) - last
        if left <= 0:
            return Page(page, revision, "", None)
        return Page(page, revision, _write_token(revision, _sort_key(page[-1])), left)


def _sort_key(obj: Json) -> tuple[str, str]:
    return namespace_of(obj), name_of(obj)


def _write_token(revision: int, start: tuple[str, str]) -> str:
    written = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": list(start)})
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def check_token(token: str) -> None:
    """Raise ApiError 400 where it is no token of this server's."""
    _read_token(token)


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        read = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(read["rv"]), (read["start"][0], read["start"][1])
    except (ValueError, KeyError, IndexError, TypeError):
        raise bad_request(f"invalid continue token: continue key is not valid: {_explain(token)}") from None


def _explain(token: str) -> str:
    """What Go says of a token: of the first byte that is no JSON, or of what is missing in it."""
    try:
        found = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return "illegal base64 data at input byte 0"
    first = found[:1].decode("latin-1")
    shown = first if first.isprintable() and first.isascii() else f"\\u{ord(first or chr(0)):04x}"
    if first == "{":
        return 'server does not recognize this encoded version ""'
    return f"invalid character '{shown}' looking for beginning of value"


def _expired_token(start: tuple[str, str], revision: int) -> ApiError:
    error = expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list."
    )
    error.continue_token = _write_token(-1, start)
    return error
