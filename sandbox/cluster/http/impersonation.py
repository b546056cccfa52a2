"""Acting as somebody else: the headers of a request, what they ask for, and who acts then."""

from __future__ import annotations

from dataclasses import dataclass

from multidict import CIMultiDictProxy

from sandbox.cluster.server.authorization import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, Attributes, User

USER = "Impersonate-User"
GROUP = "Impersonate-Group"
SERVICE_ACCOUNT = "system:serviceaccount:"


class NoUser(Exception):
    """Groups alone can't be acted for."""


@dataclass(frozen=True)
class Impersonation:
    """Whom a request acts for: `groups` are those that it names itself."""

    name: str
    groups: tuple[str, ...] = ()

    def list_wanted(self) -> tuple[Attributes, ...]:
        """The rights that this takes, in the order in which they are asked about."""
        return (self._want_user(), *(Attributes("impersonate", "", "groups", name=group) for group in self.groups))

    def make_user(self) -> User:
        """The user as whom the request goes on; nobody but the anonymous one is unauthenticated."""
        if self.name == ANONYMOUS:
            return User(self.name, self.groups or (UNAUTHENTICATED,))
        groups = self.groups or self._list_own_groups()
        known = AUTHENTICATED in groups or UNAUTHENTICATED in groups
        return User(self.name, groups if known else (*groups, AUTHENTICATED))

    def _want_user(self) -> Attributes:
        namespace, name = self._split_account()
        if namespace:
            return Attributes("impersonate", "", "serviceaccounts", namespace=namespace, name=name)
        return Attributes("impersonate", "", "users", name=self.name)

    def _list_own_groups(self) -> tuple[str, ...]:
        namespace, _ = self._split_account()
        return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}") if namespace else ()

    def _split_account(self) -> tuple[str, str]:
        if not self.name.startswith(SERVICE_ACCOUNT):
            return "", ""
        namespace, _, name = self.name.removeprefix(SERVICE_ACCOUNT).partition(":")
        return (namespace, name) if name else ("", "")


def read_impersonation(headers: CIMultiDictProxy[str]) -> Impersonation | None:
    """Whom the headers name, None where nobody. Raises NoUser for groups alone."""
    name, groups = headers.get(USER, ""), tuple(headers.getall(GROUP, ()))
    if groups and not name:
        raise NoUser("without impersonating a user")
    return Impersonation(name, groups) if name else None
