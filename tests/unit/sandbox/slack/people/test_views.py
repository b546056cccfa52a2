from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk.errors import SlackApiError

from tests.unit.sandbox.slack.rig import Stage, actions, button, modal, section, served, text_input

Json = dict[str, Any]
Open = Callable[[Json], Json]
ANA = "U0ANA00001"


@pytest.fixture
def app(stage: Stage) -> Iterator[App]:
    """Give a Bolt app in HTTP mode."""
    made = stage.bolt()
    with served(made) as url:
        stage.window.post("mode", mode="http", url=url)
        yield made


@pytest.fixture
def show(stage: Stage, app: App) -> Open:
    """Give a function that lets the bot open a modal for ana and returns it as the state shows it."""
    asked: list[Json] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=asked[-1])

    def run(view: Json) -> Json:
        asked.append(view)
        seq = stage.window.state()["seq"]
        stage.window.command("/asm-upgrade start")
        return dict(stage.window.wait("views", lambda event: bool(event["views"]), seq)["views"][-1])

    return run


def submit(stage: Stage, view: Json, **values: Any) -> Json:
    """Submit ana's modal."""
    return stage.window.post("view-submit", user="ana", view_id=view["id"], values=values)


def open_views(stage: Stage) -> list[Json]:
    """Return ana's open modals."""
    return list(stage.window.state()["views"].get(ANA, []))


def test_a_submission_carries_the_values_and_closes_the_modal(stage: Stage, app: App, show: Open) -> None:
    """An empty ack closes the view."""
    received: list[Json] = []

    @app.view("form")
    def take(ack: Any, body: Json) -> None:
        received.append(body["view"]["state"]["values"])
        ack()

    answer = submit(stage, show(modal(text_input("why"))), typed="because")
    assert answer["ok"] is True
    assert received == [{"why": {"typed": {"type": "plain_text_input", "value": "because"}}}]
    assert open_views(stage) == []


def test_errors_stand_at_their_field(stage: Stage, app: App, show: Open) -> None:
    """response_action errors keeps the modal open with the sentence at its input."""

    @app.view("form")
    def take(ack: Any) -> None:
        ack(response_action="errors", errors={"why": "Too short."})

    submit(stage, show(modal(text_input("why"))), typed="x")
    assert open_views(stage)[0]["_errors"] == {"why": "Too short."}


def test_errors_for_a_field_that_is_not_there_are_trouble(stage: Stage, app: App, show: Open) -> None:
    """Slack shows its trouble notice when an ack names an unknown block, and the inspector says why."""

    @app.view("form")
    def take(ack: Any) -> None:
        ack(response_action="errors", errors={"when": "Too late."})

    answer = submit(stage, show(modal(text_input("why"))), typed="x")
    assert answer["error"] == "invalid_ack"
    assert open_views(stage)[0]["_notice"] == "We had some trouble connecting. Try again?"


def test_a_required_field_left_empty_never_reaches_the_bot(stage: Stage, show: Open) -> None:
    """Slack's client asks for it first."""
    answer = submit(stage, show(modal(text_input("why"))))
    assert answer["errors"] == {"why": "Please complete this required field."}


@pytest.mark.parametrize(("action", "titles"), [("update", ["Next"]), ("push", ["Title", "Next"]), ("clear", [])])
def test_an_ack_may_update_push_or_clear(stage: Stage, app: App, show: Open, action: str, titles: list[str]) -> None:
    """The three other response_actions change the stack."""
    following = modal(section("x"), title={"type": "plain_text", "text": "Next"})

    @app.view("form")
    def take(ack: Any) -> None:
        ack(response_action=action, view=None if action == "clear" else following)

    submit(stage, show(modal(section("x"))))
    assert [view["title"]["text"] for view in open_views(stage)] == titles


def test_a_click_in_a_modal_carries_what_is_typed(stage: Stage, app: App, show: Open) -> None:
    """The view's state holds the inputs as they stand."""
    received: list[Json] = []

    @app.action("check")
    def take(ack: Any, body: Json) -> None:
        received.append(body)
        ack()

    view = show(modal(text_input("why"), actions(button("check"))))
    values = {"why": {"typed": "half"}}
    stage.window.post("click", user="ana", view_id=view["id"], action_id="check", values=values)
    (body,) = received
    assert body["container"] == {"type": "view", "view_id": view["id"]}
    assert body["view"]["state"]["values"]["why"]["typed"]["value"] == "half"


