"""Files that people share with the bot in a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from urllib.parse import urlsplit

from slack_sdk import WebClient

from bot.pools import hand_over_each
from bot.slack.api.answers import Fields
from steps.contract.errors import TryAgain

LARGEST = 256 * 1024
# Slack wants the form's acknowledgement within 3 s, however many files there are.
SECONDS = 1.5
TOGETHER_SECONDS = 2.0
PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/.*")


class FileRefused(Exception):
    """The file can't be taken; the text is the end of a sentence that begins with its name."""


def is_slack_address(url: str, base_url: str) -> bool:
    """Whether an address belongs to Slack, or to what stands in for it at `base_url`.

    `url_private` of an external file points elsewhere, and whoever is sent the token has it (slack-go
    GHSA-3q3v-34v2-g88f). The address must be plain: urllib3 ends a host at a backslash, which urlsplit takes for a
    part of it, so `https://evil.example\\.slack.com` is two different hosts.
    """
    if not PLAIN_ADDRESS.fullmatch(url):
        return False
    given, own = urlsplit(url), urlsplit(base_url)
    if (given.scheme, given.netloc) == (own.scheme, own.netloc):
        return True
    host = given.netloc.removesuffix(":443").lower()
    return given.scheme == "https" and host.endswith(".slack.com")


def read_shared_texts(client: WebClient, token: str, files: Sequence[Fields]) -> list[str | FileRefused]:
    """The texts of file objects of a form, read at the same time; why not in place of those that can't be taken."""
    if not files:
        return []
    pool = ThreadPoolExecutor(len(files), thread_name_prefix="file")
    asked = hand_over_each(pool, lambda at: read_shared_text(client, token, files[at]), range(len(files)), "a file")
    # A file that trickles in is within each read's limit and must not cost the form its acknowledgement.
    wait(asked.values(), timeout=TOGETHER_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return [_take(one) for one in asked.values()]


def _take(asked: Future[str]) -> str | FileRefused:
    if not asked.done():
        return FileRefused("could not be read in time; try again, or paste its text")
    fault = asked.exception()
    if fault is None:
        return asked.result()
    if isinstance(fault, FileRefused):
        return fault
    if isinstance(fault, TryAgain):
        return FileRefused("could not be read now; try again, or paste its text")
    raise fault


def read_shared_text(client: WebClient, token: str, file: Fields) -> str:
    """The text of a file object of a form. Raises FileRefused. The token goes to Slack's own hosts only."""
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if not is_slack_address(url, client.base_url):
        raise FileRefused("is not stored in Slack; paste its text instead")
    if int(file.get("size") or 0) > LARGEST:
        raise FileRefused(f"is larger than {LARGEST // 1024} KiB")
    content, kind = _download(url, token)
    if "text/html" in kind:
        raise FileRefused("could not be read: the app lacks the scope files:read; paste its text instead")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileRefused("is not UTF-8 text") from error


def _download(url: str, token: str) -> tuple[bytes, str]:
    import requests

    headers = {"Authorization": f"Bearer {token}"}
    try:
        # A redirect would carry the request to another host.
        with requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True) as response:
            if response.status_code != 200:
                raise FileRefused(f"could not be read (HTTP {response.status_code}); paste its text instead")
            content = response.raw.read(LARGEST + 1, decode_content=True)
            kind = response.headers.get("Content-Type", "")
    except (requests.RequestException, OSError) as error:
        raise FileRefused("could not be read in time; try again, or paste its text") from error
    if len(content) > LARGEST:
        raise FileRefused(f"is larger than {LARGEST // 1024} KiB")
    return content, kind
