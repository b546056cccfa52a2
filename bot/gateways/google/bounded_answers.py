"""Answers of Google's APIs are read up to a size, before anything is made of them; imported where a client is built."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bot.gateways.calls.faults import is_page

# The largest answers are lists of operations and clusters, of a few MB where a project has hundreds.
LARGEST_ANSWER = 32 * 2**20
CHUNK = 2**16


class AnswerTooLarge(requests.RequestException):
    """An answer is larger than anything that Google sends of itself."""


class NotGoogles(requests.RequestException):
    """An answer that stands for success and is no JSON object, as every one of Google's is: `body` is what came."""

    def __init__(self, body: bytes, request: requests.PreparedRequest) -> None:
        super().__init__("the answer is no JSON object", request=request)
        self.body = body


class BoundedAnswers(HTTPAdapter):
    """How a session of requests gets its answers: whole, or not at all."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """The answer with its body read."""
        response = super().send(request, *arguments, **{**named, "stream": True})
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                response.close()
                raise AnswerTooLarge(f"the answer has more than {LARGEST_ANSWER // 2**20} MB", request=request)
        if 300 <= response.status_code < 400:
            # Google's APIs send nobody on; a gateway does, to its page
            raise NotGoogles(bytes(body) if is_page(bytes(body)) else b"<", request)
        if response.status_code < 300 and not body.lstrip().startswith(b"{"):
            raise NotGoogles(bytes(body), request)
        # requests has no other way to say that a body was read
        response._content = bytes(body)
        return response


def bound_answers(session: requests.Session) -> None:
    """Bound all that a session reads."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAnswers())
