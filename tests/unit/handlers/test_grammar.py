"""The words after /asm-upgrade."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clicks.orders import (
    Abort,
    Approve,
    BreakGlass,
    Decide,
    Deny,
    Order,
    ReadHelp,
    ReadHistory,
    ReadStatus,
    Start,
    StartOptions,
)
from handlers.grammar import Misread, read_order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ReadHelp()),
        ("help", ReadHelp()),
        ("STATUS", ReadStatus()),
        ("status cluster-x", ReadStatus("cluster-x")),
        ("approve cluster-x", Approve("cluster-x")),
        ("deny cluster-x too late today", Deny("cluster-x", reason="too late today")),
        ("deny cluster-x “too late”", Deny("cluster-x", reason="too late")),
        ("approve cluster-x k7q2md", Approve("cluster-x", code="k7q2md")),
        (
            "decide cluster-x K7Q2MD accept known check",
            Decide("cluster-x", reason="known check", choice="accept", code="K7Q2MD"),
        ),
        ("decide cluster-x K7Q2MD approve", Approve("cluster-x", code="K7Q2MD")),
        ("decide cluster-x accept known check", Decide("cluster-x", reason="check", choice="known", code="accept")),
        ("decide cluster-x", Decide("cluster-x")),
        ("break-glass cluster-x", BreakGlass("cluster-x")),
        ("break-glass cluster-x K7Q2MD it is down", BreakGlass("cluster-x", reason="it is down", code="K7Q2MD")),
        ("abort cluster-x wrong week", Abort("cluster-x", "wrong week")),
        ("abort cluster-x 5 &lt; 6 &amp; more", Abort("cluster-x", "5 < 6 & more")),
        ("history", ReadHistory()),
        ("start", Start()),
        ("start cluster-x mtls=strict", Start("cluster-x", StartOptions(mtls="STRICT"))),
        (
            "start cluster-x set values.gateways.enabled=true set a.b=c",
            Start("cluster-x", StartOptions(flags=("values.gateways.enabled=true", "a.b=c"))),
        ),
        (
            "start cluster-x canary=shop,blog skip=ops testing=no",
            Start(
                "cluster-x",
                StartOptions(canary_namespaces=("shop", "blog"), skip_namespaces=("ops",), testing_workloads=False),
            ),
        ),
        ("start cluster-x earlier=leave", Start("cluster-x", StartOptions(earlier_options="leave"))),
        ("start cluster-x earlier=take", Start("cluster-x")),
        (
            "start cluster-x set host=<http://mesh.example.com|mesh.example.com>",
            Start("cluster-x", StartOptions(flags=("host=mesh.example.com",))),
        ),
    ],
)
def test_understood(text: str, order: Order) -> None:
    """What a person types becomes one order."""
    assert read_order(text) == order


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("upgrade cluster-x", "There is no command `upgrade`"),
        ("approve", "Name the cluster"),
        ("deny cluster-x", "Say why"),
        ("decide cluster-x K7Q2MD", "Name the choice"),
        ("break-glass cluster-x K7Q2MD", "Say why"),
        ("start cluster-x mtls=maybe", "PERMISSIVE or STRICT"),
        ("start cluster-x fast", "`fast` is no option of start"),
        ("start cluster-x set novalue", "KEY=VALUE"),
        ("start cluster-x testing=perhaps", "yes or no"),
    ],
)
def test_a_fault_is_named(text: str, part: str) -> None:
    """Each with a sentence that says what to type."""
    misread = read_order(text)
    assert isinstance(misread, Misread)
    assert part in misread.answer


@given(st.text(max_size=120))
def test_nothing_typed_breaks_the_reader(text: str) -> None:
    """Whatever it is, it is an order or a fault."""
    assert isinstance(read_order(text), Order | Misread)


@given(st.text(alphabet="<!channel>&`|@ abc", max_size=60))
def test_an_answer_repeats_no_markup(text: str) -> None:
    """A typed broadcast isn't echoed as one."""
    read = read_order(f"x{text}")
    assert isinstance(read, Misread)
    assert "<" not in read.answer
