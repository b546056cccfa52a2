from __future__ import annotations

import threading

import pytest
import requests
from aiohttp import web

from sandbox.web.sites import serve_in_thread


async def greet(request: web.Request) -> web.Response:
    """Answer hello."""
    return web.Response(text="hello")


def make_app() -> web.Application:
    """Make an application that answers at /."""
    app = web.Application()
    app.router.add_get("/", greet)
    return app


def test_answers_from_a_thread_until_it_is_stopped() -> None:
    """The address works, and is free after the stop."""
    site = serve_in_thread(make_app())
    text = requests.get(site.url, timeout=30).text
    site.stop()
    again = serve_in_thread(make_app(), port=site.port)
    again.stop()
    assert text == "hello"


def test_who_asks_a_site_is_answered_in_its_thread() -> None:
    """And gets what is raised there."""
    site = serve_in_thread(make_app())
    assert site.ask(lambda: threading.current_thread().name) == "sandbox-site"
    with pytest.raises(ZeroDivisionError):
        site.ask(lambda: 1 // 0)
    site.stop()


def test_a_taken_port_is_an_error() -> None:
    """Whoever asks for a port that is taken learns it at once."""
    site = serve_in_thread(make_app())
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        serve_in_thread(make_app(), port=site.port)
    site.stop()


def test_stops_twice() -> None:
    """A second stop does nothing."""
    site = serve_in_thread(make_app())
    site.stop()
    site.stop()
