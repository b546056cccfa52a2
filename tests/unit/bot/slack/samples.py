"""Upgrades and messages as the tests draw and send them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.journal.bodies import Message, MessageKind, decode_body
from bot.slack.drawing.messages import Drawing
from bot.slack.drawing.text import Pen
from bot.telling.views import Approval, PhaseState, PhaseView, QuestionView, UpgradeView
from steps.contract.cards import APPROVE, DENY, Choice

ANA, BEN, CAI = "U0ANA00001", "U0BEN00002", "U0CAI00003"
CHANNEL = "C0MESHOPS1"
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
NAMES = ("prepare", "access", "download", "control-plane", "validate", "sidecars", "authorization", "finish")

CARD: Mapping[str, Any] = {
    "title": "Replace the control plane of cluster-x",
    "summary": ["istioctl manifest apply with the options of the previous install", "mTLS stays PERMISSIVE"],
    "facts": [["Cluster", "example-project/us-central1-a/cluster-x"], ["Release", "1.4.10-asm.18"]],
    "risks": ["shop/Deployment/web has a single replica", "Every new pod already gets the new sidecar"],
    "details": [{"title": "Dry run", "lines": ["istio-pilot  1.4.7-asm.0 → 1.4.10-asm.18", "2 objects change"]}],
    "estimate": "5 to 10 minutes (the guide's figure)",
}


def build_phases(reached: int, state: PhaseState) -> tuple[PhaseView, ...]:
    """All phases, those before `reached` done five minutes each, that one in `state`, the rest pending."""
    phases = []
    for place, name in enumerate(NAMES):
        began = START + timedelta(minutes=5 * place)
        title = name.replace("-", " ").capitalize()
        if place < reached:
            phases.append(PhaseView(name, title, "done", f"{name} is through", began, began + timedelta(minutes=5)))
        elif place == reached:
            phases.append(PhaseView(name, title, state, f"{name} is at it", began))
        else:
            phases.append(PhaseView(name, title, "pending"))
    return tuple(phases)


def read_blocks(drawing: Drawing) -> Any:
    """The blocks as Slack reads them."""
    return json.loads(json.dumps(drawing.blocks))


def build_view(**changes: Any) -> UpgradeView:
    """An upgrade that downloads."""
    view = UpgradeView(
        id="cluster-x-7",
        cluster="cluster-x",
        release="1.4.10-asm.18",
        source_version="1.4.7-asm.0",
        requester=ANA,
        channel=CHANNEL,
        state="running",
        paused_by="",
        sentence="downloading: 31 of 62 MB",
        remedy="",
        phases=build_phases(2, "running"),
        question=None,
        legal=("pause", "abort"),
        created_at=START,
        at=START,
    )
    return replace(view, **changes)


def build_ended_view() -> UpgradeView:
    """An upgrade that took its time over a night, approved by two people."""
    access = Approval("access/approve", "approve", BEN, START + timedelta(hours=8), "give the bot cluster-admin?")
    plane = Approval(
        "control-plane/approve",
        "approve",
        CAI,
        START + timedelta(hours=9),
        "replace the control plane of cluster-x by 1.4.10-asm.18?",
    )
    return build_view(
        state="upgraded",
        legal=(),
        ended_at=START + timedelta(hours=10),
        people=timedelta(hours=9),
        approvals=(access, plane),
        written=True,
        covered_until=START + timedelta(hours=34),
    )


def build_asking_view() -> UpgradeView:
    """An upgrade that waits for an approval of the control plane."""
    question = QuestionView(
        "control-plane/approve", 1, "Replace the control plane?", (APPROVE, DENY), START + timedelta(hours=24)
    )
    return build_view(
        state="asking",
        phases=build_phases(3, "asking"),
        question=question,
        legal=("approve", "deny", "pause", "abort"),
        times=(START + timedelta(hours=20), START + timedelta(hours=23)),
    )


def build_message(kind: MessageKind, body: Mapping[str, Any], **changes: Any) -> Message:
    """A row of the outbox that was never sent; its body is read as it stands in the row."""
    message = Message(
        id="0b5ec0de0b5ec0de0b5ec0de0b5ec0de",
        upgrade="cluster-x-7",
        slot="",
        channel=CHANNEL,
        body=decode_body(kind, json.dumps(body)),
        created_at=START,
    )
    return replace(message, **changes)


def build_gate_body(**changes: Any) -> dict[str, Any]:
    """A gate before the control plane."""
    body: dict[str, Any] = {
        "question": "Replace the control plane of cluster-x?",
        "card": CARD,
        "choices": [choice_body(APPROVE), choice_body(DENY)],
        "step": "control-plane/approve",
        "generation": 1,
        "expires_at": (START + timedelta(hours=24)).isoformat(),
        "moved": [],
        "approvers": [BEN, CAI],
        "closed": "",
        "code": "K7Q2MD",
    }
    return body | changes


def build_blocked_body(**changes: Any) -> dict[str, Any]:
    """A blocked validation that may be accepted with a reason."""
    accept = Choice("accept", "Accept", "", needs_reason=True, confirm="The failed check is not repeated.")
    body: dict[str, Any] = {
        "sentence": "asmctl validate failed: Check injection FAILED",
        "remedy": "Read the output below, then retry or accept.",
        "choices": [choice_body(accept)],
        "step": "validate/run",
        "generation": 2,
        "expires_at": None,
        "closed": "",
        "code": "M2QXA7",
    }
    return body | changes


def build_reminder_body(**changes: Any) -> dict[str, Any]:
    """A start that was missed and still waits for its approval."""
    body: dict[str, Any] = {
        "upgrade": "cluster-x-7",
        "kind": "starts",
        "seq": 12,
        "seqs": [10, 11, 12],
        "place": CHANNEL,
        "text": "Started 20 min ago: the upgrade cluster-x-7 of cluster-x to 1.4.10-asm.18. "
        "It waits for the approval of access.",
        "moments": [["Starts", "2026-12-03T02:00:00+00:00"], ["Ends", "2026-12-03T05:00:00+00:00"]],
        "missed": "The bot was down and missed the reminder 1 h before, at the start.",
        "choices": [
            choice_body(Choice("approve", "Approve", "main")),
            choice_body(Choice("deny", "Deny", "grave")),
        ],
        "step": "access/approve",
        "generation": 1,
        "controls": ["pause"],
        "cancel": True,
        "cluster": "cluster-x",
        "snoozes": [300, 900, 1800],
        "closed": "",
        "card": [CHANNEL, "1796090400.000300", "1796090400.000100"],
    }
    return body | changes


def choice_body(choice: Choice) -> dict[str, Any]:
    """A choice as the journal keeps it."""
    return {
        "id": choice.id,
        "label": choice.label,
        "weight": choice.weight,
        "needs_reason": choice.needs_reason,
        "confirm": choice.confirm,
    }


EVERYBODYS = Pen(lambda _user: True)


SAMPLES: Mapping[str, tuple[Message, UpgradeView]] = {
    "root-running": (build_message("root", {}, slot="root"), build_view()),
    "root-asking": (build_message("root", {"asked": [BEN, CAI]}, slot="root", revision=4), build_asking_view()),
    "root-paused": (build_message("root", {}, slot="root"), build_view(paused_by=BEN, legal=("resume", "abort"))),
    "root-blocked": (
        build_message("root", {}, slot="root"),
        build_view(
            state="blocked",
            sentence="Could not verify the signature",
            remedy="Retry downloads it again.",
            phases=build_phases(2, "blocked"),
            legal=("retry", "abort"),
        ),
    ),
    "root-upgraded": (
        build_message("root", {}, slot="root"),
        build_view(
            state="upgraded",
            sentence="upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 70/75 pods, 5 manual",
            phases=build_phases(8, "done"),
            legal=(),
            ended_at=START + timedelta(minutes=40),
            production=False,
        ),
    ),
    "root-aborted": (
        build_message("root", {}, slot="root"),
        build_view(state="aborted", sentence=f"aborted by <@{BEN}>", phases=build_phases(3, "pending"), legal=()),
    ),
    "milestone": (
        build_message("milestone", {"sentence": "download verified: Verified OK, sha256 1f3a…", "phase": "download"}),
        build_view(),
    ),
    "progress": (
        build_message(
            "progress",
            {
                "sentence": "412/500 pods re-injected, 96 pods/min, about 55 s left",
                "phase": "sidecars",
                "progress": {"done": 412, "total": 500, "unit": "pods", "per_minute": 96.0, "seconds_left": 55.0},
                "details": ["NAME            READY   STATUS", "web-6d4cf56db6  2/2     new"],
                "ended": False,
            },
            slot="progress:sidecars/restart",
        ),
        build_view(),
    ),
    "gate": (build_message("gate", build_gate_body(), slot="card:control-plane/approve:1"), build_asking_view()),
    "gate-moved": (
        build_message("gate", build_gate_body(moved=["namespace shop: Deployment/web is now paused"])),
        build_asking_view(),
    ),
    "gate-copy": (
        build_message(
            "answer",
            {
                "user": CAI,
                "channel": CHANNEL,
                "text": "Nothing was decided: `K7Q2MA` is not the code of the card that is open. This is it.",
                "upgrade": "cluster-x-7",
                "card": build_gate_body(approvers=[]),
            },
            upgrade="",
        ),
        build_asking_view(),
    ),
    "gate-closed": (
        build_message(
            "gate",
            build_gate_body(
                closed=f"approved by <@{BEN}>",
                closed_at=(START + timedelta(minutes=4)).isoformat(),
                lines=[
                    ["backup: 28 objects of 11 kinds", (START + timedelta(minutes=5)).isoformat()],
                    ["istioctl manifest apply has ended", (START + timedelta(minutes=7)).isoformat()],
                ],
            ),
            revision=2,
        ),
        build_asking_view(),
    ),
    "blocked": (
        build_message("blocked", build_blocked_body()),
        build_view(state="blocked", legal=("retry", "abort")),
    ),
    "finished": (
        build_message(
            "finished",
            {
                "sentence": "upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 70/75 pods, 5 manual",
                "card": {**CARD, "title": "Report"},
                "result": "upgraded",
                "source": "1.4.7-asm.0",
                "target": "1.4.10-asm.18",
                "pods": {"upgraded": 70, "manual": 5, "total": 75},
            },
        ),
        build_ended_view(),
    ),
    "log": (
        build_message(
            "answer",
            {
                "user": CAI,
                "channel": CHANNEL,
                "text": "The log of cluster-x-7 to 1.4.10-asm.18, 3 lines:",
                "log": [
                    ["asked: replace the control plane of cluster-x?", START.isoformat()],
                    [f"approved by <@{BEN}> (replace the control plane of cluster-x?)", START.isoformat()],
                    ["istioctl manifest apply has ended", START.isoformat()],
                ],
            },
            upgrade="",
        ),
        build_asking_view(),
    ),
    "calendar": (
        build_message(
            "answer",
            {
                "text": "*The next 30 days*",
                "agenda": [
                    {
                        "title": "Upgrades",
                        "lines": [
                            [
                                "Mesh upgrade cluster-x-7 to 1.4.10-asm.18, waits for the approval of access",
                                "2026-12-03T02:00:00+00:00",
                                "2026-12-03T05:00:00+00:00",
                            ]
                        ],
                    },
                    {"title": "Windows", "lines": [["at any time: cluster-x", "", ""]]},
                ],
            },
        ),
        build_view(),
    ),
    "reminder": (build_message("reminder", build_reminder_body(), upgrade=""), build_asking_view()),
    "reminder-closed": (
        build_message("reminder", build_reminder_body(closed=f"snoozed for 1 h by <@{BEN}>"), upgrade=""),
        build_asking_view(),
    ),
    "reminders-gathered": (
        build_message(
            "reminder",
            {
                "upgrade": "",
                "text": "4 reminders at once:",
                "lines": [
                    {
                        "text": f"The upgrade {name} of cluster-x to 1.4.10-asm.18 starts in 1 h.",
                        "moments": [["Starts", "2026-12-03T02:00:00+00:00"]],
                    }
                    for name in ("cluster-w-2", "cluster-x-7")
                ],
                "others": ["cluster-y-1", "cluster-z-3"],
                "closed": "",
            },
            upgrade="",
        ),
        build_asking_view(),
    ),
}
