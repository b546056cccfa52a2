"""The sandbox's Google APIs as the tests of the gateways use them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.oauth2 import service_account

from bot.gateways.google.credentials import SCOPES, GoogleCredentials
from bot.gateways.google.endpoints import Endpoint
from bot.gateways.google.gke import GoogleEndpoints
from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate
from sandbox.google.account import ServiceAccount
from sandbox.google.project import GkeCluster, Project
from sandbox.google.server import TOKEN_PATH, GoogleApis
from sandbox.google.switches import GoogleSwitches
from sandbox.web.sites import serve_in_thread
from steps.contract.ports import Kubernetes
from steps.mesh import ClusterAddress

ADDRESS = ClusterAddress("cluster-x", "example-project", "us-central1-a", "cluster-x")


class NoGke:
    """Stands where no cluster is found through GKE."""

    def find_endpoint(self, address: ClusterAddress) -> Endpoint:
        """Fail the test."""
        pytest.fail(f"GKE was asked for {address.key}")


def refuse_kubeconfigs(address: ClusterAddress) -> Kubernetes:
    """Fail the test, for no cluster of it is given by kubeconfig."""
    pytest.fail(f"{address.key} was asked for by kubeconfig")


class Google:
    """A project with cluster-x, and credentials for it from a key file."""

    def __init__(self, account: ServiceAccount, folder: Path) -> None:
        self.certificate: ServingCertificate = ensure_certificate(folder / "tls")
        cluster = GkeCluster("cluster-x", "us-central1-a", "127.0.0.1:6443", self.certificate.ca_base64)
        self.apis = GoogleApis(Project(clusters=(cluster,)), account)
        self.site = serve_in_thread(self.apis.app())
        self.key_file = folder / "key.json"
        account.write_key(self.key_file, self.site.url + TOKEN_PATH)
        self.credentials = GoogleCredentials(self._load)
        self.credentials._soon = 20.0  # a busy machine may renew late, and no test of it wants the token in force then
        self.endpoints = GoogleEndpoints(self.site.url, self.site.url, self.site.url)

    @property
    def switches(self) -> GoogleSwitches:
        """What is different or broken."""
        return self.apis.switches

    def change_cluster(self, **fields: Any) -> None:
        """Change what GKE tells of cluster-x."""
        (cluster,) = self.apis.project.clusters
        self.apis.project = replace(self.apis.project, clusters=(replace(cluster, **fields),))

    def _load(self) -> service_account.Credentials:
        made = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            self.key_file, scopes=list(SCOPES)
        )
        assert isinstance(made, service_account.Credentials)
        return made
