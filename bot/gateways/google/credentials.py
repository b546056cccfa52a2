"""Google credentials of the bot, refreshed before they expire."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bot.gateways.calls.shared import TOGETHER, SharedCalls
from bot.gateways.google.verdicts import judge_loading, judge_refresh
from steps.contract.errors import GiveUp, StepError, TryAgain

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport import Response

# Without userinfo.email GKE knows a service account by its numeric id, and no binding for its address would hold
# (cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control).
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)
# google-auth asks a metadata server for some seconds whether it is there, and a program of its own configuration too.
LOADING_SECONDS = 30.0
# Whoever has a token renewed waits for so many calls to the token endpoint.
RENEWAL = 2.0
# Google's name for the project that `find_quota_project` tells (cloud.google.com/apis/docs/system-parameters).
QUOTA_HEADER = "x-goog-user-project"


class GoogleCredentials:
    """Application-default credentials, loaded at the first use; one instance for the whole program, thread-safe.

    All clusters of this account share one renewal, which holds none of them for long. `load` replaces
    google.auth.default; `limit` bounds each call to the token endpoint, in seconds. For `patience`
    seconds from the first look on, credentials that are not there are waited for: the metadata server of a new pod
    may need a minute (cloud.google.com/kubernetes-engine/docs/concepts/workload-identity, "metadata server").
    """

    def __init__(
        self,
        load: Callable[[], Credentials] | None = None,
        limit: float = 10.0,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load or load_default
        self._limit = limit
        self._patience = patience
        self._clock = clock
        self._ends: float | None = None
        self._loading: SharedCalls[Credentials] = SharedCalls("the search for Google credentials", LOADING_SECONDS)
        self._soon = min(TOGETHER, limit)
        self._late = False
        self._renewing: SharedCalls[str] = SharedCalls("the renewal of Google's token", RENEWAL * limit, self._soon)
        self._loaded: Credentials | None = None
        self._refusal = ""

    def tell_refusal(self) -> str:
        """Why the bot gets no token from Google, "" once it got one; what passes by itself is no refusal."""
        return self._refusal

    def load(self) -> Credentials:
        """The credentials as Google's clients take them. GiveUp where there are none."""
        return self._loaded or self._loading.run(self._find)

    def are_found(self) -> bool:
        """Whether there are credentials at all; nothing is refreshed."""
        try:
            self.load()
        except StepError:
            return False
        return True

    def read_token(self) -> str:
        """An access token that stays valid for some minutes (google-auth refreshes 3 min 45 s before the end).

        The one in force is used for as long as it is valid: a renewal is waited for shortly, and once it was late
        nobody waits for it any more until one has come.
        """
        credentials = self._require()
        match credentials.token_state.name:
            case "FRESH":
                return str(credentials.token)
            case "STALE":
                return self._renew_beside(credentials)
            case _:
                return self._renew(credentials, partial(_is_fresh, credentials))

    def replace_token(self, refused: str) -> str:
        """Another token than the one that a server refused."""
        credentials = self._require()
        return self._renew(credentials, lambda: credentials.token not in (refused, None))

    def read_account(self) -> str:
        """The account's address, "" where the credentials do not tell it."""
        credentials = self.load()
        address = str(getattr(credentials, "service_account_email", "") or "")
        if address == "default":
            self.read_token()
            address = str(getattr(credentials, "service_account_email", "") or "")
        return address or str(getattr(credentials, "account", "") or "")

    def find_quota_project(self) -> str:
        """The project whose quota calls count against, "" where the credentials name none: then it is their own."""
        return str(getattr(self.load(), "quota_project_id", "") or "")

    def _find(self) -> Credentials:
        if self._loaded is None:
            self._loaded = self._wait_for()
        return self._loaded

    def _wait_for(self) -> Credentials:
        try:
            return self._load()
        except GiveUp as fault:
            if self._ends is None:
                self._ends = self._clock() + self._patience
            if self._clock() < self._ends:
                raise TryAgain(f"{fault.why}; the metadata server of a new pod may need a minute") from fault
            raise

    def _require(self) -> Credentials:
        with self._note_refusal():
            return self.load()

    def _renew(self, credentials: Credentials, is_done: Callable[[], bool]) -> str:
        return self._renewing.run(partial(self._renew_unless, credentials, is_done))

    def _renew_beside(self, credentials: Credentials) -> str:
        in_force, renew = (
            str(credentials.token),
            partial(self._renew_unless, credentials, partial(_is_fresh, credentials)),
        )
        if self._late:
            self._renewing.begin(renew)
            return in_force
        try:
            return self._renewing.run(renew, self._soon)
        except StepError:  # who can't do without another one is told
            self._late = True
            return in_force

    def _renew_unless(self, credentials: Credentials, is_done: Callable[[], bool]) -> str:
        if not is_done():
            with self._note_refusal():
                self._refresh(credentials)
        return str(credentials.token)

    @contextmanager
    def _note_refusal(self) -> Iterator[None]:
        try:
            yield
        except GiveUp as fault:
            self._refusal = fault.why
            raise

    def _refresh(self, credentials: Credentials) -> None:
        import requests
        from google.auth import exceptions

        request = LimitedRequest(self._limit)
        try:
            credentials.refresh(request)  # type: ignore[no-untyped-call]
        except (exceptions.GoogleAuthError, requests.RequestException, KeyError, TypeError, ValueError) as error:
            raise judge_refresh(error, request.status) from error
        self._refusal, self._late = "", False


def _is_fresh(credentials: Credentials) -> bool:
    return bool(credentials.token_state.name == "FRESH")


def load_default() -> Credentials:
    """Application-default credentials with the scopes that GKE needs. GiveUp where there are none."""
    import google.auth
    from google.auth import exceptions

    try:
        credentials, _project = google.auth.default(scopes=list(SCOPES))
    except (exceptions.GoogleAuthError, OSError, ValueError) as error:
        raise judge_loading(error) from error
    return credentials


class LimitedRequest:
    """Google-auth's transport with our time limit in place of its 120 s; `status` is that of the last answer."""

    def __init__(self, limit: float) -> None:
        from google.auth.transport.requests import Request

        self._request: Callable[..., Response] = Request()
        self._limit = limit
        self.status = 0

    def __call__(self, url: str, **options: object) -> Response:
        """Send one request, as google-auth does."""
        self.status = 0
        answer = self._request(url=url, **{**options, "timeout": self._limit})
        self.status = int(answer.status)
        return answer
