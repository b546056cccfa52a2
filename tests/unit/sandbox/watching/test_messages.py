from __future__ import annotations

from typing import Any

import pytest

from sandbox.watching.messages import consent, offers_retry, plain_text, read_finish, read_progress
from sandbox.watching.outcome import Verdict

Json = dict[str, Any]


def button(label: str, style: str = "") -> Json:
    """Make a button."""
    made: Json = {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": label, "value": label}
    return {**made, "style": style} if style else made


def message(kind: str, *buttons: Json, text: str = "", **payload: object) -> Json:
    """Make a message of the bot."""
    metadata = {
        "event_type": "asm_upgrade_message",
        "event_payload": {"kind": kind, "upgrade": "cluster-x-1", **payload},
    }
    blocks = [{"type": "actions", "elements": list(buttons)}] if buttons else []
    return {"ts": "1.0", "text": text, "metadata": metadata, "blocks": blocks}


def finished(result: str, upgraded: int, manual: int, total: int) -> Json:
    """Make the bot's last message."""
    told: Json = {"pods_upgraded": upgraded, "pods_manual": manual, "pods_total": total}
    told |= {"result": result, "from": "1.4.7-asm.0", "to": "1.4.10-asm.18"}
    return message("finished", **told)


def test_the_primary_button_is_the_consent() -> None:
    """Deny, Pause and Abort are not."""
    asked = message("gate", button("Approve", "primary"), button("Deny", "danger"), button("Pause"))
    found = consent(asked)
    assert found is not None
    assert found["action_id"] == "Approve"


@pytest.mark.parametrize("label", ["Retry", "Resume"])
def test_trying_again_is_no_consent(label: str) -> None:
    """A stand-in person doesn't decide what to do about a fault."""
    assert consent(message("blocked", button(label, "primary"), button("Abort", "danger"))) is None


def test_a_blocked_message_offers_retry() -> None:
    """By its button."""
    assert offers_retry(message("blocked", button("Retry", "primary")))


def test_the_finish_is_read_from_the_metadata() -> None:
    """And gives the line that the sandbox ends with."""
    finish = read_finish(finished("upgraded", 70, 5, 75))
    assert finish is not None
    assert finish.sentence() == "upgraded cluster-x: 1.4.7-asm.0 → 1.4.10-asm.18, 70/75 pods, 5 manual"


def test_metadata_of_another_app_is_ignored() -> None:
    """Only the bot's event type counts."""
    assert read_finish({"metadata": {"event_type": "other", "event_payload": {"kind": "finished"}}}) is None


@pytest.mark.parametrize(
    ("ending", "succeeded"),
    [
        (finished("upgraded", 70, 5, 75), True),
        (finished("upgraded", 70, 4, 75), False),
        (finished("aborted", 10, 5, 75), False),
    ],
)
def test_success_needs_every_pod_accounted_for(ending: Json, succeeded: bool) -> None:
    """Upgraded, and upgraded plus manual is all."""
    verdict = Verdict()
    verdict.see_message(ending)
    assert verdict.succeeded is succeeded


def test_a_blocked_upgrade_ends_with_its_reason() -> None:
    """The reason stands in the line."""
    verdict = Verdict()
    verdict.see_message(message("blocked", button("Retry", "primary"), text="Blocked: no room"))
    assert verdict.sentence() == "did not upgrade cluster-x: Blocked: no room"


def test_a_decided_block_is_forgotten() -> None:
    """The buttons are gone once somebody decided."""
    verdict = Verdict()
    verdict.see_message(message("blocked", button("Retry", "primary"), text="Blocked: no room"))
    verdict.see_message(message("blocked", text="Blocked: no room"))
    assert verdict.blocked == ""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("*Done* with `web` &amp; &lt;more&gt;", "Done with web & <more>"),
        ("<@U0BEN00002> approved <https://a.example/b|the plan>", "@ben approved the plan"),
        ("until <!date^1760000000^{time}|12:00 UTC>", "until 12:00 UTC"),
        ("<#C1> <#C2|general> <@U9>", "#mesh-upgrades general U9"),
    ],
)
def test_markup_is_taken_off(text: str, plain: str) -> None:
    """A terminal shows words."""
    assert plain_text({"text": text}, {"U0BEN00002": "@ben", "C1": "#mesh-upgrades"}) == plain


def test_progress_is_read_from_the_text() -> None:
    """Done, total and unit."""
    assert read_progress("█░ 412/500 pods, 96/min, about 1 min left") == (412, 500, "pods")
