"""views.*: modals and Home tabs."""

from __future__ import annotations

from sandbox.slack.values.block_rules import check_blocks
from sandbox.slack.values.shapes import Call, Json, refuse_arguments
from sandbox.slack.workspace.surfaces import check_view, public_view
from sandbox.slack.workspace.workspace import Workspace


def open_view(workspace: Workspace, call: Call) -> Json:
    """views.open."""
    view = call.parsed("view")
    check_view(view, "modal")
    user = workspace.triggers.redeem(_trigger(call))
    return {"view": public_view(workspace.surfaces.open(user, view))}


def push_view(workspace: Workspace, call: Call) -> Json:
    """views.push."""
    view = call.parsed("view")
    check_view(view, "modal")
    user = workspace.triggers.redeem(_trigger(call))
    return {"view": public_view(workspace.surfaces.push(user, view))}


def update_view(workspace: Workspace, call: Call) -> Json:
    """views.update."""
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if not view_id and not external_id:
        raise refuse_arguments("missing required field: view_id or external_id")
    view = workspace.surfaces.update(
        call.parsed("view"), view_id=view_id, external_id=external_id, given_hash=call.text("hash")
    )
    return {"view": public_view(view)}


def publish_home(workspace: Workspace, call: Call) -> Json:
    """views.publish."""
    view = workspace.surfaces.publish(call.required("user_id"), call.parsed("view"), call.text("hash"))
    return {"view": public_view(view)}


def validate_blocks(_workspace: Workspace, call: Call) -> Json:
    """blocks.validate: one of blocks, a message or a view, looked at and shown nowhere."""
    given = {name: call.parsed(name) for name in ("blocks", "message", "view") if call.parsed(name) is not None}
    if len(given) != 1:
        raise refuse_arguments("provide exactly one of blocks, message or view")
    ((name, content),) = given.items()
    if name == "view":
        check_view(content, str(content.get("type")) if isinstance(content, dict) else "modal")
    else:
        check_blocks(content if name == "blocks" else content.get("blocks"), "message")
    return {}


def _trigger(call: Call) -> str:
    return call.text("trigger_id") or call.text("interactivity_pointer") or ""
