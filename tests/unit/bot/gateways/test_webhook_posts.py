"""A webhook's answer is judged, and none keeps the bot waiting."""

from __future__ import annotations

import pytest

from bot.gateways.webhook_posts import WebhookPosts
from steps.contract.errors import GiveUp, StepError, TryAgain
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply, Reset, Silence, in_order

AMPLE = (10.0, 10.0)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_event_that_is_taken_is_taken(serve: Serve, status: int) -> None:
    """As it was written, with its headers."""
    server = serve(in_order(Reply(status)))
    WebhookPosts("pager", AMPLE).post(server.url, {"webhook-id": "i"}, b"{}")
    (request,) = server.requests
    assert (request.method, request.body, request.headers["Webhook-Id"]) == ("POST", b"{}", "i")


@pytest.mark.parametrize(
    ("status", "fault"),
    [(500, TryAgain), (503, TryAgain), (429, TryAgain), (302, GiveUp), (400, GiveUp), (401, GiveUp)],
)
def test_a_refusal_is_judged_by_whether_others_would_get_it(serve: Serve, status: int, fault: type[StepError]) -> None:
    """A redirect is none of what was asked for, and not followed: it could lead from https to http."""
    server = serve(in_order(Reply(status, headers={"Location": "http://127.0.0.1:1/"})))
    with pytest.raises(fault, match=f"it answered {status}"):
        WebhookPosts("pager", AMPLE).post(server.url, {}, b"{}")


def test_one_that_hangs_up_is_tried_again(serve: Serve) -> None:
    """Whether it took the event is unknown."""
    with pytest.raises(TryAgain, match="could not be reached"):
        WebhookPosts("pager", AMPLE).post(serve(in_order(Reset())).url, {}, b"{}")


def test_one_that_never_answers_is_tried_again(serve: Serve) -> None:
    """After its time limit; meanwhile no second call is begun."""
    posts = WebhookPosts("pager", (2.0, 30.0), whole=0.2)
    url = serve(in_order(Silence())).url
    with pytest.raises(TryAgain, match=r"did not end within 0\.2 s"):
        posts.post(url, {}, b"{}")
    with pytest.raises(TryAgain, match="still hangs"):
        posts.post(url, {}, b"{}")
