"""What is known about the upgrades that people are reminded of, read for many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.journal.outbox import name_card
from bot.journal.records import MessagePlace
from bot.journal.rows import Question, UpgradeRow, at_time, encode_json, read_question, read_upgrade, to_time
from bot.journal.store import Row, Store
from bot.people.rights import refuse_person
from bot.schedule.tables import Reminder
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.windows.appointments import Appointment


@dataclass(frozen=True)
class Situation:
    """What is known about an upgrade that people are reminded of; `card` is where Slack has what is asked."""

    row: UpgradeRow
    question: Question | None
    appointment: Appointment | None
    policy: Policy | None
    card: MessagePlace | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing left to remind anybody of."""
        return self.row.ended_at is not None or bool(self.row.aborted_by)

    def may_approve(self, user: str) -> bool:
        """Whether the policy lets this person approve the upgrade."""
        return self.policy is not None and not refuse_person(self.policy, "approve", user, self.row.requester, True)

    def list_people(self, reminder: Reminder) -> list[str]:
        """The approvers; of a waiting approval those who may give it."""
        people = sorted(self.policy.approvers) if self.policy else []
        return [user for user in people if reminder.kind != "approval" or self.may_approve(user)]


class Situations:
    """Reads upgrades with their open questions and appointments: one query per table, however many there are."""

    def __init__(self, store: Store, clusters: Mapping[str, Cluster]) -> None:
        self._store = store
        self._clusters = clusters

    def read_policies(self, upgrades: Collection[str]) -> dict[str, Policy]:
        """Who may do what on the clusters of these upgrades. May ask Slack: not in a transaction."""
        chosen = encode_json(list(upgrades))
        rows = self._store.read(
            "select distinct cluster from upgrades where id in (select value from json_each(?))", [chosen]
        )
        known = {key: self._clusters.get(key) for key in (row["cluster"] for row in rows)}
        return {key: cluster.policy for key, cluster in known.items() if cluster}

    def read(self, upgrades: Collection[str], policies: Mapping[str, Policy]) -> dict[str, Situation]:
        """The upgrades with these ids, by id."""
        rows = [read_upgrade(row) for row in self._select("upgrades where id", upgrades)]
        asked = self._select("approvals where state = 'open' and upgrade", upgrades)
        questions = {row["upgrade"]: read_question(row) for row in sorted(asked, key=lambda row: row["generation"])}
        appointments = {
            row["upgrade"]: Appointment(at_time(row["starts"]), to_time(row["ends"]), row["zone"])
            for row in self._select("schedules where upgrade", upgrades)
        }
        cards = self._read_cards(upgrades, questions)
        return {
            row.id: Situation(
                row, questions.get(row.id), appointments.get(row.id), policies.get(row.cluster), cards.get(row.id)
            )
            for row in rows
        }

    def _read_cards(self, upgrades: Collection[str], questions: Mapping[str, Question]) -> dict[str, MessagePlace]:
        """Where Slack has the card of each open question, or the root where nothing is asked."""
        slots = {one.upgrade: name_card(one.step, one.generation) for one in questions.values()}
        shown = self._select("outbox where ts <> '' and kind in ('root', 'gate', 'blocked') and upgrade", upgrades)
        posted = {(row["upgrade"], row["slot"]): row for row in shown}
        found: dict[str, MessagePlace] = {}
        for upgrade in upgrades:
            root, card = posted.get((upgrade, "root")), posted.get((upgrade, slots.get(upgrade, "")))
            if root:
                found[upgrade] = MessagePlace(root["channel"], root["ts"])
            if root and card:
                found[upgrade] = MessagePlace(root["channel"], card["ts"], root["ts"])
        return found

    def _select(self, which: str, upgrades: Collection[str]) -> list[Row]:
        return self._store.read(
            f"select * from {which} in (select value from json_each(?))", [encode_json(list(upgrades))]
        )
