from __future__ import annotations

import base64

import pytest
from google.cloud.container_v1 import Cluster

from bot.gateways.google.endpoints import choose_endpoint
from steps.contract.errors import GiveUp

PEM = "-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n"
AUTHORITY = {"cluster_ca_certificate": base64.b64encode(PEM.encode()).decode()}
DNS = {"endpoint": "gke-1234.us-central1-a.gke.goog", "allow_external_traffic": True}
ADDRESSES = {
    "enabled": True,
    "enable_public_endpoint": True,
    "public_endpoint": "203.0.113.7",
    "private_endpoint": "10.0.0.2",
}


def describe(**fields: object) -> Cluster:
    """Describe cluster-x with a CA."""
    return Cluster(name="cluster-x", master_auth=AUTHORITY, **fields)


def test_dns_endpoint_has_a_public_certificate() -> None:
    """The cluster's CA does not sign it."""
    found = choose_endpoint(describe(control_plane_endpoints_config={"dns_endpoint_config": DNS}))
    assert (found.kind, found.host, found.ca) == ("dns", "https://gke-1234.us-central1-a.gke.goog", "")
    assert found.authority == PEM


def test_dns_endpoint_closed_to_the_outside_is_passed_over() -> None:
    """Without external traffic the addresses are tried."""
    closed = {**DNS, "allow_external_traffic": False}
    config = {"dns_endpoint_config": closed, "ip_endpoints_config": ADDRESSES}
    found = choose_endpoint(describe(control_plane_endpoints_config=config))
    assert (found.kind, found.host, found.ca) == ("public", "https://203.0.113.7", PEM)


def test_private_address_where_the_public_one_is_off() -> None:
    """A bot inside the network reaches it."""
    config = {"ip_endpoints_config": {**ADDRESSES, "enable_public_endpoint": False}}
    found = choose_endpoint(describe(control_plane_endpoints_config=config))
    assert (found.kind, found.host) == ("private", "https://10.0.0.2")


@pytest.mark.parametrize(("order", "host"), [(("private", "dns"), "10.0.0.2"), (("public", "dns"), "203.0.113.7")])
def test_the_order_of_clusters_toml_counts(order: tuple[str, ...], host: str) -> None:
    """A bot inside the network goes by the private address though DNS is there."""
    config = {"dns_endpoint_config": DNS, "ip_endpoints_config": ADDRESSES}
    found = choose_endpoint(describe(control_plane_endpoints_config=config), order)
    assert (found.kind, found.host) == (order[0], f"https://{host}")


def test_what_clusters_toml_leaves_out_is_not_used() -> None:
    """What the cluster has instead is said."""
    config = {"dns_endpoint_config": DNS}
    with pytest.raises(GiveUp, match="tried a private address; it has a DNS endpoint") as raised:
        choose_endpoint(describe(control_plane_endpoints_config=config), ("private",))
    assert "endpoints of clusters.toml" in raised.value.remedy


def test_addresses_that_are_off_are_not_used() -> None:
    """With IP endpoints disabled the DNS endpoint is the only one."""
    config = {"ip_endpoints_config": {**ADDRESSES, "enabled": False}}
    with pytest.raises(GiveUp, match="has no endpoint that the bot could use") as raised:
        choose_endpoint(describe(endpoint="203.0.113.7", control_plane_endpoints_config=config))
    assert "--enable-dns-access" in raised.value.remedy


def test_older_clusters_tell_the_endpoint_on_themselves() -> None:
    """Neither config is set: the cluster's own field counts."""
    found = choose_endpoint(describe(endpoint="203.0.113.7"))
    assert (found.kind, found.host, found.ca) == ("public", "https://203.0.113.7", PEM)


def test_older_private_clusters_are_told_as_private() -> None:
    """The field is the same, the address is not public."""
    private = {"enable_private_endpoint": True, "private_endpoint": "10.0.0.2"}
    found = choose_endpoint(describe(endpoint="10.0.0.2", private_cluster_config=private))
    assert (found.kind, found.host) == ("private", "https://10.0.0.2")


@pytest.mark.parametrize("authority", ["", "not base64!", base64.b64encode(b"no certificate").decode()])
def test_an_unusable_authority_is_explained(authority: str) -> None:
    """No call is made to a server that can't be checked."""
    cluster = Cluster(name="cluster-x", endpoint="203.0.113.7", master_auth={"cluster_ca_certificate": authority})
    with pytest.raises(GiveUp, match="no usable CA certificate"):
        choose_endpoint(cluster)
