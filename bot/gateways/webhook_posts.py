"""One POST to a webhook: bounded in time, of the answer nothing but the status is read."""

from __future__ import annotations

from collections.abc import Mapping

from bot.gateways.calls.bounded import BoundedCalls
from bot.gateways.calls.faults import name_error
from bot.gateways.releases.web_files import open_client
from steps.contract.errors import GiveUp, TryAgain

# Seconds to connect, to wait for the next bytes, and for all of it.
LIMITS = (5.0, 10.0)
WHOLE_LIMIT = 20.0
# Answers that another event would get as well.
BUSY = frozenset({408, 425, 429})


class WebhookPosts:
    """Posts to one address; one that hangs keeps nobody else waiting."""

    def __init__(self, name: str, limits: tuple[float, float] = LIMITS, whole: float = WHOLE_LIMIT) -> None:
        self._limits = limits
        self._calls = BoundedCalls(f"webhook {name}", whole)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises TryAgain where nobody answers or is too busy, GiveUp where this event is refused."""
        status = self._calls.run(lambda: self._post(url, headers, body))
        if status in BUSY or status >= 500:
            raise TryAgain(f"it answered {status}")
        if not 200 <= status < 300:
            raise GiveUp(f"it answered {status}", "Look at the address and its secret in clusters.toml.")

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        import httpx

        try:
            with (
                open_client(self._limits) as client,
                client.stream("POST", url, headers=dict(headers), content=body) as answer,
            ):
                return answer.status_code
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise TryAgain(f"it could not be reached: {name_error(error)}") from error
