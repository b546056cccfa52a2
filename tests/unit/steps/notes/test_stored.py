"""Notes read what earlier versions stored, and keep its shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.journal.rows import encode_json
from steps.contract.checks import Check
from steps.contract.notes import Json, Note
from steps.contract.ports import Tools
from steps.mesh import ClusterIdentity, WorkloadRef
from steps.notes import control_plane, download, permissions, prepare, runs, sidecars
from steps.workloads.waves import PLAN, PlannedWorkload

AT, STORED_AT = datetime(2026, 12, 1, 2, 0, 0, 250000, UTC), "2026-12-01T02:00:00.250000+00:00"
STAMP = "2026-12-01T02:00:00Z"
FOLDER = "/state/releases/unpacked/ab/istio-1.4.10-asm.18"
STORED_TOOLS: dict[str, Json] = {
    "version": "1.4.10-asm.18",
    "folder": FOLDER,
    "istioctl": f"{FOLDER}/bin/istioctl",
    "asmctl": f"{FOLDER}/bin/asmctl",
    "istioctl_sha256": "1" * 64,
    "asmctl_sha256": "2" * 64,
}
TOOLS = Tools(
    "1.4.10-asm.18", Path(FOLDER), Path(f"{FOLDER}/bin/istioctl"), Path(f"{FOLDER}/bin/asmctl"), "1" * 64, "2" * 64
)
STORED_IDENTITY: dict[str, Json] = {
    "project_id": "p",
    "project_number": "1",
    "location": "us-central1-a",
    "name": "cluster-x",
    "workload_pool": "p.svc.id.goog",
    "mesh_id": "proj-1",
    "server_version": "v1.16.15-gke.6000",
    "endpoint": "public",
    "release_channel": "",
    "node_count": 3,
    "labels": {"mesh_id": "proj-1"},
    "gke_id": "9f0c",
}
STORED_PLAN: dict[str, Json] = {
    "namespace": "shop",
    "kind": "Deployment",
    "name": "web",
    "method": "restart",
    "wave": "shop",
    "pods": 3,
    "level": "care",
    "risks": ["single"],
    "rounds": 2,
    "ready_seconds": 1.5,
}
PLANNED = PlannedWorkload(
    WorkloadRef("shop", "Deployment", "web"), "restart", "shop", 3, "care", ("single",), rounds=2, ready_seconds=1.5
)

STORED: list[tuple[Note[Any], Json, object]] = [
    (prepare.IDENTITY, STORED_IDENTITY, ClusterIdentity(**STORED_IDENTITY)),  # type: ignore[arg-type]
    (prepare.SOURCE, {"version": "1.4.7-asm.0"}, prepare.Source("1.4.7-asm.0")),
    (prepare.MTLS, "STRICT", "STRICT"),
    (prepare.FLAGS, ["a=b"], ("a=b",)),
    (
        prepare.CHECKS,
        [{"name": "room", "severity": "ok", "sentence": "fits", "remedy": ""}],
        (Check("room", "ok", "fits"),),
    ),
    (prepare.NODES, 5, 5),
    (prepare.ESTIMATE, [12.0, 20.5], (12.0, 20.5)),
    (prepare.PROPOSAL_LINES, ["[clusters.x]"], ("[clusters.x]",)),
    (permissions.BINDING, {"name": "b", "ours": True}, permissions.OwnBinding("b", ours=True)),
    (permissions.CREATED.of("b"), "bot@p", "bot@p"),
    (
        permissions.LEASE,
        {"at": STORED_AT, "version": "7", "acquired": STORED_AT, "why_not": ""},
        permissions.KeptLease(AT, "7", AT),
    ),
    (
        permissions.LEASE,
        {"at": STORED_AT, "version": "7", "acquired": STORED_AT, "why_not": "", "idle": True},
        permissions.KeptLease(AT, "7", AT, idle=True),
    ),
    (permissions.LEASE_BEGUN, True, True),
    (permissions.LEASE_SHOWN, "bot at", "bot at"),
    (permissions.LEASE_LOST, "another bot", "another bot"),
    (
        permissions.LEASE_FIRST,
        {"holder": "bot", "by": "U1", "reason": "gone", "at": STORED_AT},
        permissions.FirstTaker("bot", "U1", "gone", AT),
    ),
    (download.TOOLS, STORED_TOOLS, TOOLS),
    (download.PREVIOUS, STORED_TOOLS, TOOLS),
    (download.PREVIOUS, {"why": "not there"}, download.NoWayBack("not there")),
    (download.FAILING, {"generation": 2, "at": STORED_AT}, download.FailingSince(2, AT)),
    (download.IMAGES, {"istio-system/Deployment/p": {"c": "i"}}, {"istio-system/Deployment/p": {"c": "i"}}),
    (runs.APPLY_TRIES, {"generation": 3, "try": 2}, runs.Tries(3, 2)),
    (runs.NAMESPACES, ["default"], ("default",)),
    (control_plane.BACKUP, {"crds.yaml": 7}, {"crds.yaml": 7}),
    (control_plane.LEAVING, {"uid-1": STORED_AT}, {"uid-1": AT}),
    (control_plane.AGENTS, {"at": STORED_AT, "done": 3}, control_plane.AgentsSeen(AT, 3)),
    (PLAN, [STORED_PLAN], (PLANNED,)),
    (sidecars.APPROVED, ["shop/Deployment/web"], ("shop/Deployment/web",)),
    (sidecars.CHECKED, {"pod": "shop/web-1", "image": "i"}, sidecars.Checked("shop/web-1", "i")),
    (sidecars.CLOCK.of(2, "shop/Deployment/web"), STORED_AT, AT),
    (
        sidecars.STAMP.of("r"),
        {"at": "2026-12-01T02:00:00Z", "generation": 2, "before": ""},
        sidecars.Stamp("2026-12-01T02:00:00Z", 2, ""),
    ),
    (sidecars.BACKOFF.of("r"), {"tries": 2, "until": STORED_AT, "why": "429"}, sidecars.Backoff(2, AT, "429")),
    (sidecars.GUARDED, {"at": STORED_AT, "injected": ["shop"]}, sidecars.Injected(AT, ("shop",))),
    (sidecars.PACE, [12.5, STORED_AT], (12.5, AT)),
    (sidecars.SAMPLES.of("sidecars/restart"), [[STORED_AT, 3]], ((AT, 3),)),
    (
        sidecars.ROUNDS,
        {"seconds": 120.5, "rounds": 10.0, "since": STORED_AT, "at": STORED_AT},
        sidecars.Seen(120.5, 10.0, AT, AT),
    ),
    (sidecars.OVERRUN_TOLD, True, True),
]


def spell_times(stored: Json) -> str:
    """JSON with each time in UTC spelled one way."""
    return json.dumps(stored).replace('Z"', '+00:00"')


@pytest.mark.parametrize(("note", "stored", "value"), STORED, ids=[note.key for note, _, _ in STORED])
def test_a_note_reads_what_was_stored_and_keeps_its_shape(note: Note[Any], stored: Json, value: object) -> None:
    """Times are written in another spelling of the same time, which both read."""
    assert note.read(stored) == value
    written = json.loads(encode_json(note.write(value)))
    assert note.read(written) == value
    assert spell_times(written) == spell_times(stored)


def test_rows_that_lack_a_later_field_are_read() -> None:
    """Rounds came to the plan, finished pods to the counts and the generation to the stamp after the first version."""
    bare = {key: STORED_PLAN[key] for key in ("namespace", "kind", "name", "method", "wave", "pods", "level", "risks")}
    assert PLAN.read([bare])[0].rounds == 0
    counts = prepare.SIDECARS.read({"pods": 3, "by_namespace": {"shop": 3}, "by_version": {"1.4.7-asm.0": 3}})
    assert (counts.pods, counts.bare) == (3, 0)
    assert sidecars.STAMP.read({"at": "2026-12-01T02:00:00Z"}).generation is None
    assert sidecars.STAMP.read({"at": "2026-12-01T02:00:00Z", "generation": 2}).before is None


def test_an_unknown_mode_lets_plain_text_in() -> None:
    """As the guide's default does."""
    assert prepare.MTLS.read("") == "PERMISSIVE"
