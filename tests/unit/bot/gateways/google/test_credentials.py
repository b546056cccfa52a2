"""Google credentials when the metadata server or the token endpoint is not in order, through the real google-auth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.auth import exceptions
from google.auth.compute_engine import Credentials, _metadata
from google.auth.credentials import Credentials as Valid
from google.oauth2 import service_account

from bot.gateways.clusters import ClusterGateways
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.verdicts import judge_refresh
from sandbox.google.account import AccessTokens, ServiceAccount
from sandbox.google.metadata import MetadataServer, MetadataSwitches
from sandbox.google.weathers import METADATA_WEATHERS, MetadataWeather
from sandbox.web.sites import serve_in_thread
from steps.contract.errors import GiveUp, NotGranted, TryAgain
from steps.mesh import ClusterAddress
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply, write_kubeconfig
from tests.unit.bot.gateways.project import ADDRESS

PATIENCE = 20.0


@dataclass(frozen=True)
class Pod:
    """What a bot's pod finds: the metadata server, and what is wrong with it."""

    server: MetadataServer
    switches: MetadataSwitches
    stop: Callable[[], None]


@pytest.fixture
def pod(account: ServiceAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    """A metadata server on loopback, which google-auth asks in place of the link-local one, without its pauses."""
    server = MetadataServer(account, AccessTokens())
    site = serve_in_thread(server.app())
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", site.url.removeprefix("http://"))
    yield Pod(server, server.switches, site.stop)
    site.stop()


def build_credentials(limit: float = PATIENCE) -> GoogleCredentials:
    """The bot's credentials as Workload Identity gives them."""
    return GoogleCredentials(Credentials, limit)


def test_workload_identity_gives_a_token(pod: Pod) -> None:
    """And tells the account's address."""
    credentials = build_credentials()
    assert pod.server.tokens.accepts(credentials.read_token())
    assert credentials.read_account() == pod.server.account.email


@pytest.mark.parametrize("weather", METADATA_WEATHERS, ids=lambda one: one.name)
def test_each_weather_of_the_metadata_server_is_met(pod: Pod, weather: MetadataWeather) -> None:
    """What passes is tried again; that the account is not bound no waiting mends."""
    weather.begin(pod.switches)
    if pod.switches.away or pod.switches.late_seconds:
        pod.stop()
    credentials = build_credentials(limit=0.02 if pod.switches.seconds else PATIENCE)
    with pytest.raises(GiveUp if weather.name == "metadata-unbound" else TryAgain):
        credentials.read_token()


@pytest.mark.parametrize("body", ["[]", "{", "<html>sign in</html>"])
def test_an_answer_of_another_form_is_asked_for_again(pod: Pod, body: str) -> None:
    """Something on the way may have answered."""
    pod.switches.status, pod.switches.body = 200, body
    with pytest.raises(TryAgain):
        build_credentials().read_token()


def test_a_token_comes_as_soon_as_the_server_is_in_order(pod: Pod) -> None:
    """By the same credentials."""
    credentials = build_credentials()
    pod.switches.status = 503
    with pytest.raises(TryAgain):
        credentials.read_token()
    pod.switches.status = 0
    assert pod.server.tokens.accepts(credentials.read_token())


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_that_is_not_bound_is_told_with_what_binds_it(pod: Pod, status: int) -> None:
    """No waiting helps there."""
    pod.switches.status = status
    with pytest.raises(GiveUp) as told:
        build_credentials().read_token()
    assert "roles/iam.workloadIdentityUser" in told.value.remedy


def test_a_binding_that_iam_does_not_know_yet_may_have_been_made_just_now(pod: Pod) -> None:
    """IAM takes minutes: whoever has bound the account and pressed Retry is not told the same again at once."""
    pod.switches.status = 403
    with pytest.raises(NotGranted):
        build_credentials().read_token()


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("Unable to acquire impersonated credentials: Permission 'iam.serviceAccounts.getAccessToken' denied on "
         "resource (or it may not exist).", NotGranted),
        ("('invalid_grant: Invalid grant: account not found', {'error': 'invalid_grant'})", GiveUp),
    ],
)  # fmt: skip
def test_what_iam_lacks_is_told_from_what_is_gone(words: str, verdict: type[GiveUp]) -> None:
    """A role may be on its way; a deleted account is not."""
    assert type(judge_refresh(exceptions.RefreshError(words), 400)) is verdict  # type: ignore[no-untyped-call]


def test_a_clock_that_is_off_is_named() -> None:
    """As the token endpoint says it of a service account's key."""
    words = "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    error = exceptions.RefreshError(f"{words} Check your iat and exp values in the JWT claim.")  # type: ignore[no-untyped-call]
    verdict = judge_refresh(error, 400)
    assert isinstance(verdict, GiveUp)
    assert "clock" in verdict.remedy


