"""Log lines: one JSON object an event, whoever speaks, and none with a secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.app.log import configure_log, redact_event

TOKEN = "xoxb-123456789012-abcdef"
NOISE = """
import logging, structlog, urllib3, warnings
from bot.app.log import keep_quiet
with keep_quiet():
    warnings.warn("Unverified HTTPS request is being made", urllib3.exceptions.InsecureRequestWarning)
    logging.getLogger("urllib3").error("retrying")
    structlog.get_logger("bot").error("step")
"""


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """Where the lines go; the test's own logging is put back afterwards."""
    root, quiet = logging.getLogger(), logging.getLogger("websocket")
    kept = [*root.handlers], root.level, quiet.level
    text = io.StringIO()
    # force=True closes what was there, and pytest's own handlers are needed afterwards.
    root.handlers = []
    configure_log("info", text)
    yield text
    root.handlers, root.level, quiet.level = kept
    structlog.reset_defaults()


def read_lines(output: io.StringIO) -> list[dict[str, Any]]:
    """The lines that were logged."""
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_token_in_a_log_line_is_blotted_out() -> None:
    """Whatever field it came in."""
    event = redact_event(None, "info", {"event": "failed", "why": "Bearer abcdefghijklmnop", "attempts": 3})
    assert event == {"event": "failed", "why": "[redacted]", "attempts": 3}


def test_secrets_deep_inside_a_log_line_are_blotted_out() -> None:
    """In lists, mappings and exceptions as well."""
    event = redact_event(None, "info", {"a": [TOKEN], "b": {"c": (TOKEN,)}, "error": ValueError(TOKEN)})
    assert TOKEN not in str(event)


@pytest.mark.parametrize(
    "library", ["slack_sdk.web", "slack_bolt.App", "urllib3.connectionpool", "waitress", "apscheduler"]
)
def test_a_library_speaks_in_one_json_line(output: io.StringIO, library: str) -> None:
    """With its name, its level and the time, an exception included."""
    try:
        raise ValueError(f"no\nanswer to {TOKEN}")
    except ValueError:
        logging.getLogger(library).exception("failed for %s", TOKEN)
    (line,) = read_lines(output)
    assert (line["logger"], line["level"], "timestamp" in line, "ValueError" in line["exception"]) == (
        library,
        "error",
        True,
        True,
    )
    assert TOKEN not in output.getvalue()


def test_libraries_speak_from_warnings_on(output: io.StringIO) -> None:
    """What they tell besides is their own affair."""
    logging.getLogger("urllib3").info("connecting")
    assert read_lines(output) == []


def test_what_another_library_says_already_is_left_out(output: io.StringIO) -> None:
    """A lost socket is one event."""
    logging.getLogger("websocket").error("Connection to remote host was lost. - goodbye")
    assert read_lines(output) == []


def test_a_command_with_lines_of_its_own_prints_nothing_else(project_root: Path) -> None:
    """Neither what libraries warn of (a cluster without a CA, at each request) nor what they or the bot log."""
    command = [sys.executable, "-c", NOISE]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_line_names_the_upgrade_at_hand(output: io.StringIO) -> None:
    """The bot's own and a library's, while its step runs."""
    with structlog.contextvars.bound_contextvars(upgrade="cluster-x-1", cluster="cluster-x"):
        structlog.get_logger("bot").info("step")
        logging.getLogger("urllib3").warning("retrying")
    assert [(line["upgrade"], line["cluster"]) for line in read_lines(output)] == [("cluster-x-1", "cluster-x")] * 2
