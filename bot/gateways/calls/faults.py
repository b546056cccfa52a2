"""The one table that turns an outside call gone wrong into TryAgain or GiveUp."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from bot.gateways.calls.threads import AGAIN
from steps.contract.errors import GiveUp, StepError, TryAgain, mark_harmless
from steps.contract.wording import shorten

ASK_AGAIN = frozenset({408, 409, 410, 423, 425})
# Of all refusals this one may come of a call that has been carried out: who answers it waited for something.
TIMED_OUT = 408
# What a fork or an open is told where the system, or the account, is at a limit that others' ends make room under.
SHORT = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


# What a page for people is called, at its beginning.
TITLE = re.compile(rb"<title[^>]{0,80}>([^<]{1,200})", re.IGNORECASE)


@dataclass(frozen=True)
class OutsideCall:
    """An outside call in words: `service` is who was asked, `action` what for ("list pods in shop").

    `unauthorized` and `forbidden` are the remedies for 401 and 403; `absent` is the one for 404. `told` is the remedy
    that the answer's own words call for, whatever its status; "" where they call for none.
    """

    service: str
    action: str
    unauthorized: str = "Give the bot valid credentials, then retry."
    forbidden: str = "Grant the bot's account the right, then retry."
    absent: str = "Check the name and the address, then retry."
    told: str = ""


def is_taken(status: int) -> bool:
    """Whether an HTTP status says that what was asked for is done or given; a redirect does not."""
    return 200 <= status < 300


def judge_status(call: OutsideCall, status: int, message: str = "", retry_after: float | None = None) -> StepError:
    """The verdict on an HTTP status that is none of success; `retry_after` is in seconds."""
    if status < 400:
        return judge_diversion(call, status)
    fault = _judge(call, status, message, retry_after)
    return mark_harmless(fault) if status < 500 and status != TIMED_OUT else fault


def _judge(call: OutsideCall, status: int, message: str, retry_after: float | None) -> StepError:
    said = f": {shorten(message)}" if message.strip() else ""
    why = f'{call.service} answered {status} to "{call.action}"{said}'
    if status == 429:
        return TryAgain(f'{call.service} is throttling (429) "{call.action}"{said}', retry_after)
    if status in ASK_AGAIN or status >= 500:
        return TryAgain(why, retry_after)
    return GiveUp(why, call.told or _find_remedy(call, status))


def _find_remedy(call: OutsideCall, status: int) -> str:
    match status:
        case 401:
            return call.unauthorized
        case 403:
            return call.forbidden
        case 404:
            return call.absent
        case _:
            return "The request itself was refused: read the answer above, mend what it names, then retry."


@contextmanager
def before_sending() -> Iterator[None]:
    """What fails in here keeps a request from being sent, so that it has changed nothing."""
    try:
        yield
    except StepError as fault:
        mark_harmless(fault)
        raise


def judge_unreachable(call: OutsideCall, error: BaseException) -> TryAgain:
    """The verdict on a connection that was refused, reset or cut."""
    return TryAgain(f'{call.service} could not be reached for "{call.action}": {name_error(error)}')


def judge_silence(call: OutsideCall, seconds: float) -> TryAgain:
    """The verdict on a call that got no answer within its time limit."""
    return TryAgain(f'{call.service} gave no answer to "{call.action}" within {seconds:g} s')


def judge_untrusted(call: OutsideCall, error: BaseException) -> GiveUp:
    """The verdict on a certificate that is not trusted."""
    return GiveUp(
        f"the certificate of {call.service} is not trusted: {name_error(error)}",
        "Check the address and the CA that belongs to it (for GKE both come from the container API), then retry.",
    )


def is_page(body: bytes) -> bool:
    """Whether a body is a page for people; its beginning is enough to tell."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def judge_diversion(call: OutsideCall, status: int) -> TryAgain:
    """The verdict on a redirect, which none of the services gives; whoever did may have passed the call on."""
    return TryAgain(
        f'{call.service} answered {status} to "{call.action}", which leads elsewhere: something on the way, such as a '
        "proxy, wants a sign-in or is out of order"
    )


def judge_garbled(call: OutsideCall, body: bytes, error: BaseException | None = None) -> TryAgain:
    """The verdict on an answer of 200 that is none of the service's own; it passes where a proxy is put in order."""
    if not is_page(body):
        told = f": {name_error(error)}" if error else ""
        return TryAgain(f'{call.service} answered "{call.action}" with broken JSON{told}')
    title = TITLE.search(body)
    named = f" ({shorten(title[1].decode(errors='replace').strip())})" if title else ""
    return TryAgain(
        f'{call.service} answered "{call.action}" with a page for people{named}: something on the way, such as a '
        "proxy, wants a sign-in or is out of order"
    )


def judge_shortage(error: OSError, what: str) -> TryAgain | None:
    """The verdict where the system has no process, memory or open file to give for now; None for any other error."""
    if error.errno not in SHORT:
        return None
    return TryAgain(f"{what}: {error.strerror or error} (a limit of processes, memory or open files is reached)", AGAIN)


@contextmanager
def before_start(program: str) -> Iterator[None]:
    """What the system is short of in here keeps a program from being started, so that it has changed nothing."""
    try:
        yield
    except OSError as error:
        if short := judge_shortage(error, f"{Path(program).name} can't be started now"):
            raise mark_harmless(short) from error
        raise


def judge_disk(error: OSError, path: Path, needed: int = 0) -> StepError:
    """The verdict on a file that could not be written; `needed` is in bytes, 0 where unknown."""
    if short := judge_shortage(error, f"{path} can't be written or read now"):
        return short
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        room = f"about {needed / 1e6:.0f} MB" if needed else "some room"
        return GiveUp(f"the disk of {path} is full", f"Free {room} there, then retry.")
    return GiveUp(
        f"{path} could not be written or read: {error.strerror or error}",
        "Check that the bot's state folder exists and belongs to the bot's user, then retry.",
    )


def read_retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The Retry-After header in seconds, from a number or an HTTP date; None where absent or unreadable."""
    text = (headers.get("Retry-After") or "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def name_error(error: BaseException) -> str:
    """An exception in one short line."""
    return shorten(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
