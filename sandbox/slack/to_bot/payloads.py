"""Payloads as Slack sends them to an app. Shapes from Bolt's and @slack/bolt's types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sandbox.slack.values.elements import ValueFault, pick_option, write_value
from sandbox.slack.values.shapes import Json, copy_json
from sandbox.slack.workspace.cast import Cast, Person
from sandbox.slack.workspace.messages import Room
from sandbox.slack.workspace.surfaces import public_view

Kind = Literal["slash_commands", "interactive", "events_api"]
VERIFICATION_TOKEN = "sandbox-verification-token"


@dataclass(frozen=True)
class Payload:
    """One payload on its way to the bot; `accepts_response` as Socket Mode's envelopes say it."""

    kind: Kind
    body: Json
    accepts_response: bool = True
    retry_attempt: int = 0
    retry_reason: str = ""

    @property
    def name(self) -> str:
        """Return what the inspector calls it."""
        if self.kind == "slash_commands":
            return f"{self.body.get('command')} {self.body.get('text', '')}".strip()
        if self.kind == "events_api":
            return str(self.body.get("event", {}).get("type", self.body.get("type")))
        actions = ", ".join(str(action.get("action_id")) for action in self.body.get("actions", []))
        callback = (self.body.get("view") or {}).get("callback_id", "")
        return f"{self.body.get('type')} {actions or callback}".strip()


def build_command(cast: Cast, person: Person, room: Room, command: str, text: str, keys: Json) -> Payload:
    """Build a slash command; `keys` holds response_url and trigger_id."""
    body = {
        "token": VERIFICATION_TOKEN,
        "team_id": person.team,
        "team_domain": cast.team_domain,
        "channel_id": room.id,
        "channel_name": "directmessage" if room.user else room.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": cast.app.id,
        "is_enterprise_install": "false",
        **keys,
    }
    return Payload("slash_commands", body)


def build_message_action(
    cast: Cast, person: Person, room: Room, message: Json, action: Json, state: Json, keys: Json
) -> Payload:
    """Build the payload of a click in a message; an ephemeral's own content is left out, as Slack does."""
    hidden = bool(message.get("is_ephemeral"))
    container: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": room.id,
        "is_ephemeral": hidden,
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    body = {
        **_interaction("block_actions", cast, person),
        "container": container,
        "channel": {"id": room.id, "name": "directmessage" if room.user else room.name},
        "state": {"values": state},
        "actions": [action],
        **keys,
    }
    if not hidden:
        body["message"] = copy_json(message)
    return Payload("interactive", body)


def build_view_action(cast: Cast, person: Person, view: Json, action: Json, state: Json, keys: Json) -> Payload:
    """Build the payload of a click in a modal or Home tab."""
    body = {
        **_interaction("block_actions", cast, person),
        "container": {"type": "view", "view_id": view["id"]},
        "view": with_state(view, state),
        "actions": [action],
        **keys,
    }
    return Payload("interactive", body)


def build_submission(cast: Cast, person: Person, view: Json, state: Json, trigger: str) -> Payload:
    """Build a view_submission."""
    body = {
        **_interaction("view_submission", cast, person),
        "trigger_id": trigger,
        "view": with_state(view, state),
        "response_urls": [],
    }
    return Payload("interactive", body)


def build_closing(cast: Cast, person: Person, view: Json, *, cleared: bool) -> Payload:
    """Build a view_closed."""
    body = {**_interaction("view_closed", cast, person), "view": public_view(view), "is_cleared": cleared}
    return Payload("interactive", body)


def build_suggestion(cast: Cast, person: Person, place: Json, element: Json, block_id: str, typed: str) -> Payload:
    """Build the block_suggestion of an external_select; `place` holds view or message and channel."""
    body = {
        **_interaction("block_suggestion", cast, person),
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": typed,
        **place,
    }
    return Payload("interactive", body)


def build_home_opened(cast: Cast, person: Person, channel: str, view: Json | None, stamp: str, event: str) -> Payload:
    """Build the event app_home_opened; `event` is its unique event_id."""
    inner: Json = {
        "type": "app_home_opened",
        "user": person.id,
        "channel": channel,
        "tab": "home",
        "event_ts": stamp,
    }
    if view:
        inner["view"] = public_view(view)
    return build_event(cast, inner, event, stamp)


def build_mention(cast: Cast, message: Json, channel: str, person: Person, event: str) -> Payload:
    """Build the event app_mention of a message that names the bot."""
    inner: Json = {
        "type": "app_mention",
        "user": person.id,
        "team": person.team,
        "text": message["text"],
        "ts": message["ts"],
        "channel": channel,
        "event_ts": message["ts"],
    }
    if message.get("thread_ts"):
        inner["thread_ts"] = message["thread_ts"]
    return build_event(cast, inner, event, message["ts"])


def build_shortcut(cast: Cast, person: Person, room: Room, message: Json, callback: str, keys: Json) -> Payload:
    """Build the payload of a shortcut in a message's menu; `keys` holds response_url and trigger_id."""
    body = {
        **_interaction("message_action", cast, person),
        "callback_id": callback,
        "action_ts": message["ts"],
        "message_ts": message["ts"],
        "channel": {"id": room.id, "name": "directmessage" if room.user else room.name},
        "message": copy_json(message),
        **keys,
    }
    return Payload("interactive", body)


def build_event(cast: Cast, inner: Json, event: str, stamp: str) -> Payload:
    """Wrap an event as the Events API does."""
    authorization = {
        "enterprise_id": None,
        "team_id": cast.team,
        "user_id": cast.app.bot_user,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    body = {
        "token": VERIFICATION_TOKEN,
        "team_id": cast.team,
        "api_app_id": cast.app.id,
        "event": inner,
        "type": "event_callback",
        "event_id": event,
        "event_time": int(float(stamp)),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
    }
    return Payload("events_api", body, accepts_response=False)


def build_action(block: Json, element: Json, value: Any, stamp: str) -> Json:
    """Build the entry of `actions` for an element that was used. Raises ValueFault."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": stamp,
    }
    match element["type"]:
        case "button":
            action["text"] = element.get("text")
            for name in ("value", "style"):
                if element.get(name) is not None:
                    action[name] = element[name]
        case "overflow":
            action["selected_option"] = pick_option(element, value)
        case "image":
            raise ValueFault("an image cannot be clicked")
        case _:
            action.update(write_value(element, value))
            if element.get("placeholder"):
                action["placeholder"] = element["placeholder"]
    return action


def with_state(view: Json, state: Json) -> Json:
    """Return a view as Slack sends it, with these values in its state."""
    return {**public_view(view), "state": {"values": state}}


def _interaction(kind: str, cast: Cast, person: Person) -> Json:
    return {
        "type": kind,
        "team": {"id": cast.team, "domain": cast.team_domain},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
        "api_app_id": cast.app.id,
        "token": VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }
