"""Bearer tokens and the users they stand for."""

from __future__ import annotations

from sandbox.cluster.server.authorization import MASTERS, User

BOT_ACCOUNT = "asm-upgrade-bot@example-project.iam.gserviceaccount.com"
ADMIN_TOKEN = "simulated-cluster-admin"


class Tokens:
    """The tokens a cluster knows; every other one belongs to the Google account that owns the sandbox's key."""

    def __init__(self, account: str = BOT_ACCOUNT) -> None:
        self.admin = ADMIN_TOKEN
        self.account = account
        self._users = {ADMIN_TOKEN: User("admin", (MASTERS, "system:authenticated"))}

    def register(self, token: str, user: str, groups: tuple[str, ...] = ()) -> None:
        """Let a token stand for another user."""
        self._users[token] = User(user, (*groups, "system:authenticated"))

    def user_of(self, token: str) -> User:
        """Return the user of a token."""
        return self._users.get(token) or User(self.account)