def test_a_refusal_is_told_until_a_token_comes(pod: Pod) -> None:
    """A server that is away refuses nothing."""
    credentials = build_credentials()
    told = [credentials.tell_refusal()]
    for status, verdict in ((503, TryAgain), (404, GiveUp)):
        pod.switches.status = status
        with pytest.raises(verdict):
            credentials.read_token()
        told.append(credentials.tell_refusal().partition(":")[0])
    pod.switches.status = 0
    credentials.read_token()
    assert [*told, credentials.tell_refusal()] == ["", "", "Google's metadata server refused the bot's account", ""]


def test_a_bot_that_needs_no_google_is_refused_nothing() -> None:
    """Clusters by kubeconfig alone."""
    credentials = GoogleCredentials(Tardy())
    assert (credentials.are_found(), credentials.tell_refusal()) == (False, "")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b'{"error": "internal_failure"}', b"", b"upstream"])
def test_a_token_endpoint_that_hiccups_is_asked_again(
    account: ServiceAccount, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    """Whatever stands between the bot and Google writes into the answer."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    account.write_key(tmp_path / "key.json", f"{serve(lambda _request: Reply(status, body)).url}/token")

    def load() -> Valid:
        made: Valid = service_account.Credentials.from_service_account_file(tmp_path / "key.json", scopes=["a"])  # type: ignore[no-untyped-call]
        return made

    with pytest.raises(TryAgain):
        GoogleCredentials(load).read_token()


class Held(Valid):
    """Credentials whose renewal hangs until `gate` opens, with a token that is valid for so many minutes."""

    def __init__(self, gate: threading.Event, minutes: float = -1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._gate = gate
        self.begun, self.renewals = threading.Event(), 0
        self.token, self.expiry = "ya29.first", datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)

    def refresh(self, request: object) -> None:
        """Hang, and give another token in the end."""
        self.renewals += 1
        self.begun.set()
        self._gate.wait(PATIENCE)
        self.token, self.expiry = "ya29.second", datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)


class Refused(Held):
    """Credentials that Google renews no more."""

    def refresh(self, request: object) -> None:
        """Say so."""
        raise exceptions.RefreshError("invalid_grant: account not found", {"error": "invalid_grant"})  # type: ignore[no-untyped-call]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Give what a hung renewal waits for; it opens in the end."""
    event = threading.Event()
    yield event
    event.set()


def test_a_token_in_force_is_used_while_it_cannot_be_renewed(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google's libraries ask for a new one minutes before its end; once that was late nobody waits for it."""
    held, waits = Held(gate, minutes=2), list[float]()
    credentials = GoogleCredentials(lambda: held, limit=0.02)
    run = credentials._renewing.run

    def wait(call: Callable[[], str], most: float = PATIENCE) -> str:
        waits.append(most)
        return run(call, most)

    monkeypatch.setattr(credentials._renewing, "run", wait)
    assert [credentials.read_token() for _ in range(3)] == 3 * ["ya29.first"]
    assert held.begun.wait(PATIENCE)
    assert (waits, held.renewals) == ([0.02], 1)


def test_a_token_in_force_is_used_where_it_is_not_renewed_any_more() -> None:
    """The refusal is told while it still works, so that somebody can mend it in time."""
    credentials = GoogleCredentials(lambda: Refused(threading.Event(), minutes=2))
    assert credentials.read_token() == "ya29.first"
    assert "account not found" in credentials.tell_refusal()
    with pytest.raises(GiveUp):
        credentials.replace_token("ya29.first")
    assert credentials.read_token() == "ya29.first"


def test_a_hung_renewal_is_begun_once_and_its_token_comes(gate: threading.Event) -> None:
    """However many ask meanwhile."""
    held = Held(gate)
    credentials = GoogleCredentials(lambda: held, limit=0.02)
    for _ in range(3):
        with pytest.raises(TryAgain, match="the renewal of Google's token"):
            credentials.read_token()
    assert held.begun.wait(PATIENCE)
    assert held.renewals == 1
    gate.set()
    patient = GoogleCredentials(lambda: held)
    assert patient.read_token() == "ya29.second"


def test_a_hung_renewal_holds_no_cluster_of_another_identity(
    gate: threading.Event, serve: Serve, tmp_path: Path
) -> None:
    """Three times as many clusters of the hung one as there are threads are told to come later, and one goes on."""
    server = serve(lambda _request: Reply.of({"gitVersion": "v1.16.15-gke.6000"}))
    other = ClusterAddress("cluster-y", kubeconfig=str(write_kubeconfig(tmp_path, server.url)))
    gateways = ClusterGateways(GoogleCredentials(lambda: Held(gate), limit=0.05))
    with ThreadPoolExecutor(8) as pool:
        hung = [pool.submit(gateways.gke.describe_cluster, replace(ADDRESS, key=f"hung-{n}")) for n in range(24)]
        version = pool.submit(gateways.kubernetes_for(other).read_server_version)
        assert version.result(PATIENCE) == "v1.16.15-gke.6000"
        assert not gate.is_set()
        assert {type(one.exception(PATIENCE)) for one in hung} == {TryAgain}
    gateways.close()


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
