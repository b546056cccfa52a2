"""The Home tab as it is drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.orders.cluster_views import ClusterView
from bot.slack.drawing.buttons import Target
from bot.slack.drawing.home import draw_home
from handlers.forms.modals import build_reason_form
from handlers.forms.start_form import build_start_form
from handlers.guidance import write_help
from sandbox.slack.values.block_rules import check_blocks
from tests.unit.bot.slack.drawing.test_goldens import compare_golden
from tests.unit.bot.slack.samples import (
    BEN,
    CAI,
    CHANNEL,
    EVERYBODYS,
    START,
    build_asking_view,
    build_phases,
    build_view,
)

WORKSPACE = "https://example.slack.com/"
PEN = replace(EVERYBODYS, workspace=WORKSPACE)


def build_cluster(key: str, **changes: Any) -> ClusterView:
    """A cluster that was never upgraded and may be started."""
    view = ClusterView(
        key=key,
        place=f"example-project/us-central1-a/{key}",
        channel=CHANNEL,
        release="1.4.10-asm.18",
        production=True,
        version="",
        mtls="",
        testing_workloads=True,
        upgrade=None,
        last=None,
        may_start=True,
        allowed=(),
    )
    return replace(view, **changes)


def build_fleet() -> list[ClusterView]:
    """One that asks, one that runs, one that is done, one that is new."""
    done = build_view(
        id="cluster-w-2",
        cluster="cluster-w",
        state="upgraded",
        phases=build_phases(8, "done"),
        legal=(),
        ended_at=START + timedelta(hours=1),
    )
    return [
        build_cluster(
            "cluster-x",
            upgrade=build_asking_view(),
            allowed=("approve", "deny", "pause", "abort"),
            may_start=False,
            thread=(CHANNEL, "1796090400.000100"),
            asked=(BEN, CAI),
        ),
        build_cluster("cluster-y", upgrade=build_view(cluster="cluster-y"), may_start=False, production=False),
        build_cluster("cluster-w", last=done, version="1.4.10-asm.18", mtls="PERMISSIVE"),
        build_cluster("cluster-z"),
    ]


def test_home_looks_as_agreed(project_root: Path) -> None:
    """A change of what people see is a change of a golden file."""
    view = draw_home(build_fleet(), PEN).to_dict()
    text = json.dumps(view, indent=2, ensure_ascii=False) + "\n"
    compare_golden(project_root / "tests" / "golden" / "slack" / "home.json", text)


def test_help_reads_as_agreed(project_root: Path) -> None:
    """It begins with what this person can do now, and names every command."""
    compare_golden(project_root / "tests" / "golden" / "slack" / "help.txt", write_help("", build_fleet()) + "\n")


def test_start_form_looks_as_agreed(project_root: Path) -> None:
    """For a cluster whose mode is known."""
    clusters = [cluster for cluster in build_fleet() if cluster.may_start]
    text = json.dumps(build_start_form(clusters, "", CHANNEL).to_dict(), indent=2, ensure_ascii=False) + "\n"
    compare_golden(project_root / "tests" / "golden" / "slack" / "start-form.json", text)


def test_reason_form_looks_as_agreed(project_root: Path) -> None:
    """For a denial."""
    form = build_reason_form(Target("cluster-x-7", "control-plane/approve", 1, True), "asm:deny", CHANNEL)
    text = json.dumps(form.to_dict(), indent=2, ensure_ascii=False) + "\n"
    compare_golden(project_root / "tests" / "golden" / "slack" / "reason-form.json", text)


def test_slack_would_take_a_fleet_of_any_size() -> None:
    """A tab has a hundred blocks at most."""
    clusters = [build_cluster(f"cluster-{number}", upgrade=build_asking_view()) for number in range(300)]
    blocks = draw_home(clusters, PEN).to_dict()["blocks"]
    check_blocks(blocks, "home")
    assert "more clusters" in str(blocks[-1])


def test_found_clusters_stand_apart_with_a_button_to_propose() -> None:
    """And what Google didn't tell is said."""
    clusters = [*build_fleet(), build_cluster("cluster-v", found=True)]
    view = draw_home(clusters, PEN, search_faults=["other-project could not be searched"])
    blocks = view.to_dict()["blocks"]
    check_blocks(blocks, "home")
    order = [str(blocks).index(part) for part in ("cluster-z", "Found in GKE", "cluster-v", "other-project")]
    assert (order == sorted(order), "Propose" in str(blocks)) == (True, True)


@pytest.mark.parametrize("open_still", [True, False])
def test_an_upgrade_and_its_way_back_name_each_other_at_home(open_still: bool) -> None:
    """While the way back runs, and once it has ended; the upgrade that it took back as well."""
    ended = {} if open_still else {"state": "returned", "ended_at": START, "legal": ()}
    back = build_view(id="cluster-x-8", takes_back="cluster-x-7", **ended)
    place = "upgrade" if open_still else "last"
    assert "takes back cluster-x-7" in str(draw_home([build_cluster("cluster-x", **{place: back})], PEN).to_dict())
    first = build_view(
        id="cluster-x-7", way_back="cluster-x-8 (running)", state="rolled back", ended_at=START, legal=()
    )
    drawn = draw_home([build_cluster("cluster-x", last=first)], PEN).to_dict()
    assert "taken back by cluster-x-8 (running)" in str(drawn)


def test_the_start_form_tells_what_was_found_apart() -> None:
    """A proposal is not a start."""
    clusters = [build_cluster("cluster-z"), build_cluster("cluster-v", found=True)]
    form = build_start_form(clusters, "cluster-v", CHANNEL, ["other-project could not be searched"]).to_dict()
    check_blocks(form["blocks"], "modal")
    labels = [group["label"]["text"] for group in form["blocks"][0]["element"]["option_groups"]]
    assert (labels, form["submit"]["text"]) == (["In clusters.toml", "Found in GKE: proposal only"], "Propose")


def test_a_cluster_beyond_the_pickers_hundred_can_be_chosen() -> None:
    """From its own button in the Home tab; the others are counted."""
    clusters = [build_cluster(f"cluster-{number}") for number in range(130)]
    form = build_start_form(clusters, "cluster-129", CHANNEL).to_dict()
    check_blocks(form["blocks"], "modal")
    chosen = form["blocks"][0]["element"]["initial_option"]["value"]
    assert (chosen, "30 more clusters" in str(form)) == ("cluster-129", True)


def test_an_empty_fleet_says_so() -> None:
    """With where clusters come from."""
    assert "clusters.toml" in str(draw_home([], PEN).to_dict())


def test_a_question_links_to_its_thread() -> None:
    """What is approved is read there first."""
    blocks = draw_home(build_fleet(), PEN).to_dict()["blocks"]
    assert "<https://example.slack.com/archives/C0MESHOPS1/p1796090400000100|Open the thread>" in str(blocks)
