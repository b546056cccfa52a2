"""Plugin: what costs every run time and holds nothing is left out, such as looking for garbage among what stays."""

from __future__ import annotations

import codecs
import gc
import sys
from collections.abc import Callable, Generator, Mapping
from functools import cache, partial
from typing import Any

import pytest
import structlog
import websocket._abnf
from slack_sdk.models.basic_objects import JsonObject

# To look at every 700 objects, as Python does, takes a tenth of the time of a test that upgrades a cluster.
YOUNG_OBJECTS = 20_000
# jsonschema compiles its 38 grammars as soon as it finds it, for formats that no schema of the tests names.
UNUSED = "rfc3987_syntax"


def pytest_configure(config: pytest.Config) -> None:
    """Draw no frames around the tracebacks that are logged: each takes as long as a test."""
    sys.modules[UNUSED] = None  # type: ignore[assignment]
    renderer = structlog.get_config()["processors"][-1]
    renderer.exception_formatter = structlog.dev.plain_traceback
    if hasattr(config, "workerinput") and config.option.durations is None and config.get_verbosity() <= 0:
        tell_less(config.pluginmanager)


def tell_less(plugins: pytest.PytestPluginManager) -> None:
    """Let a worker of xdist keep to itself what nobody looks at: to send and to read it takes as long as a test."""
    for teller in plugins.get_plugins():
        if send := getattr(teller, "sendevent", None):
            teller.sendevent = partial(send_if_telling, send)


def send_if_telling(send: Callable[..., None], name: str, **told: Any) -> None:
    """Send it, unless it is that a test begins, or that what stands around it passed without a word."""
    if name == "logstart" or (name == "testreport" and is_silent(told["data"])):
        return
    send(name, **told)


def is_silent(report: Mapping[str, Any]) -> bool:
    """Whether a report says nothing that is shown: a fixture was set up or taken down, and nothing was printed."""
    return report["outcome"] == "passed" and report["when"] != "call" and not report["sections"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that is imported and collected stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Nobody need look for garbage in what was imported, nor often among the rest."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    vars(websocket._abnf)["validate_utf8"] = is_utf8
    JsonObject.validate_json = validate_by_class  # type: ignore[assignment, method-assign]


def is_utf8(frame: bytes | str) -> bool:
    """As the library of Socket Mode checks a frame, which may end within a character; its own goes byte by byte."""
    if isinstance(frame, str):
        frame = frame.encode("utf-8", "surrogatepass")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(frame)
    except UnicodeDecodeError:
        return False
    return True


def validate_by_class(drawn: JsonObject) -> None:
    """As Slack's library checks what is drawn; it looks for its checks in each object and at each look anew."""
    for name in list_validators(type(drawn)):
        getattr(drawn, name)()


@cache
def list_validators(drawn: type[JsonObject]) -> tuple[str, ...]:
    """The names of a class's checks, which no object has by itself."""
    named = [name for name in dir(drawn) if not name.startswith("__")]
    return tuple(name for name in named if hasattr(getattr(drawn, name, None), "validator"))


@cache
def keep_what_worlds_import() -> None:
    """What the first world loaded stays, and is most of what there is: nobody looks for garbage in it again."""
    gc.collect()
    gc.freeze()
