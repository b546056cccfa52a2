"""The key of the tests' journals."""

from __future__ import annotations

from bot.journal.proofs import Key

KEY = Key(b"the key of the tests, 32 letters")
