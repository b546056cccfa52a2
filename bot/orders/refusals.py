"""Why a person can't have what was asked for."""

from __future__ import annotations


class Refusal(Exception):
    """The person can't have what was asked for; the text says why and what to do."""
