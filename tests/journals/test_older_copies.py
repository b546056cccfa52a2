"""A journal that is behind its cluster: an older copy was restored, or somebody went on by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.journals.frames import load_frame
from tests.journals.going_on import read
from tests.journals.restoring import Studio
from tests.scenarios.test_downtime import DowntimeRig

# Where the copy stands, how far its cluster is, and what is told.
MOMENTS = (
    ("plan-14-control-plane-approve-decided", "plan-ended", "Replace the control plane of cluster-x"),
    ("plan-15-control-plane-backup", "plan-ended", "holds a backup that this journal knows nothing of"),
    ("plan-24-sidecars-restart", "plan-ended", "2 pods not re-injected and left to a person"),
    ("releasing-access", "returned", "not 1.4.10-asm.18; nothing more is restarted"),
    ("returning-apply", "returned", "58 already on 1.4.7-asm.0"),
)


def list_generations(rig: DowntimeRig) -> dict[str, Any]:
    """Each workload with its generation: an apply or a restart raises it."""
    found = [one for one in rig.world.cluster.canonical_state() if one["kind"] in ("Deployment", "StatefulSet")]
    return {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one["metadata"]["generation"] for one in found}


def read_backups(rig: DowntimeRig) -> dict[Path, bytes]:
    """Every file of every backup."""
    return {path: path.read_bytes() for path in (rig.world.settings.state / "backups").rglob("*") if path.is_file()}


@pytest.mark.parametrize(("journal", "cluster", "told"), MOMENTS)
def test_nothing_is_done_twice_to_a_cluster_that_is_ahead(
    journal: str, cluster: str, told: str, studio: Studio
) -> None:
    """Neither applied nor backed up nor restarted; it is told what was found, and a person decides."""
    older, ahead = load_frame(journal), load_frame(cluster)
    with studio.resume(replace(older, around=ahead.around, now=ahead.now)) as rig:
        before, kept = list_generations(rig), read_backups(rig)
        upgrade = rig.bot.journal.list_upgrades()[0].id
        rig.run_until(lambda: read(rig, upgrade).state != "running", 20_000)
        row = read(rig, upgrade)
        said = [step.sentence for step in rig.bot.journal.list_steps(row.id)]
        assert any(told in sentence for sentence in (row.sentence, *said)), f"{rig.describe()}: {said[-6:]}"
        assert (list_generations(rig), read_backups(rig)) == (before, kept)
