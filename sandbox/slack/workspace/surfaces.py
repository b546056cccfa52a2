"""Surfaces of one person: the stack of open modals (three at most) and the app's Home tab."""

from __future__ import annotations

import json
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.views import View

from sandbox.slack.values.block_rules import check_blocks
from sandbox.slack.values.elements import name_blocks, read_state
from sandbox.slack.values.shapes import Json, Refusal, copy_json, refuse_arguments
from sandbox.slack.values.stamps import Ids, Stamps, make_secret
from sandbox.slack.workspace.cast import Cast
from sandbox.slack.workspace.feed import Feed

MOST_STACKED = 3
MOST_VIEW_CHARACTERS = 250_000


class Surfaces:
    """Everybody's modals and Home tabs; each change goes to the feed."""

    def __init__(self, cast: Cast, stamps: Stamps, ids: Ids, feed: Feed) -> None:
        self._cast = cast
        self._stamps = stamps
        self._ids = ids
        self._feed = feed
        self.stacks: dict[str, list[Json]] = {}
        self.homes: dict[str, Json] = {}

    def open(self, user: str, asked: Any) -> Json:
        """Show a modal as the first of a new stack. Raises Refusal."""
        view = self._build(user, asked, "modal")
        view["root_view_id"] = view["id"]
        self.stacks[user] = [view]
        self._announce(user)
        return view

    def push(self, user: str, asked: Any) -> Json:
        """Show a modal over the open ones. Raises Refusal(not_found, push_limit_reached)."""
        stack = self.stacks.setdefault(user, [])
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= MOST_STACKED:
            raise Refusal("push_limit_reached")
        view = self._build(user, asked, "modal")
        view["root_view_id"] = stack[0]["id"]
        view["previous_view_id"] = stack[-1]["id"]
        stack.append(view)
        self._announce(user)
        return view

    def update(self, asked: Any, *, view_id: str | None, external_id: str | None, given_hash: str | None) -> Json:
        """Replace an open modal's content. Raises Refusal(not_found, hash_conflict)."""
        user, view = self.find(view_id=view_id, external_id=external_id)
        if given_hash and given_hash != view["hash"]:
            raise Refusal("hash_conflict")
        fresh = self._build(user, asked, "modal")
        for name in ("id", "root_view_id", "previous_view_id", "external_id"):
            fresh[name] = view[name] if name != "external_id" or not fresh[name] else fresh[name]
        stack = self.stacks[user]
        stack[stack.index(view)] = fresh
        self._announce(user)
        return fresh

    def publish(self, user: str, asked: Any, given_hash: str | None) -> Json:
        """Replace a person's Home tab. Raises Refusal(hash_conflict)."""
        if self._cast.person(user) is None:
            raise Refusal("user_not_found")
        current = self.homes.get(user)
        if given_hash and current and given_hash != current["hash"]:
            raise Refusal("hash_conflict")
        view = self._build(user, asked, "home")
        view["id"] = current["id"] if current else view["id"]
        view["root_view_id"] = view["id"]
        self.homes[user] = view
        self._feed.publish("home", user=user, view=copy_json(view))
        return view

    def find(self, *, view_id: str | None = None, external_id: str | None = None) -> tuple[str, Json]:
        """Return (user, view) of an open modal or a Home tab. Raises Refusal(not_found)."""
        for user, view in self._all():
            if (view_id and view["id"] == view_id) or (external_id and view.get("external_id") == external_id):
                return user, view
        raise Refusal("not_found")

    def close(self, user: str, view_id: str) -> Json | None:
        """Close one modal, showing what lies below; return it, or None where it isn't open."""
        stack = self.stacks.get(user, [])
        view = next((view for view in stack if view["id"] == view_id), None)
        if view is not None:
            stack.remove(view)
            self._announce(user)
        return view

    def clear(self, user: str) -> list[Json]:
        """Close all of a person's modals and return them."""
        closed = self.stacks.pop(user, [])
        self._announce(user)
        return closed

    def set_trouble(self, user: str, view_id: str, errors: Json | None, notice: str = "") -> None:
        """Show errors at their fields, or a notice over the modal, until the next try."""
        for view in self.stacks.get(user, []):
            if view["id"] == view_id:
                view["_errors"] = errors or {}
                view["_notice"] = notice
        self._announce(user)

    def shown(self) -> Json:
        """Return everybody's open modals for the page."""
        return {user: copy_json(stack) for user, stack in self.stacks.items() if stack}

    def _all(self) -> list[tuple[str, Json]]:
        modals = [(user, view) for user, stack in self.stacks.items() for view in stack]
        return modals + list(self.homes.items())

    def _has_external_id(self, external: str, *, besides: str) -> bool:
        return any(
            view.get("external_id") == external for user, view in self._all() if user != besides and "title" in view
        )

    def _announce(self, user: str) -> None:
        self._feed.publish("views", user=user, views=copy_json(self.stacks.get(user, [])))

    def _build(self, user: str, asked: Any, kind: str) -> Json:
        check_view(asked, kind)
        external = asked.get("external_id")
        if external and self._has_external_id(external, besides=user):
            raise Refusal("duplicate_external_id")
        blocks = name_blocks(asked["blocks"])
        return {
            "id": self._ids.next("V"),
            "team_id": self._cast.team,
            "type": kind,
            "blocks": blocks,
            "private_metadata": asked.get("private_metadata") or "",
            "callback_id": asked.get("callback_id") or "",
            "external_id": external or "",
            "state": {"values": read_state(blocks, {})},
            "hash": f"{int(self._stamps.now())}.{make_secret(8)}",
            "title": asked.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "submit": asked.get("submit"),
            "close": asked.get("close"),
            "clear_on_close": bool(asked.get("clear_on_close")),
            "notify_on_close": bool(asked.get("notify_on_close")),
            "previous_view_id": None,
            "root_view_id": None,
            "app_id": self._cast.app.id,
            "app_installed_team_id": self._cast.team,
            "bot_id": self._cast.app.bot_id,
        }


def check_view(asked: Any, kind: str) -> None:
    """Refuse what Slack refuses in a view. Raises Refusal(invalid_arguments, view_too_large)."""
    if not isinstance(asked, dict):
        raise refuse_arguments("missing required field: view")
    if asked.get("type") != kind:
        raise refuse_arguments(f"invalid view type {asked.get('type')!r}, expected {kind!r} [json-pointer:/view/type]")
    if len(json.dumps(asked, ensure_ascii=False)) > MOST_VIEW_CHARACTERS:
        raise Refusal("view_too_large")
    unknown = sorted(set(asked) - View.attributes - {"submit_disabled"})
    if unknown:
        raise refuse_arguments(f"invalid additional property: {', '.join(unknown)} [json-pointer:/view]")
    check_blocks(asked.get("blocks"), "modal" if kind == "modal" else "home")
    if kind == "modal" and not (asked.get("title") or {}).get("text"):
        raise refuse_arguments("missing required field: title [json-pointer:/view/title]")
    has_input = any(block["type"] == "input" for block in asked["blocks"])
    if kind == "modal" and has_input and not asked.get("submit"):
        raise refuse_arguments("a modal with input blocks needs a submit button [json-pointer:/view/submit]")
    try:
        View(**asked).to_dict()
    except (SlackObjectFormationError, TypeError, AttributeError) as error:
        raise refuse_arguments(f"{error} [json-pointer:/view]") from error


def public_view(view: Json) -> Json:
    """Return a view as Slack sends it: without what the page alone uses."""
    return {key: copy_json(value) for key, value in view.items() if not key.startswith("_")}
