"""A way back on paper: cluster-x-1 went from the earlier release to the new one, and cluster-x-2 takes it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from steps.notes.way_back import TAKEN_BACK, Cover, TakenBack, WayBack
from steps.phases.control_plane.archive import SUMS, write_sums
from tests.unit.steps.builders import NEW, NOW, OLD
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_records import record_objects, render_control_plane

BEN = "U0BEN00002"
WAY = WayBack(record_objects(render_control_plane(OLD)).digest, "1" * 64)
COVER = Cover(BEN, NOW + timedelta(hours=24), WAY)
BACKUP = {"install.json": "{}\n"}
TAKEN = TakenBack("cluster-x-1", NEW, ("manifest", "apply"), cover=COVER)


def go_back(taken: TakenBack = TAKEN) -> Paper:
    """A way back whose download is over."""
    paper = start_paper()
    paper.release = replace(paper.release, version=OLD)
    tools = {**dict(paper.memory.values["download/tools"]), "version": OLD, "folder": f"istio-{OLD}"}  # type: ignore[arg-type]
    paper.memory.values |= {
        "prepare/source": {"version": NEW},
        "download/tools": tools,
        TAKEN_BACK.key: TAKEN_BACK.write(taken),
    }
    paper.backups.files = {SUMS: write_sums(BACKUP), **BACKUP}
    return paper
