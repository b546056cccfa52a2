"""Slack's own types as a judge of what the bot sends and of what the sandbox sends to the bot."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from tests.contracts.slack.make_schemas import SCHEMA

ANYTHING = "CheckedAnything"
# Socket Mode's own frames and the request URL's challenge, which no package has a type for.
UNTYPED = frozenset({"hello", "disconnect", "url_verification"})
# In answers these repeat what the bot sent, which was judged by the exact type; theirs are made from samples.
ECHOED = frozenset({"blocks", "view"})
NUMBERS = frozenset({"limit", "length"})
EXTRA = "Additional properties are not allowed"
CALLS: Mapping[str, str] = {
    "chat.postMessage": "CheckedPostMessage",
    "chat.update": "CheckedUpdate",
    "chat.postEphemeral": "CheckedPostEphemeral",
    "views.open": "CheckedOpenView",
    "views.update": "CheckedUpdateView",
    "views.publish": "CheckedPublishView",
    "conversations.history": "CheckedHistory",
    "conversations.replies": "CheckedReplies",
    "conversations.open": "CheckedOpenConversation",
    "users.info": "CheckedUser",
    "usergroups.users.list": "CheckedGroup",
    "files.getUploadURLExternal": "CheckedUploadAddress",
    "files.completeUploadExternal": "CheckedUploadEnd",
}
# Of these Slack's types know no argument but the token.
BARE_CALLS = frozenset({"auth.test", "apps.connections.open"})
ANSWERS: Mapping[str, str] = {
    **{method: name.replace("Checked", "Answered") for method, name in CALLS.items()},
    "auth.test": "AnsweredIdentity",
    "apps.connections.open": "AnsweredConnection",
}
ACTIONS: Mapping[str, str] = {
    "button": "CheckedButton",
    "static_select": "CheckedSelect",
    "external_select": "CheckedExternalSelect",
}
EVENTS: Mapping[str, str] = {
    "app_home_opened": "CheckedHomeOpened",
    "subteam_members_changed": "CheckedMembersChanged",
    "app_uninstalled": "CheckedUninstalled",
    "tokens_revoked": "CheckedRevoked",
}
INTERACTIONS: Mapping[str, str] = {
    "view_submission": "CheckedSubmission",
    "view_closed": "CheckedClosing",
    "block_suggestion": "CheckedSuggestion",
}


def find_faults(name: str, value: Any) -> list[str]:
    """What Slack's type of this name says against a value, with where; empty where nothing."""
    return [f"{error.json_path}: {_tell(error)}" for error in _read_validator(name).iter_errors(value)]


def find_call_faults(method: str, arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with the arguments of a Web API call; a method that is not known here is a fault as well."""
    # Bolt's client adds the workspace to every call.
    left_out = ("token", "team_id")
    given = {name: _parse(value) for name, value in arguments.items() if name not in left_out and value is not None}
    if method not in CALLS:
        return [] if method in BARE_CALLS else [f"there is no schema of {method}'s arguments"]
    return [*find_faults(CALLS[method], _read_numbers(given)), *find_plan_faults(given.get("blocks") or [])]


def find_answer_faults(method: str, answer: Mapping[str, Any]) -> list[str]:
    """What is wrong with Slack's answer to a Web API call; of a refusal only the error matters."""
    if not answer.get("ok"):
        return [] if isinstance(answer.get("error"), str) else ["a refusal without an error"]
    if method not in ANSWERS:
        return [f"there is no schema of {method}'s answer"]
    return [fault for fault in find_faults(ANSWERS[method], _strip_answer(answer)) if EXTRA not in fault]


def find_plan_faults(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the cards of plans: Slack's type of a plan takes any object for one."""
    cards = [card for block in blocks if block.get("type") == "plan" for card in block.get("tasks") or []]
    return [fault for card in cards for fault in find_faults("TaskCardBlock", card)]


def find_log_faults(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with anything in the stand-in's log: calls by the bot, and what was sent to it."""
    faults = []
    for entry in entries:
        if entry["kind"] == "api" and isinstance(entry["request"], dict):
            found = find_call_faults(entry["name"], entry["request"])
            found += find_answer_faults(entry["name"], entry["response"]) if isinstance(entry["response"], dict) else []
        elif entry["kind"] == "response_url" and isinstance(entry["request"], dict):
            found = find_respond_faults(entry["request"])
        elif entry["kind"] in ("envelope", "http") and isinstance(entry["request"], dict):
            found = find_payload_faults(entry["request"].get("payload") or entry["request"])
        else:
            found = []
        faults += [f"{entry['name']} {fault}" for fault in found]
    return faults


def find_respond_faults(body: Mapping[str, Any]) -> list[str]:
    """What is wrong with a post to a response_url; a text alone, which that type leaves out, is judged as a message."""
    if "blocks" in body:
        return find_faults("CheckedRespond", body)
    own = ("response_type", "replace_original", "delete_original")
    return find_call_faults("chat.postMessage", {"channel": "C0", **{k: v for k, v in body.items() if k not in own}})


def find_payload_faults(payload: Mapping[str, Any]) -> list[str]:
    """What is wrong with a command, an interaction or an event that is sent to the bot.

    Bolt's types describe what an app may rely on; Slack sends more (a button's style) and null for what is absent.
    """
    if payload.get("type") == "event_callback":
        payload = payload["event"]
    given = {name: value for name, value in payload.items() if value is not None}
    if (payload.get("container") or {}).get("type") == "view":
        # The type wants one always; only messages have one.
        given.setdefault("response_url", "")
    return [fault for fault in find_faults(_name_payload(payload), given) if EXTRA not in fault]


def _name_payload(payload: Mapping[str, Any]) -> str:
    if "command" in payload:
        return "CheckedCommand"
    kind = str(payload.get("type"))
    if kind == "block_actions":
        return ACTIONS[payload["actions"][0]["type"]]
    if kind in UNTYPED:
        return ANYTHING
    return {**INTERACTIONS, **EVENTS}[kind]


def _strip_answer(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _strip_answer(item) for name, item in value.items() if item is not None and name not in ECHOED}
    return [_strip_answer(item) for item in value] if isinstance(value, list) else value


def _read_numbers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Forms carry numbers as text; only these arguments are numbers."""
    return {name: int(value) if name in NUMBERS and isinstance(value, str) else value for name, value in given.items()}


def _parse(value: Any) -> Any:
    """Forms carry structures as JSON text and flags as 0 and 1."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return {"True": True, "False": False}.get(value, value) if isinstance(value, str) else value


def _tell(error: jsonschema.ValidationError) -> str:
    """The most telling of an error's causes: a union's own message says nothing."""
    best: jsonschema.ValidationError = jsonschema.exceptions.best_match([error])
    return best.message[:400]


@functools.cache
def _read_validator(name: str) -> Validator:
    if name == ANYTHING:
        return jsonschema.Draft7Validator({})
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.Draft7Validator({**schema, "$ref": f"#/definitions/{name}"})
