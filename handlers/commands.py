"""/asm-upgrade: read the words, commit them as a click, acknowledge."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.clicks.clicks import Click
from bot.clicks.orders import Order, ReadHelp, Schedule, Start
from bot.windows.appointments import Written
from handlers.desk import Reception
from handlers.forms.scheduling import open_schedule_form
from handlers.forms.starting import open_start_form
from handlers.grammar import Misread, read_order
from handlers.guidance import write_help
from handlers.payloads import Payload, find_text, hash_id
from handlers.usage import COMMAND

Later = Callable[[Callable[[], object]], object]


def register_commands(app: App, reception: Reception, later: Later) -> None:
    """Listen for the slash command. `later` makes a call on another thread, or raises.

    A lazy listener would do that too, at the price of a second run for every command: under 200 commands at once it
    doubled the time to the acknowledgement.
    """

    def take_command(ack: Ack, command: Payload, client: WebClient) -> None:
        order = read_command(reception, find_text(command, "text"))
        answer = receive_order(reception, order, command)
        if not isinstance(order, Misread) and needs_form(order) and not answer:
            # Before the acknowledgement: where no thread can be had for it, the person is told in its place.
            later(choose_form(reception, order, command, client))
        ack(answer)

    app.command(COMMAND)(take_command)


def choose_form(reception: Reception, order: Order, command: Payload, client: WebClient) -> Callable[[], object]:
    """What opens the form that the command lacks."""
    user, channel = find_text(command, "user_id"), find_text(command, "channel_id")
    if isinstance(order, Schedule):
        return partial(open_schedule_form, reception, client, command, order.target, channel)
    return partial(open_start_form, reception, client, command, user, "", channel)


def read_command(reception: Reception, text: str) -> Order | Misread:
    """What was typed, with the cluster of a channel that was named in its place."""
    order = read_order(text)
    return order if isinstance(order, Misread) else replace(order, target=reception.fleet.read_name(order.target))


def needs_form(order: Order) -> bool:
    """Whether the command is `start` alone, or `schedule` without a time."""
    if isinstance(order, Schedule):
        return order.when == Written()
    return isinstance(order, Start) and not order.target


def receive_order(reception: Reception, order: Order | Misread, command: Payload) -> str:
    """Commit a command; the text to show at once, "" where an answer or a form follows."""
    told = answer_order(reception, order, find_text(command, "user_id"))
    if not told and not isinstance(order, Misread) and not needs_form(order):
        reception.desk.receive(build_click(order, command, reception))
    return told


def answer_order(reception: Reception, order: Order | Misread, user: str) -> str:
    """What needs no decision and is answered at once, "" for everything else."""
    if isinstance(order, Misread):
        return order.answer
    if isinstance(order, ReadHelp):
        return write_help(order.target, reception.fleet.list_clusters(user))
    if isinstance(order, Schedule) and needs_form(order):
        return reception.fleet.refuse_schedule(order.target, user)
    return ""


def build_click(order: Order, command: Payload, reception: Reception) -> Click:
    """The click that a command stands for; its trigger makes a second delivery harmless."""
    return Click(
        id=hash_id("command", find_text(command, "trigger_id")),
        user=find_text(command, "user_id"),
        received_at=reception.clock.now(),
        order=order,
        team=find_text(command, "team_id"),
        channel=find_text(command, "channel_id"),
        answer_to=find_text(command, "response_url"),
        door="command",
    )
