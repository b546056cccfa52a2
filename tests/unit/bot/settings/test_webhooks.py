"""[webhooks.NAME] of clusters.toml: every fault in a sentence, and no secret in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.journal.audit import KINDS
from bot.settings.webhooks import Webhook, check_url, parse_webhooks

PATH = Path("clusters.toml")
ENVIRONMENT = {"PAGER_SECRET": "whsec_" + "QUJD" * 8, "SHORT": "abc", "SIEM_TOKEN": "Splunk 1", "LINES": "a\r\nb"}
GOOD = '[webhooks.pager]\nurl = "https://events.example/hook"\nsecret = "PAGER_SECRET"\n'


def test_a_webhook_is_read() -> None:
    """Secrets as standard-webhooks writes them; all kinds by default."""
    webhooks, faults = parse_webhooks(GOOD, PATH, ENVIRONMENT)
    assert faults == []
    assert webhooks == (Webhook("pager", "https://events.example/hook", b"ABC" * 8, "", frozenset(KINDS)),)


def test_a_file_without_webhooks_has_none() -> None:
    """They are optional."""
    assert parse_webhooks("", PATH, ENVIRONMENT) == ((), [])


def test_kinds_and_a_token_can_be_given() -> None:
    """For a pager and for a collector."""
    text = GOOD + 'events = ["blocked", "finished"]\nauthorization = "SIEM_TOKEN"\n'
    ((webhook,), faults) = parse_webhooks(text, PATH, ENVIRONMENT)
    assert faults == []
    assert (sorted(webhook.kinds), webhook.authorization) == (["blocked", "finished"], "Splunk 1")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("webhooks = 3\n", "webhooks must be tables"),
        ("webhooks.pager = 3\n", "[webhooks.pager] must be a table"),
        ("[webhooks.pager]\n", "[webhooks.pager] lacks url"),
        (GOOD + 'token = "x"\n', "[webhooks.pager] has token, which is not one of url, secret"),
        (GOOD + 'events = ["blocked", "paged"]\n', "[webhooks.pager] events must be a list of started"),
        (GOOD + "events = []\n", "[webhooks.pager] events must be a list of"),
        (GOOD.replace("PAGER_SECRET", "s3cret in the file"), "secret must be the name of an environment variable"),
        (GOOD.replace("PAGER_SECRET", "NONE"), "secret names NONE, which is not set in the environment"),
        (GOOD.replace("PAGER_SECRET", "SHORT"), "secret names SHORT, which is no base64 or holds less than 24 bytes"),
        (GOOD + 'authorization = "LINES"\n', "authorization names LINES, which has more than one line"),
        (GOOD.replace("pager", '"a b"'), "has a name that is not lower-case"),
        (GOOD.replace("https:", "http:"), "url must be an https address"),
    ],
)
def test_what_is_wrong_is_told(text: str, fault: str) -> None:
    """With the place."""
    webhooks, faults = parse_webhooks(text, PATH, ENVIRONMENT)
    assert webhooks == ()
    assert any(fault in one for one in faults), faults


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://events.example/x?y=1", True),
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080/", True),
        ("http://localhost/", True),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost.evil.example/", False),
        ("https://user:password@events.example/", False),
        ("https://", False),
        ("ftp://events.example/", False),
        ("file:///etc/passwd", False),
        ("https://events.example:port/", False),
        ("https://events.example/a b", False),
        ("https://[::1/", False),
        (5, False),
    ],
)
def test_nobody_can_listen_in(url: object, fine: bool) -> None:
    """https, or the machine itself."""
    assert (check_url(url) == "") is fine
