"""Google's REST APIs that need no client library of their own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import QUOTA_HEADER, GoogleCredentials
from bot.gateways.google.reasons import GoogleRefusal, read_google_refusal
from bot.gateways.google.verdicts import judge_refusal, judge_requests

if TYPE_CHECKING:
    import requests

T = TypeVar("T")


class GoogleRest:
    """GET with the bot's credentials; `limits` are the seconds to connect and to wait for an answer."""

    def __init__(
        self,
        credentials: GoogleCredentials,
        limits: tuple[float, float] = (5.0, 15.0),
        retries: ReadRetries | None = None,
    ) -> None:
        self._credentials = credentials
        self._limits = limits
        self._retries = retries or ReadRetries()
        self._lock = threading.Lock()

    def get(self, call: OutsideCall, url: str, query: Mapping[str, str] | None = None) -> dict[str, object]:
        """The answer's JSON object; a 401 renews the token once."""
        return self._retries.run(lambda: self._get_renewed(call, url, query or {}))

    def get_as(self, call: OutsideCall, url: str, form: type[T], query: Mapping[str, str]) -> T:
        """The same in the form that it should have."""
        try:
            return msgspec.convert(self.get(call, url, query), form)
        except msgspec.ValidationError as error:
            raise faults.judge_garbled(call, b"", error) from error

    def _get_renewed(self, call: OutsideCall, url: str, query: Mapping[str, str]) -> dict[str, object]:
        token = self._credentials.read_token()
        response = self._send(call, url, query, token)
        if response.status_code == 401:
            response = self._send(call, url, query, self._credentials.replace_token(token))
        if not faults.is_taken(response.status_code):
            wait = faults.read_retry_after(response.headers)
            raise judge_refusal(call, read_answer(response), wait)
        try:
            found = response.json()
        except ValueError as error:
            raise faults.judge_garbled(call, response.content, error) from error
        return found if isinstance(found, dict) else {}

    def _send(self, call: OutsideCall, url: str, query: Mapping[str, str], token: str) -> requests.Response:
        import requests

        from bot.gateways.google.bounded_answers import bound_answers

        project = self._credentials.find_quota_project()
        headers = {"Authorization": f"Bearer {token}"} | ({QUOTA_HEADER: project} if project else {})
        try:
            # Calls are few and from several threads, and requests' Session is not made for threads: one for each.
            with requests.Session() as session:
                bound_answers(session)
                return session.get(
                    url, params=dict(query), headers=headers, timeout=self._limits, allow_redirects=False
                )
        except requests.RequestException as error:
            raise judge_requests(call, error, self._limits[1]) from error


def read_answer(response: requests.Response) -> GoogleRefusal:
    """An answer of 400 or more, as far as it can be read."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    return read_google_refusal(response.status_code, response.text, answer)
