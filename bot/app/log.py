"""Log lines, one JSON object an event, those of libraries included, with secrets blotted out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from steps.contract.redaction import redact

# What these say is said by another library's line about the same event.
REPEATING = ("websocket",)


def configure_log(level: str, output: TextIO) -> None:
    """Log lines as JSON, or in colours on a terminal; libraries log from warnings on, or less if asked."""
    number = logging.getLevelNamesMapping()[level.upper()]
    finishing = _list_finishing(output)
    structlog.configure(
        processors=[*_list_naming(), *finishing],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(output),
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        ProcessorFormatter(
            processors=[ProcessorFormatter.remove_processors_meta, *finishing],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_list_naming()],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    for name in REPEATING:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _list_naming() -> list[Processor]:
    """Upgrade and cluster of whoever speaks, the level and the time."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _list_finishing(output: TextIO) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer() if output.isatty() else structlog.processors.JSONRenderer()
    return [structlog.processors.format_exc_info, redact_event, renderer]


@contextmanager
def keep_quiet() -> Iterator[None]:
    """Silence the log and libraries' warnings, for commands that print lines of their own."""
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
