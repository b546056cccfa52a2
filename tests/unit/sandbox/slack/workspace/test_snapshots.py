from __future__ import annotations

from pathlib import Path

import pytest
from slack_sdk import WebClient

from sandbox.slack.server import SlackStandIn
from sandbox.slack.workspace.snapshots import SnapshotError
from sandbox.web.sites import serve_in_thread
from tests.unit.sandbox.slack.rig import CHANNEL, HandClock, Window


def test_messages_survive_a_restart(tmp_path: Path, clock: HandClock) -> None:
    """Messages, threads, metadata and files are there again, and later stamps are later."""
    path = tmp_path / "slack.json"
    first = SlackStandIn(clock, state_file=path)
    site = serve_in_thread(first.app())
    client = WebClient(first.cast.app.bot_token, base_url=f"{site.url}/api/")
    root = client.chat_postMessage(channel=CHANNEL, text="root", metadata={"event_type": "a", "event_payload": {}})
    client.files_upload_v2(channel=CHANNEL, thread_ts=root["ts"], filename="x.txt", content="abc")
    before = Window(site.url).state()
    site.stop()

    second = SlackStandIn(clock, state_file=path)
    site = serve_in_thread(second.app())
    after = Window(site.url).state()
    client = WebClient(second.cast.app.bot_token, base_url=f"{site.url}/api/")
    later = client.chat_postMessage(channel=CHANNEL, text="later")["ts"]
    site.stop()
    assert after["channels"] == before["channels"]
    assert [file["name"] for file in after["files"]] == ["x.txt"]
    assert later > before["channels"][0]["messages"][-1]["ts"]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 99}', '{"format": 1, "workspace": {}}'])
def test_a_file_that_is_no_snapshot_is_named(tmp_path: Path, clock: HandClock, content: str) -> None:
    """The sentence names the file and what to do."""
    path = tmp_path / "slack.json"
    path.write_text(content)
    with pytest.raises(SnapshotError, match=r"slack\.json is not a snapshot .*; remove it to start afresh"):
        SlackStandIn(clock, state_file=path)
