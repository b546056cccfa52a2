"""manifests/slack-app.yaml, judged by Slack's own type and by the calls that the bot makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contracts.slack.oracle import find_faults

# The scopes of each method, from slack-ruby/slack-api-ref (docs.slack.dev/methods); any one of them is enough.
SCOPES = {
    "chat_postMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    "chat_delete": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "conversations_open": {"im:write"},
    "files_getUploadURLExternal": {"files:write"},
    "files_completeUploadExternal": {"files:write"},
    "users_info": {"users:read"},
    "usergroups_users_list": {"usergroups:read"},
    "usergroups_list": {"usergroups:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
METHOD = re.compile(r"\.((?:chat|views|conversations|files|users|usergroups|reactions)_[A-Za-z_]+)\(")
EVENT = re.compile(r"app\.event\(\"(\w+)\"\)|ENDINGS = \(\"(\w+)\", \"(\w+)\"\)")


@pytest.fixture(scope="module")
def manifest(project_root: Path) -> dict[str, Any]:
    """The app's manifest."""
    loaded = yaml.safe_load((project_root / "manifests" / "slack-app.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def read_sources(root: Path) -> str:
    """Everything that talks to Slack."""
    files = [*(root / "handlers").rglob("*.py"), *(root / "bot").rglob("*.py")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_slack_would_take_the_manifest(manifest: dict[str, Any]) -> None:
    """Its type knows every scope and event by name."""
    assert find_faults("CheckedManifest", manifest) == []


def test_every_method_has_its_scope(manifest: dict[str, Any], project_root: Path) -> None:
    """A missing scope would show only in a real workspace."""
    granted = set(manifest["oauth_config"]["scopes"]["bot"])
    used = set(METHOD.findall(read_sources(project_root)))
    lacking = sorted(method for method in used if SCOPES[method] and not SCOPES[method] & granted)
    assert lacking == []


def test_every_event_has_a_listener(manifest: dict[str, Any], project_root: Path) -> None:
    """Slack counts an event without an answer as a failure."""
    heard = {name for found in EVENT.findall(read_sources(project_root)) for name in found if name}
    assert heard == set(manifest["settings"]["event_subscriptions"]["bot_events"])


def test_the_judge_knows_a_wrong_scope(manifest: dict[str, Any]) -> None:
    """A judge that takes everything proves nothing."""
    wrong = {**manifest, "oauth_config": {"scopes": {"bot": ["chat:wirte"]}}}
    assert find_faults("CheckedManifest", wrong) != []
