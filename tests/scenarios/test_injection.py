"""A hostile reason and a hostile command on their way through the whole bot."""

from __future__ import annotations

import json

from tests.scenarios.rig import ANA, BEN, CHANNEL, Rig

HOSTILE = "<!channel> <https://evil.example|Approve> `code` <@U0DEE00004> token: xoxb-123456789012-abcdef"


def read_thread(rig: Rig) -> str:
    """Everything that is in the channel, as Slack has it."""
    return json.dumps([[message["text"], message["blocks"]] for message in rig.world.messages()])


def test_a_hostile_reason_notifies_nobody_and_leaks_nothing(rig: Rig) -> None:
    """It stands in the thread as the words that it is."""
    rig.command(ANA, "start cluster-x")
    rig.run_until(lambda: "asm:deny" in read_thread(rig))
    card = next(message for message in rig.world.messages() if "asm:deny" in json.dumps(message["blocks"]))
    rig.world.act("click", user=BEN, channel=CHANNEL, ts=card["ts"], action_id="asm:deny")
    form = rig.world.wait_for_form(BEN)
    rig.world.act("view-submit", user=BEN, view_id=form["id"], values={"reason": {"reason": HOSTILE}})
    rig.run_until(lambda: "&lt;!channel&gt;" in read_thread(rig), 600)
    found = [part for part in ("<!channel>", "<https:", "<@U0DEE00004>", "xoxb-1234") if part in read_thread(rig)]
    assert found == []


def test_a_hostile_command_is_answered_with_its_words_only(rig: Rig) -> None:
    """What was typed is repeated without its markup."""
    answer = rig.command(ANA, "start <!channel><https://evil.example|x>")
    assert "<" not in answer
