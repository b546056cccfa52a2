"""What comes of a call to Slack."""

from __future__ import annotations

import pytest

from bot.slack.api.answers import Refused, Unclear, sort_upload


@pytest.mark.parametrize(
    ("status", "sorted_as"),
    [(200, None), (201, None), (301, Unclear), (302, Unclear), (304, Unclear), (403, Refused), (503, Unclear)],
)
def test_only_success_takes_a_file(status: int, sorted_as: type | None) -> None:
    """A redirect leads to a page, which takes nothing: it is tried again."""
    found = sort_upload(status)
    assert (None if found is None else type(found)) is sorted_as
