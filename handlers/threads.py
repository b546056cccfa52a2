"""Orders from within a thread: a mention of the bot, and the shortcut in a message's menu. Both are as the command."""

from __future__ import annotations

from functools import partial

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from slack_sdk.models.blocks import InputBlock, PlainTextInputElement, PlainTextObject
from slack_sdk.models.views import View

from bot.clicks.clicks import Click
from bot.clicks.orders import Order
from bot.slack.api.answers import Answered, call_slack
from bot.slack.drawing.cards import build_text
from bot.slack.drawing.messages import Drawing
from bot.slack.drawing.text import cut, write_code
from bot.slack.sending.posting import Postbox
from handlers.commands import Later, answer_order, needs_form, read_command
from handlers.desk import FormPlace, Reception, commit_form
from handlers.forms.modals import build_form
from handlers.grammar import Misread, name_target
from handlers.payloads import Payload, find_channel, find_part, find_text, find_user, hash_id, read_carried
from handlers.typed import drop_mention
from handlers.usage import COMMAND

SHORTCUT = "asm-about"
ORDER_FORM = "asm:order"
ORDER_BLOCK = "order"
FAULT_LIMIT = 250
NO_FORM = f"A form opens only from a command: type `{COMMAND} {{}}`, or say all of it here."


def register_threads(app: App, reception: Reception, later: Later) -> None:
    """Listen for mentions of the bot, for the shortcut and for its form. `later` makes a call on another thread."""

    def take_mention(event: Payload, body: Payload, client: WebClient) -> None:
        receive_mention(reception, event, find_text(body, "team_id"), client, later)

    def open_from_message(ack: Ack, body: Payload, client: WebClient, respond: Respond) -> None:
        later(partial(open_order_form, reception, body, client, respond))
        ack()

    def take_form(ack: Ack, body: Payload) -> None:
        receive_order_form(reception, body, ack)

    app.event("app_mention")(take_mention)
    app.message_shortcut(SHORTCUT)(open_from_message)
    app.view(ORDER_FORM)(take_form)


def receive_mention(reception: Reception, event: Payload, team: str, client: WebClient, later: Later) -> None:
    """Commit what was said to the bot, or answer it at once, in private and in the same thread."""
    user, channel, ts = (find_text(event, name) for name in ("user", "channel", "ts"))
    if not user or event.get("bot_id") or event.get("subtype"):
        return
    thread = find_text(event, "thread_ts")
    order = _read_about(reception, drop_mention(find_text(event, "text")), user, channel, thread)
    told = _find_answer(reception, order, user)
    if told or isinstance(order, Misread):
        postbox = Postbox(client, client)
        later(partial(postbox.answer, "", user, channel, Drawing(told), thread or ts))
        return
    click = Click(
        id=hash_id("mention", channel, ts),
        user=user,
        received_at=reception.clock.now(),
        order=order,
        team=find_text(event, "user_team") or find_text(event, "team") or team,
        channel=channel,
        door="mention",
        thread=thread or ts,
    )
    reception.desk.receive(click)


def open_order_form(reception: Reception, body: Payload, client: WebClient, respond: Respond) -> None:
    """Ask what is to be done with the upgrade of a message. A trigger lives three seconds."""
    channel = find_channel(body)
    thread = find_text(body, "message", "thread_ts") or find_text(body, "message", "ts")
    about = reception.fleet.find_in_thread(channel, thread)
    form = build_order_form(about[1] if about else "", channel, thread)
    answer = call_slack(lambda: client.views_open(trigger_id=find_text(body, "trigger_id"), view=form))
    if not isinstance(answer, Answered):
        text = f"Slack did not open the form, so nothing was done. Try again; `{COMMAND} status` does without it."
        respond(text=text, response_type="ephemeral", replace_original=False)


def build_order_form(upgrade: str, channel: str, thread: str) -> View:
    """The form: one line, as after the command."""
    subject = f"What about {write_code(upgrade)}?" if upgrade else "Which cluster, and what about it?"
    examples = "`status`, `pause`, `resume`, `retry`, `approve CODE`, `deny REASON`, `extend 1h REASON`, `abort REASON`"
    line = PlainTextInputElement(action_id=ORDER_BLOCK, initial_value="status", max_length=1000, focus_on_load=True)
    asked = InputBlock(block_id=ORDER_BLOCK, label=PlainTextObject(text="Order"), element=line)
    told = build_text(f"{subject} Write it as after `{COMMAND}`: {examples}.")
    return build_form(ORDER_FORM, "Mesh upgrade", "Order", {"channel": channel, "thread": thread}, [told, asked])


def receive_order_form(reception: Reception, body: Payload, ack: Ack) -> None:
    """Commit what the form orders, or say at its field what is wrong."""
    view, user = find_part(body, "view"), find_user(body)
    carried = read_carried(view, "channel", "thread")
    if carried is None:
        ack(response_action="clear")
        return
    channel, thread = carried
    text = find_text(view, "state", "values", ORDER_BLOCK, ORDER_BLOCK, "value")
    order = _read_about(reception, text, user, channel, thread)
    told = _find_answer(reception, order, user)
    if told or isinstance(order, Misread):
        ack(response_action="errors", errors={ORDER_BLOCK: cut(told.replace("`", "").replace("*", ""), FAULT_LIMIT)})
        return
    commit_form(reception, body, "shortcut", order, FormPlace(channel, "shortcut", thread=thread))
    ack()


def _read_about(reception: Reception, text: str, user: str, channel: str, thread: str) -> Order | Misread:
    """What was said, about the upgrade of its thread where no cluster was named."""
    about = reception.fleet.find_in_thread(channel, thread) if thread else None
    if about:
        known = [view.key for view in reception.fleet.list_clusters(user)]
        text = name_target(text, *about, known)
    return read_command(reception, text)


def _find_answer(reception: Reception, order: Order | Misread, user: str) -> str:
    """What is answered at once, "" where the order goes to the desk."""
    told = answer_order(reception, order, user)
    if told or isinstance(order, Misread) or not needs_form(order):
        return told
    return NO_FORM.format(f"{order.action} {order.target}".strip())
