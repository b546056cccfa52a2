"""How an upgrade in the sandbox ended, read from the thread alone."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.watching.messages import Finish, consent, kind_of, offers_retry, plain_text, read_finish

Json = dict[str, Any]


class Verdict:
    """Watches messages until one settles the upgrade: finished, or blocked with nobody to decide."""

    def __init__(self) -> None:
        self._settled = asyncio.Event()
        self.finish: Finish | None = None
        self.blocked: str = ""

    def see_message(self, message: Json) -> None:
        """Take a message into account."""
        finish = read_finish(message)
        if finish is not None:
            self.finish, self.blocked = finish, ""
            self._settled.set()
        elif kind_of(message) == "blocked":
            self._see_blocked(message)

    async def settled(self) -> None:
        """Wait for the end."""
        await self._settled.wait()

    @property
    def succeeded(self) -> bool:
        """Tell whether the mesh was upgraded and every pod is accounted for."""
        return self.finish is not None and self.finish.upgraded and self.finish.adds_up

    def sentence(self) -> str:
        """Return the line that the sandbox ends with."""
        if self.finish is not None:
            return self.finish.sentence()
        return f"did not upgrade cluster-x: {self.blocked or 'it came to no end'}"

    def _see_blocked(self, message: Json) -> None:
        open_still = offers_retry(message) and consent(message) is None
        self.blocked = plain_text(message, {}).replace("\n", " ") if open_still else ""
        if open_still and self.finish is None:
            self._settled.set()
        elif self.finish is None:
            self._settled.clear()
