"""/asm-upgrade: read the words, commit them as a click, acknowledge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.records import Click
from handlers.desk import Reception
from handlers.grammar import COMMAND, Misread, Order, read_order, write_help
from handlers.payloads import hash_id
from handlers.starting import open_for_command


def register_commands(app: App, reception: Reception) -> None:
    """Listen for the slash command."""

    def take_command(ack: Ack, command: Mapping[str, Any]) -> None:
        ack(receive_command(reception, command))

    def open_form(command: Mapping[str, Any], client: WebClient) -> None:
        open_for_command(reception, command, client)

    app.command(COMMAND)(ack=take_command, lazy=[open_form])


def receive_command(reception: Reception, command: Mapping[str, Any]) -> str:
    """Commit a command; the text to show at once, "" where the answer follows."""
    order = read_order(str(command.get("text") or ""))
    if isinstance(order, Misread):
        return order.answer
    if order.action == "help":
        return write_help()
    if order.action == "start" and not order.target:
        return ""
    reception.desk.receive(build_click(order, command, reception))
    return ""


def build_click(order: Order, command: Mapping[str, Any], reception: Reception) -> Click:
    """The click that a command stands for; its trigger makes a second delivery harmless."""
    return Click(
        id=hash_id("command", str(command.get("trigger_id") or "")),
        action=order.action,
        user=str(command.get("user_id") or ""),
        received_at=reception.clock.now(),
        target=order.target,
        choice=order.choice,
        reason=order.reason,
        team=str(command.get("team_id") or ""),
        channel=str(command.get("channel_id") or ""),
        answer_to=str(command.get("response_url") or ""),
        arguments=order.arguments,
    )
