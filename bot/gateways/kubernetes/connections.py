"""How a cluster's API server is reached: by GKE's endpoint with Google credentials, or by a kubeconfig."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bot.files import read_bounded
from bot.gateways.calls.bounded import BoundedCalls
from bot.gateways.calls.faults import name_error
from bot.gateways.calls.trust import trust_public_authorities
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.endpoints import Endpoint
from bot.gateways.google.verdicts import GET_CREDENTIALS
from bot.gateways.kubernetes.verdicts import judge_kubeconfig
from steps.contract.documents import BadDocument, read_yaml
from steps.contract.errors import GiveUp
from steps.mesh import ClusterAddress, ReachedServer

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

POOL_SIZE = 8
# https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo
ACTING_FOR = ("as", "as-uid", "as-groups", "as-user-extra")


class FindsEndpoints(Protocol):
    """What a connection needs of GKE."""

    def find_endpoint(self, address: ClusterAddress) -> Endpoint:
        """Ask GKE where the cluster's API server is now."""
        ...


class Connection(Protocol):
    """Makes clients for one cluster; `name` is the cluster as people call it."""

    name: str
    unauthorized: str

    def open(self) -> ApiClient:
        """A client for where the API server is now."""
        ...

    def read_server(self, client: ApiClient) -> ReachedServer:
        """What an open client leads to."""
        ...

    def renew_token(self, client: ApiClient) -> None:
        """Replace the token that the API server refused with 401."""
        ...

    def read_account(self) -> str:
        """The account as the credentials name it, "" where they do not."""
        ...


class GkeConnection:
    """A cluster by GKE's container API, with a Google access token."""

    unauthorized = GET_CREDENTIALS

    def __init__(self, address: ClusterAddress, gke: FindsEndpoints, credentials: GoogleCredentials) -> None:
        self.name = address.key
        self._address = address
        self._gke = gke
        self._credentials = credentials
        self._opened = Endpoint("", "")

    def open(self) -> ApiClient:
        from kubernetes.client import ApiClient, Configuration

        endpoint = self._opened = self._gke.find_endpoint(self._address)
        configuration = Configuration(host=endpoint.host)
        if endpoint.ca:
            configuration.ca_cert_data = endpoint.ca
        configuration.refresh_api_key_hook = self._put_token  # type: ignore[assignment]
        # The client calls the hook only where a key is there already (kubernetes 37, Configuration.auth_settings).
        self._put_token(configuration)
        harden(configuration)
        client = ApiClient(configuration)
        if not endpoint.ca:
            client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = trust_public_authorities()
        return client

    def read_server(self, client: ApiClient) -> ReachedServer:
        return ReachedServer(digest_authority(self._opened.authority), self._opened.gke_id)

    def renew_token(self, client: ApiClient) -> None:
        self._credentials.replace_token(client.configuration.api_key["authorization"].removeprefix("Bearer "))

    def read_account(self) -> str:
        return self._credentials.read_account()

    def _put_token(self, configuration: Configuration) -> None:
        configuration.api_key["authorization"] = f"Bearer {self._credentials.read_token()}"


class KubeconfigConnection:
    """A cluster by kubeconfig and context, with whatever credentials they hold.

    `limit` bounds the kubeconfig's exec plugin in seconds, for the client waits for it without end.
    """

    def __init__(self, address: ClusterAddress, limit: float = 30.0) -> None:
        self.name = address.key
        self._plugin = BoundedCalls(f"the exec plugin in the kubeconfig of {address.key}", limit)
        self.unauthorized = f"Renew the credentials in {address.kubeconfig}, then retry."
        self._address = address

    def open(self) -> ApiClient:
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config import ConfigException
        from yaml import YAMLError

        path = Path(self._address.kubeconfig).expanduser()
        self._refuse_acting_for(path)
        configuration = Configuration()
        try:
            self._plugin.run(lambda: _load(path, self._address.context, configuration))
        except (ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError, LookupError) as error:
            raise judge_kubeconfig(self.name, path, name_error(error)) from error
        self._bound_hook(configuration)
        harden(configuration)
        return ApiClient(configuration)

    def _refuse_acting_for(self, path: Path) -> None:
        """kubectl and istioctl would act for somebody else, and this client for the account itself: two people."""
        acting = find_acting_for(path, self._address.context)
        if acting:
            raise GiveUp(
                f"the kubeconfig {path} of {self.name} acts for somebody else ({', '.join(acting)}), as the bot can't",
                "Give it credentials of the account that is meant, without these fields, then retry.",
            )

    def read_server(self, client: ApiClient) -> ReachedServer:
        file = client.configuration.ssl_ca_cert
        try:
            authority = read_bounded(Path(file)) if file else ""
        except (OSError, ValueError) as error:
            raise GiveUp(
                f"the CA of {self.name} can't be read: {name_error(error)}",
                f"Check what {self._address.kubeconfig} names as its certificate authority, then retry.",
            ) from error
        return ReachedServer(digest_authority(authority), host=client.configuration.host)

    def _bound_hook(self, configuration: Configuration) -> None:
        refresh: Callable[[Configuration], None] | None = configuration.refresh_api_key_hook
        if refresh is not None:
            bounded = functools.partial(self._refresh, refresh)
            configuration.refresh_api_key_hook = bounded  # type: ignore[assignment]

    def _refresh(self, refresh: Callable[[Configuration], None], configuration: Configuration) -> None:
        self._plugin.run(lambda: refresh(configuration))

    def renew_token(self, client: ApiClient) -> None:
        # Reading the file again is what renews a token file or an exec plugin's token; the hook holds the old one.
        renewed = self.open()
        client.configuration.api_key.update(renewed.configuration.api_key)
        client.configuration.refresh_api_key_hook = renewed.configuration.refresh_api_key_hook
        renewed.close()  # type: ignore[no-untyped-call]

    def read_account(self) -> str:
        return ""


def find_acting_for(path: Path, context: str) -> list[str]:
    """The fields by which a kubeconfig's user acts for another one; none where the file can't be read."""
    try:
        (found,) = read_yaml(read_bounded(path))
        name = context or found["current-context"]
        chosen = next(one["context"] for one in found["contexts"] if one["name"] == name)
        user = next(one["user"] for one in found["users"] if one["name"] == chosen["user"])
        return [field for field in ACTING_FOR if user.get(field)]
    except (BadDocument, OSError, KeyError, TypeError, ValueError, AttributeError, StopIteration):
        return []  # whoever loads it says what is wrong


def _load(path: Path, context: str, configuration: Configuration) -> None:
    from kubernetes.config import load_kube_config

    load_kube_config(str(path), context or None, configuration, persist_config=False)  # type: ignore[no-untyped-call]


def digest_authority(pem: str) -> str:
    """SHA-256 of a CA in PEM, however its lines are broken; "" where there is none."""
    return hashlib.sha256("".join(pem.split()).encode()).hexdigest() if pem.strip() else ""


def harden(configuration: Configuration) -> None:
    """Kernel keepalive against connections that die unseen; no hidden retries, for ours are bounded and counted."""
    configuration.keep_alive = True
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.retries = False
    configuration.client_go_retries = False
