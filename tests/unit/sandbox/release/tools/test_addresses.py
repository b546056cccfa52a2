"""Addresses that the tools take apart and put together by themselves."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.release.tools.addresses import find_place, write_query


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ("https://10.0.0.1", ("10.0.0.1", 443)),
        ("https://10.0.0.1:6443", ("10.0.0.1", 6443)),
        ("https://K8S.example.com:6443/clusters/x", ("k8s.example.com", 6443)),
        ("http://127.0.0.1", ("127.0.0.1", 80)),
        ("https://[::1]:8443", ("::1", 8443)),
        ("https://[::1]", ("::1", 443)),
        ("https://somebody@k8s:1", ("k8s", 1)),
    ],
)
def test_a_servers_address_leads_where_urllib_would_go(server: str, place: tuple[str, int]) -> None:
    """With a port of its own or the scheme's, by name or by either kind of number."""
    known = urlsplit(server)
    assert (known.hostname, known.port or place[1]) == place
    assert find_place(server) == place


@pytest.mark.parametrize("server", ["https://k8s:many", "https://k8s:70000"])
def test_an_address_without_a_port_that_is_one_is_refused(server: str) -> None:
    """A kubeconfig with it is told as a wrong one."""
    with pytest.raises(ValueError, match=r"port|invalid literal"):
        find_place(server)


@pytest.mark.parametrize("text", ["app=web", "a in (b,c)", "x!=ä&y=1", "a+b=%20", "operator.istio.io/component=Base"])
def test_a_query_is_read_as_it_was_meant(text: str) -> None:
    """Whatever stands in a selector."""
    assert parse_qs(write_query("labelSelector", text).removeprefix("?")) == {"labelSelector": [text]}
