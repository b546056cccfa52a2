"""A whole upgrade through Slack: command, buttons, thread and the cluster's end."""

from __future__ import annotations

import json
import os
import re
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.kubernetes.api_server import ApiServer, HttpAnswer
from bot.journal.proofs import Key
from bot.journal.store import Store
from sandbox.watching.messages import consent, kind_of
from steps.phases.own_binding import OWN_BINDING
from tests.contracts.slack.oracle import find_log_faults
from tests.scenarios.records import list_folded, list_thread, sort_waves
from tests.scenarios.rig import ANA, BEN, CAI, DEE, Rig, World, open_world

GOLDEN = Path(__file__).parent.parent / "golden" / "transcript.txt"


@pytest.fixture(scope="module")
def asked() -> Iterator[Counter[str]]:
    """The requests to the API server, by the last word of their path, of the upgrade that is made meanwhile."""
    counted, send = Counter[str](), ApiServer.send

    def count(server: ApiServer, action: str, method: str, path: str, *rest: Any, **named: Any) -> HttpAnswer:
        counted[path.rpartition("/")[2]] += 1
        return send(server, action, method, path, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ApiServer, "send", count)
        yield counted


def reach_by_http(world: World) -> World:
    """Have Slack reach the bot by signed requests from now on, at a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.settings = replace(world.settings, slack=replace(world.settings.slack, mode="http", http_port=port))
    return world


@pytest.fixture(scope="module", params=["socket", "http"])
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, asked: Counter[str]
) -> Iterator[Rig]:
    """cluster-x, started by Ana and approved by Ben, in either mode; only looked at afterwards."""
    asked.clear()
    with open_world(tmp_path_factory.mktemp("upgraded")) as world:
        rig = Rig(world if request.param == "socket" else reach_by_http(world))
        rig.command(ANA, "start cluster-x")
        rig.upgrade_all(BEN)
        rig.deliver()
        yield rig
        rig.crash()


def test_the_thread_reads_as_the_golden_transcript(upgraded: Rig) -> None:
    """What people read, in order. GOLDEN=write makes the file anew."""
    # whether the end of a program is told by its progress message depends on how long it really runs
    thread = [
        ("milestone" if kind == "progress" and "re-injected" not in text else kind, text)
        for kind, text in list_thread(upgraded.world)
    ]
    told = "".join(f"{kind or 'file'}: {text}\n" for kind, text in sort_waves(thread))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")


def test_the_thread_is_short_and_the_channel_shorter(upgraded: Rig) -> None:
    """At most 16 messages, of which the channel has the root and the end; what is folded stands on the cards."""
    messages = upgraded.world.messages()
    in_channel = [one for one in messages if one.get("thread_ts") == one["ts"] or one.get("subtype")]
    assert (len(messages) <= 16, len(in_channel)) == (True, 2)
    assert {"Backup: 28 objects of 11 kinds", "Validated: 5 checks OK"} <= set(list_folded(upgraded.world))


def test_the_thread_has_one_difference_one_ledger_and_one_report(upgraded: Rig) -> None:
    """Files come when somebody needs them; all others are kept for `log`."""
    files = [file["title"] for one in upgraded.world.messages() for file in one.get("files") or ()]
    assert files == ["difference.txt", "sidecars-ledger.csv", "cluster-x-1-change-record.html"]


def test_each_question_mentions_an_approver_once(upgraded: Rig) -> None:
    """And nothing else does."""
    calls = upgraded.world.page.read("/ui/log")["entries"]
    posted = [str(one["request"].get("text")) for one in calls if one["name"] == "chat.postMessage"]
    asked = [text for text in posted if f"<@{BEN}>" in text]
    gates = [one for one in upgraded.world.messages() if kind_of(one) == "gate"]
    assert [text.count(f"<@{BEN}>") for text in asked] == [1] * len(gates)


def test_the_control_plane_alone_asks_once_more(upgraded: Rig) -> None:
    """Of all cards of an upgrade of a production cluster, in one sentence with its numbers."""
    calls = upgraded.world.page.read("/ui/log")["entries"]
    cards = [one["request"] for one in calls if one["name"] in ("chat.postMessage", "chat.update")]
    asked = {text["text"] for card in cards for text in find_confirms(card.get("blocks") or ())}
    assert len(asked) == 1
    assert re.fullmatch(r"Replace the control plane of cluster-x by [\w.-]+, with 58 pods in .* removed\?", asked.pop())


def find_confirms(blocks: Any) -> list[dict[str, str]]:
    """The sentences with which the buttons of these blocks ask once more."""
    read = json.loads(blocks) if isinstance(blocks, str) else blocks
    return [
        element["confirm"]["text"] for block in read for element in block.get("elements", ()) if element.get("confirm")
    ]


def test_every_sidecar_and_the_control_plane_are_on_the_release(upgraded: Rig) -> None:
    """The cluster was really changed; what was left to people is what the ledger says."""
    pods = [found for found in upgraded.world.cluster.canonical_state() if found["kind"] == "Pod"]
    old = [
        (pod["metadata"]["namespace"], pod["metadata"]["name"])
        for pod in pods
        for container in pod["spec"]["containers"]
        if container["image"].endswith(":1.4.7-asm.0")
    ]
    manual = {
        (entry.namespace, entry.workload)
        for entry in upgraded.bot.journal.read_ledger("cluster-x-1")
        if entry.state == "manual"
    }
    assert (len(old), {namespace for namespace, _ in old}) == (len(manual), {"batch"})


def test_the_journal_grows_by_little(upgraded: Rig, tmp_path: Path) -> None:
    """A whole upgrade of 56 pods beside a journal that holds none; most of what is told of it is in files."""
    empty = Store(tmp_path / "asm-upgrade.db", Key(bytes(32)))
    sizes = [int(store.read("pragma page_count")[0]["page_count"]) * 4096 for store in (empty, upgraded.bot.store)]
    empty.close()
    assert sizes[1] - sizes[0] < 190_000


def test_an_upgrade_asks_little(upgraded: Rig, asked: Counter[str]) -> None:
    """Each question once a turn, and rights where something is about to be done; nothing while a recording is made."""
    assert asked.total() < 930
    assert asked["selfsubjectaccessreviews"] < 145
    assert asked["kube-system"] < 22
    google = Counter(path.rpartition("/")[2] for _, path in upgraded.world.google.requests)
    assert google["example-project"] == 1
    assert google["cluster-x"] < 40


def test_the_ledger_adds_up(upgraded: Rig) -> None:
    """upgraded + manual = all."""
    counts = upgraded.bot.journal.count_ledger("cluster-x-1")
    assert counts == {"upgraded": 56, "manual": 2}


def test_the_bots_own_rights_are_given_back(upgraded: Rig) -> None:
    """The manifests' binding stands empty and unmarked, as before, and there is no other."""
    bindings = [
        found
        for found in upgraded.world.cluster.canonical_state()
        if found["kind"] == "ClusterRoleBinding" and found["metadata"]["name"].startswith("cluster-admin-binding")
    ]
    assert [(one["metadata"]["name"], one.get("subjects")) for one in bindings] == [(OWN_BINDING, [])]
    assert not bindings[0]["metadata"].get("annotations")


