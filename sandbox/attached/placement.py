"""Places pods on the demo's nodes: they run there without a container, and never on anybody's machine."""

from __future__ import annotations

from aiohttp import web

from sandbox.attached.demo import MARK, TOLERATION
from sandbox.attached.reviews import Json, allow, put


async def place(asked: web.Request) -> web.Response:
    """Answer the review of a pod or of a DaemonSet."""
    review = await asked.json()
    made = review["request"]["object"]
    return allow(review, list_changes(made))


def list_changes(made: Json) -> list[Json]:
    """Return the JSON patch that gives a pod, or a DaemonSet's template, the demo's node selector and toleration."""
    where = "/spec/template/spec" if made["kind"] == "DaemonSet" else "/spec"
    spec = made["spec"]["template"]["spec"] if made["kind"] == "DaemonSet" else made["spec"]
    selector, tolerations = spec.get("nodeSelector") or {}, spec.get("tolerations") or []
    changes = []
    if not MARK.items() <= selector.items():
        changes.append(put(f"{where}/nodeSelector", {**selector, **MARK}))
    if TOLERATION not in tolerations:
        changes.append(put(f"{where}/tolerations", [*tolerations, TOLERATION]))
    return changes
