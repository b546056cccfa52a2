"""What people do in modals and on the Home tab."""

from __future__ import annotations

from sandbox.slack.people.acts import Click, describe_use, done, explain, find_person, locate, state_of, undone
from sandbox.slack.to_bot.delivery import Ack, Courier
from sandbox.slack.to_bot.payloads import (
    build_closing,
    build_home_opened,
    build_submission,
    build_suggestion,
    build_view_action,
)
from sandbox.slack.values.shapes import ActFault, Json, Refusal
from sandbox.slack.workspace.cast import Person
from sandbox.slack.workspace.surfaces import public_view
from sandbox.slack.workspace.workspace import Workspace

TROUBLE = "We had some trouble connecting. Try again?"


class ViewActs:
    """Turns acts in views into payloads, and acks with a response_action into what is shown."""

    def __init__(self, workspace: Workspace, courier: Courier) -> None:
        self._workspace = workspace
        self._courier = courier

    async def submit(self, user: str, view_id: str, values: Json) -> Json:
        """Submit a modal with what the person filled in. Raises ActFault, Refusal."""
        person = self._person(user)
        view = self._open_view(person, view_id)
        state = state_of(view["blocks"], values)
        missing = missing_values(view, state)
        if missing:
            self._workspace.surfaces.set_trouble(person.id, view_id, missing)
            return {"ok": False, "acknowledged_in_ms": None, "ack": None, "error": "missing_values", "errors": missing}
        trigger = self._workspace.triggers.issue(person.id)
        ack = await self._courier.deliver(build_submission(self._workspace.cast, person, view, state, trigger))
        if not ack.ok:
            self._workspace.surfaces.set_trouble(person.id, view_id, None, TROUBLE)
            return undone(ack, TROUBLE)
        return self._apply_submission(person, view, ack)

    async def close(self, user: str, view_id: str, *, all_views: bool = False) -> Json:
        """Close a modal by its Cancel button or cross. Raises ActFault."""
        person = self._person(user)
        view = self._open_view(person, view_id)
        surfaces = self._workspace.surfaces
        cleared = all_views or bool(view["clear_on_close"])
        closed = surfaces.clear(person.id) if cleared else [surfaces.close(person.id, view_id)]
        ack = Ack()
        for one in closed:
            if one and one["notify_on_close"]:
                ack = await self._courier.deliver(build_closing(self._workspace.cast, person, one, cleared=cleared))
        return done(ack)

    async def open_home(self, user: str) -> Json:
        """Open the app's Home tab, which tells the bot by an event. Raises ActFault."""
        person = self._person(user)
        room = self._workspace.messages.open_direct(person.id)
        view = self._workspace.surfaces.homes.get(person.id)
        stamp = self._workspace.stamps.next()
        event = self._workspace.ids.next("Ev")
        payload = build_home_opened(self._workspace.cast, person, room.id, view, stamp, event)
        return done(await self._courier.deliver(payload))

    async def click(self, user: str, click: Click) -> Json:
        """Use an element of a modal or the Home tab. Raises ActFault."""
        person = self._person(user)
        view = self._view_of(person, click)
        block, element = locate(view["blocks"], click)
        action = describe_use(self._workspace, block, element, click)
        state = state_of(view["blocks"], click.values or {})
        keys = {"trigger_id": self._workspace.triggers.issue(person.id)}
        payload = build_view_action(self._workspace.cast, person, view, action, state, keys)
        ack = await self._courier.deliver(payload)
        if ack.ok:
            return done(ack)
        notice = f"That button {explain(ack)}"
        if not click.home:
            self._workspace.surfaces.set_trouble(person.id, view["id"], None, notice)
        return undone(ack, notice)

    async def suggest(self, user: str, click: Click) -> Json:
        """Ask the bot for the options of an external_select in a view. Raises ActFault."""
        person = self._person(user)
        view = self._view_of(person, click)
        block, element = locate(view["blocks"], click)
        place = {"view": public_view(view), "container": {"type": "view", "view_id": view["id"]}}
        typed = str(click.value or "")
        payload = build_suggestion(self._workspace.cast, person, place, element, block["block_id"], typed)
        return done(await self._courier.deliver(payload))

    def _apply_submission(self, person: Person, view: Json, ack: Ack) -> Json:
        body = ack.body if isinstance(ack.body, dict) else {}
        surfaces = self._workspace.surfaces
        try:
            match body.get("response_action"):
                case None:
                    surfaces.close(person.id, view["id"])
                case "errors":
                    self._check_errors(view, body.get("errors") or {})
                    surfaces.set_trouble(person.id, view["id"], body["errors"])
                case "update":
                    surfaces.update(body.get("view"), view_id=view["id"], external_id=None, given_hash=None)
                case "push":
                    surfaces.push(person.id, body.get("view"))
                case "clear":
                    surfaces.clear(person.id)
                case other:
                    raise ActFault(f"there is no response_action {other!r}")
        except (Refusal, ActFault) as fault:
            surfaces.set_trouble(person.id, view["id"], None, TROUBLE)
            messages = getattr(fault, "details", {}).get("response_metadata", {}).get("messages", [])
            note = f"the answer to view_submission was refused: {fault} {' '.join(messages)}"
            self._workspace.inspector.add("envelope", "view_submission ack", ok=False, response=body, note=note)
            return {**done(ack), "ok": False, "error": "invalid_ack", "notice": note}
        return done(ack)

    def _check_errors(self, view: Json, errors: Json) -> None:
        inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        if not errors or set(errors) - inputs:
            strangers = ", ".join(sorted(set(errors) - inputs)) or "none given"
            raise ActFault(f"errors must name input blocks of the view: {strangers}")

    def _person(self, user: str) -> Person:
        return find_person(self._workspace, user)

    def _view_of(self, person: Person, click: Click) -> Json:
        if click.home:
            view = self._workspace.surfaces.homes.get(person.id)
            if view is None:
                raise ActFault(f"the bot has not published a Home tab for {person.name}")
            return view
        return self._open_view(person, click.view_id)

    def _open_view(self, person: Person, view_id: str) -> Json:
        stack = self._workspace.surfaces.stacks.get(person.id, [])
        view = next((view for view in stack if view["id"] == view_id), None)
        if view is None:
            raise ActFault(f"{person.name} has no open modal {view_id}")
        return view


def missing_values(view: Json, state: Json) -> Json:
    """Return what Slack's own client asks for before it submits: required inputs left empty."""
    missing: Json = {}
    for block in view["blocks"]:
        if block["type"] != "input" or block.get("optional"):
            continue
        entry = state.get(block["block_id"], {}).get(block["element"]["action_id"], {})
        given = [value for key, value in entry.items() if key not in ("type", "timezone")]
        if not any(given):
            missing[block["block_id"]] = "Please complete this required field."
    return missing
