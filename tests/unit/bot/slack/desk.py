"""The announcer as tests use it: add messages, send them, kill it and start it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.evidence.reports import ChangeRecords
from bot.journal.bodies import MessageKind, decode_body
from bot.journal.outbox import Outbox
from bot.journal.store import Store
from bot.slack.sending.announcer import Announcer
from bot.slack.sending.delivery import Sender
from bot.slack.sending.posting import Postbox
from bot.telling.views import UpgradeView
from tests.unit.bot.slack.samples import EVERYBODYS, build_view
from tests.unit.bot.slack.stand_in import CHANNEL, HandClock, LocalSlack

UPGRADE = "cluster-x-7"


class PostRoom:
    """One announcer over one outbox and one Slack."""

    def __init__(self, slack: LocalSlack, store: Store, clock: HandClock) -> None:
        self.slack = slack
        self.store = store
        self.outbox = Outbox(store)
        self.clock = clock
        self.views: dict[str, UpgradeView] = {UPGRADE: build_view()}
        self.announcer = self.start()

    def start(self) -> Announcer:
        """A new announcer, as after a restart of the bot."""
        postbox = Postbox(self.slack.posting(), self.slack.reading())
        write_record = ChangeRecords(self.store, self.clock).write
        sender = Sender(self.outbox, self._view, postbox, self.clock, EVERYBODYS, write_record)
        self.announcer = Announcer(self.outbox, sender, self.clock)
        return self.announcer

    def _view(self, upgrade: str) -> UpgradeView:
        return self.views[upgrade]

    def put(self, kind: MessageKind, body: Mapping[str, Any], slot: str = "", upgrade: str = UPGRADE) -> None:
        """Add a message, or change the one in the slot."""
        told = decode_body(kind, json.dumps(body))
        if slot:
            self.outbox.put_message(upgrade, slot, CHANNEL, told, self.clock.now())
        else:
            self.outbox.add_message(upgrade, CHANNEL, told, self.clock.now())

    def put_root(self, upgrade: str = UPGRADE, **shown: Any) -> None:
        """Add or change an upgrade's root."""
        self.views.setdefault(upgrade, build_view(id=upgrade))
        self.put("root", {"phase": str(shown)}, "root", upgrade)

    def tell(self, sentence: str, upgrade: str = UPGRADE) -> None:
        """Add a milestone."""
        self.put("milestone", {"sentence": sentence, "phase": "download"}, upgrade=upgrade)

    def settle(self, longest: float = 600.0) -> None:
        """Take turns, moving the clock as the announcer asks, until nothing waits."""
        waited = 0.0
        while (wait := self.announcer.turn()) is not None:
            self.clock.advance(wait + 0.001)
            waited += wait
            assert waited <= longest, "the announcer does not come to rest"

    def texts(self) -> list[str]:
        """The texts in the channel and its threads, in order, without the cluster that each begins with."""
        return [message["text"].removeprefix("cluster-x: ") for message in self.slack.messages()]
