"""Google credentials when the metadata server or the token endpoint is not in order, through the real google-auth."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from google.auth import exceptions
from google.auth.compute_engine import Credentials, _metadata

from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.verdicts import judge_refresh
from steps.contract.errors import GiveUp, TryAgain
from tests.unit.bot.gateways.loopback import Loopback, Reply, Request, Reset, Silence

ACCOUNT = {"email": "bot@example-project.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}
TOKEN = {"access_token": "ya29.ok", "expires_in": 3600, "token_type": "Bearer"}


class MetadataServer:
    """What GKE's metadata server answers about the pod's account; `trouble` is answered in its place."""

    def __init__(self) -> None:
        self.trouble: Reply | Reset | Silence | None = None

    def __call__(self, request: Request) -> Reply | Reset | Silence:
        if self.trouble is not None:
            return self.trouble
        return Reply.of(TOKEN if request.path.endswith("/token") else ACCOUNT, Metadata_Flavor="Google")


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataServer]:
    """A metadata server on loopback, which google-auth asks in place of the link-local one, without its pauses."""
    server = MetadataServer()
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with Loopback(server) as loopback:
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", loopback.url.removeprefix("http://"))
        yield server


def build_credentials() -> GoogleCredentials:
    """The bot's credentials as Workload Identity gives them."""
    return GoogleCredentials(Credentials, limit=0.2)


def test_workload_identity_gives_a_token(metadata: MetadataServer) -> None:
    """And tells the account's address."""
    credentials = build_credentials()
    assert (credentials.read_token(), credentials.read_account()) == (TOKEN["access_token"], ACCOUNT["email"])


@pytest.mark.parametrize(
    "trouble",
    [
        *map(Reply, (429, 500, 503)),
        Reset(),
        Silence(),
        Reply(200, b"<html>sign in</html>"),
        Reply(200, b"<html>sign in</html>", {"Content-Type": "text/html"}),
        Reply(200, b"[]", {"Content-Type": "application/json"}),
        Reply(200, b"{", {"Content-Type": "application/json"}),
    ],
)
def test_a_metadata_server_out_of_order_is_asked_again(metadata: MetadataServer, trouble: Reply | Reset) -> None:
    """A pod's first minute, a node under load: nobody has to be woken for that."""
    metadata.trouble = trouble
    with pytest.raises(TryAgain):
        build_credentials().read_token()


def test_a_token_comes_as_soon_as_the_server_is_in_order(metadata: MetadataServer) -> None:
    """By the same credentials."""
    credentials = build_credentials()
    metadata.trouble = Reply(503)
    with pytest.raises(TryAgain):
        credentials.read_token()
    metadata.trouble = None
    assert credentials.read_token() == TOKEN["access_token"]


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_that_is_not_bound_is_told_with_what_binds_it(metadata: MetadataServer, status: int) -> None:
    """No waiting helps there."""
    metadata.trouble = Reply(status, b"Unable to generate access token", {"Content-Type": "text/plain"})
    with pytest.raises(GiveUp) as told:
        build_credentials().read_token()
    assert "roles/iam.workloadIdentityUser" in told.value.remedy


def test_a_clock_that_is_off_is_named() -> None:
    """As the token endpoint says it of a service account's key."""
    words = "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    error = exceptions.RefreshError(f"{words} Check your iat and exp values in the JWT claim.")  # type: ignore[no-untyped-call]
    verdict = judge_refresh(error)
    assert isinstance(verdict, GiveUp)
    assert "clock" in verdict.remedy


def test_a_refusal_is_told_until_a_token_comes(metadata: MetadataServer) -> None:
    """A server that is away refuses nothing."""
    credentials = build_credentials()
    told = [credentials.tell_refusal()]
    for trouble, verdict in ((Reply(503), TryAgain), (Reply(404, b"Unable to generate access token"), GiveUp)):
        metadata.trouble = trouble
        with pytest.raises(verdict):
            credentials.read_token()
        told.append(credentials.tell_refusal().partition(":")[0])
    metadata.trouble = None
    credentials.read_token()
    assert [*told, credentials.tell_refusal()] == ["", "", "Google's metadata server refused the bot's account", ""]


def test_a_bot_that_needs_no_google_is_refused_nothing() -> None:
    """Clusters by kubeconfig alone."""
    credentials = GoogleCredentials(Tardy())
    assert (credentials.are_found(), credentials.tell_refusal()) == (False, "")


class Tardy:
    """Credentials that are not there until they are."""

    def __init__(self) -> None:
        self.there = False

    def __call__(self) -> Credentials:
        if not self.there:
            raise GiveUp("the bot has no Google credentials", "Set some.")
        return Credentials()  # type: ignore[no-untyped-call]


def test_the_credentials_of_a_new_pod_are_waited_for() -> None:
    """Its metadata server may need a minute; later their absence is final."""
    now = [0.0]
    tardy = Tardy()
    credentials = GoogleCredentials(tardy, patience=120.0, clock=lambda: now[0])
    with pytest.raises(TryAgain):
        credentials.load()
    now[0] = 119.0
    with pytest.raises(TryAgain):
        credentials.load()
    now[0] = 121.0
    with pytest.raises(GiveUp):
        credentials.load()
    tardy.there = True
    assert isinstance(credentials.load(), Credentials)
