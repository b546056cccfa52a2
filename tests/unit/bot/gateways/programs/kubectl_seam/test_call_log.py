from __future__ import annotations

from bot.gateways.programs.kubectl_seam.call_log import list_forbidden, read_calls
from steps.contract.ports import ForbiddenRead
from tests.unit.bot.gateways.programs.kubectl_seam.rig import SELECTOR, Yard, apply_of, made, stream

PILOT = stream(made("ConfigMap", "istio"))
GET = ("get", "all", "-o", "yaml", "--all-namespaces", "--selector", f"{SELECTOR}=Grafana")
FORBIDDEN = (
    'Error from server (Forbidden): deployments.apps is forbidden: User "bot" cannot list resource "deployments" '
    'in API group "apps" at the cluster scope\n'
)


def test_calls_come_in_the_order_in_which_they_began(yard: Yard) -> None:
    """Each with its component and its exit code."""
    rig = yard.record()
    rig.call(GET)
    rig.call(apply_of("Pilot"), PILOT)
    calls = read_calls(rig.folder.calls)
    assert [(call.verb, call.component, call.exit_code) for call in calls] == [
        ("get", "Grafana", 0),
        ("apply", "Pilot", 0),
    ]
    assert [call.is_write for call in calls] == [False, True]


def test_a_forbidden_kind_is_named(yard: Yard) -> None:
    """So that a person knows the rule that lets it be read."""
    rig = yard.record()
    rig.tell("faults", FORBIDDEN)
    rig.call(GET)
    (call,) = read_calls(rig.folder.calls)
    assert list_forbidden(call) == (ForbiddenRead("apps", "deployments", "list"),)


def test_secrets_stay_in_the_folder(yard: Yard) -> None:
    """What kubectl prints of a token is not passed on to people."""
    rig = yard.record()
    rig.tell("faults", "error: the header Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789 was refused\n")
    rig.call(GET)
    (call,) = read_calls(rig.folder.calls)
    assert "abcdefghijklmnop" not in call.stderr
