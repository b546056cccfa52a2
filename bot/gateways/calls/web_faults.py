"""What comes of a request by httpx that went wrong: the release server's, Prometheus's, a webhook's."""

from __future__ import annotations

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from steps.contract.errors import GiveUp, StepError, TryAgain

# Answers to a webhook that another event would get as well.
BUSY = frozenset({408, 425, 429})


def judge_download(call: OutsideCall, error: Exception, limit: float, url: str) -> StepError:
    """The verdict on a download; `limit` is the read limit in seconds."""
    no_address = GiveUp(f"{url} is not an address to download from", "Mend it in the release file, then retry.")
    return _judge_httpx(call, error, limit, no_address)


def judge_shorter(call: OutsideCall) -> TryAgain:
    """The verdict on a range that lies beyond the file's end."""
    return TryAgain(f"{call.service} has a shorter file than before: fetching it anew")


def judge_query(call: OutsideCall, error: Exception, limit: float, url: str) -> StepError:
    """The verdict on a question to Prometheus; `limit` is the read limit in seconds."""
    no_address = GiveUp(f"{url} is not an address", "Mend prometheus_url for the cluster, then retry.")
    return _judge_httpx(call, error, limit, no_address)


def _judge_httpx(call: OutsideCall, error: Exception, limit: float, no_address: GiveUp) -> StepError:
    import httpx

    match error:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return no_address
        case httpx.TimeoutException():
            return faults.judge_silence(call, limit)
        case _ if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return faults.judge_untrusted(call, error)
        case _:
            return faults.judge_unreachable(call, error)


def judge_posting(error: Exception) -> TryAgain:
    """The verdict on a webhook that gave no answer."""
    return TryAgain(f"it could not be reached: {faults.name_error(error)}")


def judge_answer(status: int) -> StepError | None:
    """The verdict on a webhook's answer, None where it has taken the event."""
    if status in BUSY or status >= 500:
        return TryAgain(f"it answered {status}")
    if not 200 <= status < 300:
        return GiveUp(f"it answered {status}", "Look at the address and its secret in clusters.toml.")
    return None
