"""What a proxy answers in the API server's place, be it a redirect or a page, is neither done nor found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.gateways.kubernetes.gateway import KubernetesGateway
from steps.contract.errors import TryAgain
from steps.contract.leases import Lease
from steps.mesh import Binding, WorkloadRef
from tests.unit.bot.gateways.conftest import ConnectTo
from tests.unit.bot.gateways.loopback import Reply, in_order

WEB = WorkloadRef("shop", "Deployment", "web")
CALLS: dict[str, Callable[[KubernetesGateway], object]] = {
    "restart": lambda one: one.restart_workload(WEB, "2026-01-01T00:00:00Z"),
    "withdraw a restart": lambda one: one.withdraw_restart(WEB, "", "7"),
    "evict": lambda one: one.evict_pod("shop", "a", "u"),
    "delete a namespace": lambda one: one.delete_namespace("x"),
    "bind": lambda one: one.create_binding(Binding("b", "r", ("u",))),
    "revise a binding": lambda one: one.revise_binding(Binding("b", "r", ("u",))),
    "unbind": lambda one: one.delete_binding("b"),
    "write a Lease": lambda one: one.write_lease(Lease("n", "l", "bot", None, "", None, None, "")),
    "read a binding": lambda one: one.read_binding("b"),
    "list workloads": lambda one: one.list_workloads("shop", ("Deployment",)),
    "read the version": lambda one: one.read_server_version(),
}
PAGE = b"<html><title>Log in</title></html>"
ANSWERS = {
    **{str(status): Reply(status, b"", {"Location": "https://login.example/"}) for status in (301, 302, 303, 307, 308)},
    "304": Reply(304, b""),
    "302 with JSON": Reply(302, b"{}", {"Location": "https://login.example/"}),
    "302 with a page": Reply(302, PAGE, {"Location": "https://login.example/"}),
    "a page": Reply(200, PAGE),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("call", CALLS)
def test_what_leads_elsewhere_is_no_answer(connect: ConnectTo, call: str, answer: str) -> None:
    """Whatever was asked for; it is told as what it is."""
    gateway, _ = connect(in_order(ANSWERS[answer]))
    with pytest.raises(TryAgain, match="wants a sign-in or is out of order"):
        CALLS[call](gateway)


@pytest.mark.parametrize("call", ["restart", "evict", "delete a namespace", "unbind", "read a binding"])
def test_a_page_that_finds_nothing_is_no_absence(connect: ConnectTo, call: str) -> None:
    """A proxy's 404: what was asked for may well be there."""
    gateway, _ = connect(in_order(Reply(404, PAGE)))
    with pytest.raises(TryAgain, match=r"a page for people \(Log in\)"):
        CALLS[call](gateway)
