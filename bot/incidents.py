"""Faults of the bot itself: each gets a number that stands in the log and in what people are told."""

from __future__ import annotations

import secrets

import structlog


def note_incident(event: str, fault: Exception, **about: object) -> str:
    """Log a fault under a new number and return that number."""
    incident = secrets.token_hex(4)
    structlog.get_logger(__name__).error(event, incident=incident, exc_info=fault, **about)
    return incident