def test_closing_tells_the_bot_only_when_asked(stage: Stage, app: App, show: Open) -> None:
    """notify_on_close decides."""
    closed: list[bool] = []

    @app.view_closed("form")
    def take(ack: Any, body: Json) -> None:
        closed.append(body["is_cleared"])
        ack()

    for notify in (False, True):
        view = show(modal(section("x"), notify_on_close=notify))
        stage.window.post("view-close", user="ana", view_id=view["id"])
    assert closed == [False]


def test_a_trigger_opens_one_view(stage: Stage, app: App) -> None:
    """The second use of a trigger_id is exchanged_trigger_id."""
    errors: list[str] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json, client: Any) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal(section("x")))
        with pytest.raises(SlackApiError) as refused:
            client.views_open(trigger_id=body["trigger_id"], view=modal(section("x")))
        errors.append(refused.value.response["error"])
        ack()

    stage.window.command("/asm-upgrade start")
    assert errors == ["exchanged_trigger_id"]


def test_a_trigger_ends_after_three_seconds(stage: Stage, app: App) -> None:
    """A late views.open is expired_trigger_id."""
    errors: list[str] = []

    @app.command("/asm-upgrade")
    def take(ack: Any, body: Json, client: Any) -> None:
        stage.clock.advance(3.5)
        with pytest.raises(SlackApiError) as refused:
            client.views_open(trigger_id=body["trigger_id"], view=modal(section("x")))
        errors.append(refused.value.response["error"])
        ack()

    stage.window.command("/asm-upgrade start")
    assert errors == ["expired_trigger_id"]


def test_an_old_hash_is_a_conflict(stage: Stage, show: Open) -> None:
    """views.update with the hash of an earlier version is refused."""
    view = show(modal(section("x")))
    stage.client.views_update(view_id=view["id"], view=modal(section("y")), hash=view["hash"])
    with pytest.raises(SlackApiError, match="hash_conflict"):
        stage.client.views_update(view_id=view["id"], view=modal(section("z")), hash=view["hash"])


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (modal(section("x"), title={"type": "plain_text", "text": "x" * 25}), "24 characters"),
        (modal(text_input("why"), submit=None), "needs a submit button"),
        (modal(section("x"), colour="red"), "invalid additional property: colour"),
        (modal(section("x"), private_metadata="x" * 3001), "3000"),
        ({"type": "home", "blocks": []}, "invalid view type"),
    ],
)
def test_refuses_a_bad_view(stage: Stage, view: Json, sentence: str) -> None:
    """Each fault has a sentence with a JSON pointer."""
    with pytest.raises(SlackApiError) as refused:
        stage.client.views_open(trigger_id="x", view=view)
    assert refused.value.response["error"] == "invalid_arguments"
    assert sentence in " ".join(refused.value.response["response_metadata"]["messages"])


def test_the_home_tab_is_published_when_it_is_opened(stage: Stage, app: App) -> None:
    """app_home_opened leads to views.publish, and its buttons can be clicked."""
    pressed: list[str] = []

    @app.event("app_home_opened")
    def welcome(event: Json, client: Any) -> None:
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [actions(button("begin"))]})

    @app.action("begin")
    def take(ack: Any, body: Json) -> None:
        pressed.append(body["view"]["type"])
        ack()

    stage.window.post("home", user="ana")
    stage.window.wait("home")
    stage.window.post("click", user="ana", home=True, action_id="begin")
    assert pressed == ["home"]


def test_options_are_asked_from_the_bot(stage: Stage, app: App, show: Open) -> None:
    """An external_select's options come from block_suggestion."""

    @app.options("cluster")
    def take(ack: Any, body: Json) -> None:
        ack(options=[{"text": {"type": "plain_text", "text": body["value"]}, "value": body["value"]}])

    field = text_input("where")
    field["element"] = {"type": "external_select", "action_id": "cluster"}
    view = show(modal(field))
    answer = stage.window.post("suggest", user="ana", view_id=view["id"], action_id="cluster", value="clu")
    assert [option["value"] for option in answer["ack"]["options"]] == ["clu"]
