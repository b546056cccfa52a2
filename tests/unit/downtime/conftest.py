"""Engines that are closed at the end of their test."""

from __future__ import annotations

from tests.unit.bot.conftest import build

__all__ = ["build"]
