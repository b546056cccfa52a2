"""Log lines, with secrets blotted out."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict

from steps.contract.redaction import redact


def configure_log(level: str) -> None:
    """Log lines as JSON on stderr, or in colours on a terminal."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def keep_quiet() -> Iterator[None]:
    """For commands that print lines of their own: neither log nor warnings of libraries come between them."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.reset_defaults()


def redact_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Blot out tokens and keys in every text of a log line, however deep it stands."""
    return {name: redact_value(value) for name, value in event.items()}


def redact_value(value: object) -> object:
    """The value with every text in it redacted; anything but a plain value becomes its text."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case Mapping():
            return {str(name): redact_value(part) for name, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redact_value(part) for part in value]
        case _:
            return redact(repr(value))
