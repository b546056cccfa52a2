"""One GET of a file over HTTP: time limits, redirects and errors judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.trust import trust_for_downloads
from bot.gateways.calls.web_faults import judge_download
from steps.contract.errors import GiveUp

if TYPE_CHECKING:
    import httpx

MOST_REDIRECTS = 3


def open_client(limits: tuple[float, float]) -> httpx.Client:
    """A client with seconds to connect and to wait for the next bytes; redirects are followed by `open_file` alone."""
    import httpx

    connect, read = limits
    timeout = httpx.Timeout(read, connect=connect)
    return httpx.Client(timeout=timeout, follow_redirects=False, verify=trust_for_downloads())


@contextmanager
def open_file(
    client: httpx.Client, call: OutsideCall, url: str, headers: Mapping[str, str] | None = None
) -> Iterator[httpx.Response]:
    """The answer with its body still to be read, 2xx or 416. Errors while it is read are judged as well.

    A redirect stays on the host that the release file names: a signature protects from other bytes, not from telling
    another host what is being installed where.
    """
    import httpx

    asked = {"Accept-Encoding": "identity", **(headers or {})}
    try:
        for _ in range(MOST_REDIRECTS + 1):
            with client.stream("GET", url, headers=asked) as response:
                if not response.has_redirect_location:
                    _refuse(call, response)
                    yield response
                    return
                url = _follow(call, response)
    except (httpx.InvalidURL, httpx.TransportError) as error:
        raise judge_download(call, error, client.timeout.read or 0, url) from error
    raise GiveUp(f'{call.service} redirects "{call.action}" in a circle', "Check the address in the release file.")


def read_whole(call: OutsideCall, response: httpx.Response, largest: int) -> bytes:
    """An answer's body up to a size. Raises GiveUp beyond it."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > largest:
            raise GiveUp(
                f'{call.service} answered "{call.action}" with more than {largest // 1000} kB',
                "Check its address, then retry.",
            )
    return bytes(body)


def _refuse(call: OutsideCall, response: httpx.Response) -> None:
    if faults.is_taken(response.status_code) or response.status_code == 416:
        return
    raise faults.judge_status(call, response.status_code, "", faults.read_retry_after(response.headers))


def _follow(call: OutsideCall, response: httpx.Response) -> str:
    target = response.next_request.url if response.next_request else response.url.join(response.headers["Location"])
    if target.host != response.url.host or target.port != response.url.port:
        raise GiveUp(
            f'{call.service} redirects "{call.action}" to another host, {target.host}',
            "Set the release file's base_url to the host that really has the files, then retry.",
        )
    if target.scheme != response.url.scheme and target.scheme != "https":
        raise GiveUp(
            f'{call.service} redirects "{call.action}" from https to {target.scheme}',
            "Set the release file's base_url to an address that stays with https, then retry.",
        )
    return str(target)
