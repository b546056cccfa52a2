"""One POST to a webhook: bounded in time, of the answer nothing but the status is read."""

from __future__ import annotations

from collections.abc import Mapping

from bot.gateways.calls.bounded import BoundedCalls
from bot.gateways.calls.web_faults import judge_answer, judge_posting
from bot.gateways.releases.web_files import open_client

# Seconds to connect, to wait for the next bytes, and for all of it.
LIMITS = (5.0, 10.0)
WHOLE_LIMIT = 20.0


class WebhookPosts:
    """Posts to one address; one that hangs keeps nobody else waiting."""

    def __init__(self, name: str, limits: tuple[float, float] = LIMITS, whole: float = WHOLE_LIMIT) -> None:
        self._limits = limits
        self._calls = BoundedCalls(f"webhook {name}", whole)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises TryAgain where nobody answers or is too busy, GiveUp where this event is refused."""
        status = self._calls.run(lambda: self._post(url, headers, body))
        verdict = judge_answer(status)
        if verdict is not None:
            raise verdict

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        import httpx

        try:
            with (
                open_client(self._limits) as client,
                client.stream("POST", url, headers=dict(headers), content=body) as answer,
            ):
                return answer.status_code
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise judge_posting(error) from error
