"""Answers of an API server as typed values."""

from __future__ import annotations

import msgspec
import pytest

from bot.gateways.kubernetes.wire import LabelSelector, decode_selector
from steps.contract.errors import GiveUp


@pytest.mark.parametrize("text", [b"", b"null", b"{}"])
def test_no_selector_selects_by_nothing(text: bytes) -> None:
    """As of a workload that has none."""
    assert decode_selector(msgspec.Raw(text)) == LabelSelector()


def test_a_plain_map_is_a_selector() -> None:
    """A ReplicationController has no other."""
    assert decode_selector(msgspec.Raw(b'{"app": "shop"}')) == LabelSelector(match_labels={"app": "shop"})


@pytest.mark.parametrize("text", [b'{"matchLabels": 5}', b"[]", b'{"matchExpressions": [5]}', b"7"])
def test_a_selector_of_another_form_is_a_sentence(text: bytes) -> None:
    """It is never taken for an empty one."""
    with pytest.raises(GiveUp, match="selector can't be read"):
        decode_selector(msgspec.Raw(text))
