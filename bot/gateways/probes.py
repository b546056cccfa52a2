"""What is watched between waves: addresses that must answer, metrics that must stay within limits."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.web_faults import judge_query
from bot.gateways.releases.web_files import open_client, read_whole
from steps.contract.errors import GiveUp

if TYPE_CHECKING:
    import httpx

LIMITS = (3.0, 5.0)
QUERY = "/api/v1/query"
# An instant query has a value a series.
LARGEST_ANSWER = 4_000_000


class ProbesGateway:
    """Implements steps.contract.ports.Probes; `limits` are seconds to connect and to wait for the answer."""

    def __init__(self, limits: tuple[float, float] = LIMITS) -> None:
        self._limits = limits

    def check_address(self, url: str) -> str:
        """What is wrong with an address, "" where it answers below 500; never raises."""
        import httpx

        try:
            with open_client(self._limits) as client, client.stream("GET", url) as answer:
                status = answer.status_code
        except httpx.TimeoutException:
            return f"did not answer within {self._limits[1]:g} s"
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return f"could not be reached: {faults.name_error(error)}"
        return f"answered {status}" if status >= 500 else ""

    def query_metric(self, prometheus_url: str, expression: str) -> float | None:
        """The highest value of an instant query, None where it has none.

        TryAgain while Prometheus can't be reached, GiveUp where it refuses the expression.
        """
        if not prometheus_url:
            raise GiveUp("promql_limits are set without a prometheus_url", "Set prometheus_url for the cluster.")
        call = OutsideCall(f"Prometheus at {prometheus_url}", f"query {expression}")
        answer, body = self._ask(call, prometheus_url.rstrip("/") + QUERY, {"query": expression})
        if not faults.is_taken(answer.status_code):
            text = body.decode("utf-8", "replace")
            raise faults.judge_status(call, answer.status_code, text, faults.read_retry_after(answer.headers))
        return max(_read_values(call, body), default=None)

    def _ask(self, call: OutsideCall, url: str, query: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        import httpx

        try:
            with open_client(self._limits) as client, client.stream("GET", url, params=query) as answer:
                return answer, read_whole(call, answer, LARGEST_ANSWER)
        except (httpx.InvalidURL, httpx.TransportError) as error:
            raise judge_query(call, error, self._limits[1], url) from error


def _read_values(call: OutsideCall, body: bytes) -> Iterator[float]:
    """The numbers of a vector or scalar result; those that are none (NaN) are left out."""
    try:
        found: Mapping[str, Any] = json.loads(body)["data"]
        samples = [found["result"]] if found["resultType"] == "scalar" else [one["value"] for one in found["result"]]
        numbers = [float(sample[1]) for sample in samples]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise GiveUp(
            f'{call.service} answered "{call.action}" with something else than an instant vector or a scalar',
            "Check prometheus_url and the expression, then retry.",
        ) from error
    yield from (number for number in numbers if not math.isnan(number))
