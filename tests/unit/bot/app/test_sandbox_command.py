"""`asm-upgrade sandbox` where the sandbox was not installed."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from bot.app.cli import main


@pytest.mark.parametrize("package", ["sandbox", "aiohttp", "rich"])
def test_a_missing_sandbox_is_one_sentence(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is missing and how to get it."""
    monkeypatch.setitem(sys.modules, package, None)
    answer = CliRunner().invoke(main, ["sandbox"])
    assert answer.exit_code != 0
    assert answer.stderr.count("\n") == 1
    assert f"({package} missing)" in answer.stderr
    assert "pip install '.[sandbox]'" in answer.stderr
