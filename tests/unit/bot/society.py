"""People of every kind, as Slack would tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.people.roster import DirectoryFault, SlackUser
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE

HOME, OTHER = "T0SANDBOX1", "T0OTHERCO1"
GROUP = "S0APPROVE1"
# A member who may do nothing but break the glass.
EVE = "U0EVE00005"
OUTSIDER, GUEST, GONE, BOT, UNKNOWN = "U0OUTSIDER", "U0GUEST001", "U0GONE0001", "U0ROBOT001", "U0UNKNOWN1"
KNOWN: Mapping[str, SlackUser] = {
    person.id: person
    for person in (
        *(SlackUser(user, frozenset({HOME})) for user in (ANA, BEN, CAI, DEE, EVE)),
        SlackUser(OUTSIDER, frozenset({OTHER}), is_outsider=True),
        SlackUser(GUEST, frozenset({HOME}), is_guest=True),
        SlackUser(GONE, frozenset({HOME}), deleted=True),
        SlackUser(BOT, frozenset({HOME}), is_bot=True),
    )
}
STRANGERS = frozenset({OUTSIDER, GUEST, GONE, BOT, UNKNOWN})


@dataclass
class PaperDirectory:
    """A Slack on paper that counts its calls; `fault` makes all of them fail."""

    groups: dict[str, frozenset[str]] = field(default_factory=lambda: {GROUP: frozenset({CAI, GUEST, GONE})})
    fault: str = ""
    calls: list[str] = field(default_factory=list)
    people: dict[str, SlackUser] = field(default_factory=lambda: dict(KNOWN))

    def read_workspace(self) -> str:
        """The workspace of the bot."""
        return HOME

    def read_person(self, user: str) -> SlackUser:
        """Who this is."""
        self._call(f"person {user}")
        if user not in self.people:
            raise DirectoryFault("user_not_found")
        return self.people[user]

    def list_members(self, group: str) -> frozenset[str]:
        """Who is in a group."""
        self._call(f"group {group}")
        if group not in self.groups:
            raise DirectoryFault("no_such_subteam")
        return self.groups[group]

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fault:
            raise DirectoryFault(self.fault)