def test_buttons_are_gone_at_the_end(upgraded: Rig) -> None:
    """Nothing can be clicked on a finished upgrade."""
    assert [message["text"] for message in upgraded.world.messages() if consent(message)] == []


def test_all_replies_are_in_one_thread(upgraded: Rig) -> None:
    """One root message an upgrade."""
    messages = upgraded.world.messages()
    root = next(message["ts"] for message in messages if kind_of(message) == "root")
    assert {message["thread_ts"] for message in messages if message["ts"] != root} == {root}


def test_a_click_of_the_requester_is_refused_in_private(rig: Rig) -> None:
    """Four eyes, by button."""
    rig.command(BEN, "start cluster-x")
    rig.run_until(lambda: rig.approve_next(BEN))
    rig.run_until(lambda: len(rig.private(BEN)) > 1, 60)
    assert rig.private(BEN)[-1]["text"].startswith("You started this upgrade, and its approver must be somebody else.")


def test_the_second_click_is_told_who_was_first(rig: Rig) -> None:
    """Two approvers at the same moment."""
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: rig.approve_next(BEN))
    rig.approve_next(CAI)
    rig.run_until(lambda: bool(rig.private(CAI)), 60)
    assert rig.private(CAI)[-1]["text"] == "Too late: access of cluster-x-1 was already approved by <@U0BEN00002>."


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A bot that nobody has begun anything with."""
    with open_world(tmp_path_factory.mktemp("idle"), rate_limits=False) as world:
        rig = Rig(world)
        yield rig
        rig.crash()


@pytest.mark.parametrize(
    ("user", "text", "answer"),
    [
        (
            ANA,
            "start cluster-y",
            "There is no cluster `cluster-y` in clusters.toml. Did you mean `cluster-x`? Known ones: cluster-x.",
        ),
        (DEE, "start cluster-x", "You are not among this cluster's requesters"),
        (BEN, "approve cluster-x", "No upgrade of cluster-x is under way."),
        (ANA, "status", "No upgrade is under way."),
        (ANA, "history", "No upgrade was ever started."),
        (ANA, "frobnicate", "There is no command `frobnicate`"),
    ],
)
def test_a_command_without_effect_is_answered_in_private(idle: Rig, user: str, text: str, answer: str) -> None:
    """A clear private answer each."""
    assert answer in idle.command(user, text)


def test_a_second_start_is_refused(rig: Rig) -> None:
    """One upgrade a cluster."""
    rig.command(ANA, "start cluster-x")
    assert rig.command(BEN, "start cluster-x").startswith("cluster-x already has the upgrade cluster-x-1")


def test_an_upgrade_can_be_driven_by_commands_alone(rig: Rig) -> None:
    """Approve by slash command, as by button."""
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: rig.bot.journal.list_upgrades()[0].state == "asking")
    assert rig.decide_by_code(BEN) == "You approved access of cluster-x-1."


def test_an_aborted_upgrade_says_what_it_leaves_behind(rig: Rig) -> None:
    """Abort names the versions and gives back the bot's rights."""
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: rig.approve_next(BEN))
    rig.run_until(lambda: rig.bot.journal.list_upgrades()[0].step == "download/approve")
    assert rig.command(ANA, "abort cluster-x").startswith("Say why: `/asm-upgrade abort cluster-x REASON`.")
    rig.command(ANA, "abort cluster-x wrong week")
    rig.run_until(lambda: any(kind_of(message) == "finished" for message in rig.world.messages()), 120)
    ended = next(message["text"] for message in rig.world.messages() if kind_of(message) == "finished")
    assert "1.4.7-asm.0" in ended


def test_everything_between_slack_and_the_bot_holds_to_slacks_types(upgraded: Rig) -> None:
    """Every call, command and click of the whole upgrade."""
    entries = upgraded.world.page.read("/ui/log")["entries"]
    assert find_log_faults(entries) == []


def test_slack_never_had_to_slow_the_bot_down(upgraded: Rig) -> None:
    """The bot keeps below the limits by itself."""
    entries = upgraded.world.page.read("/ui/log")["entries"]
    assert [entry["name"] for entry in entries if "ratelimited" in str(entry["response"])] == []
