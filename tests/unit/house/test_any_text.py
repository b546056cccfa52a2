"""No text of others makes a reader fault: it is read, or it is a sentence."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from bot.gateways.kubernetes.wire_nodes import count_bytes
from bot.slack.drawing.buttons import read_value
from bot.slack.drawing.reminders import read_snooze
from bot.slack.drawing.text import escape, write_code
from bot.windows.appointments import UnclearTime, Written, parse_length, read_appointment, read_length
from bot.windows.downtime import Downtime
from handlers.forms.modals import read_reason_form
from handlers.grammar import read_order
from steps.contract.documents import BadDocument, read_json, read_yaml
from steps.contract.errors import GiveUp
from steps.contract.options import Overlay
from steps.contract.redaction import redact
from steps.install.asmctl_output import read_validation
from steps.install.istioctl_output import read_apply_output
from steps.install.overlays import find_overlay_fault
from steps.install.record.kubectl_errors import read_kubectl_errors
from steps.install.recovery import recover_options
from steps.versions import parse_asm_version, parse_image, parse_numbers
from steps.workloads.injection import parse_injector
from steps.workloads.placement import scale_count

# For each reader: in every run, and with --every-text.
SAMPLE, EVERY = 1_000, 100_000
# What commands, YAML, JSON, dates and numbers are made of, and what none of them expects.
PIECES = (
    *"{}[]()<>|&*!%@`'\"\\/:;,.#?=+-_~ \n\t\r\x00\x1b\x7f",
    *(
        "\u202e",
        "\ud800",
        "\U0001f4a5",
        "é",
        "²",
        "٣",
        "\u2028",
        "“",
    ),
    *(
        "start",
        "approve",
        "deny",
        "schedule",
        "extend",
        "set",
        "for",
        "cluster-x",
        "help",
        "canary=",
        "mtls=",
        "skip=a,b",
    ),
    *(
        "9999-12-31",
        "0000-00-00",
        "2026-02-30",
        "23:59",
        "24:00",
        "America/Los_Angeles",
        "UTC",
        "3h",
        "99999d",
        "-1m",
    ),
    *(
        "1e999",
        "-1e-999",
        "0x" + "f" * 40,
        "1" * 400,
        "59:59:59",
        "NaN",
        ".inf",
        "1_000",
        "0o9",
        "!!int x",
        "!!timestamp x",
    ),
    *(
        "&a ",
        "*a",
        "<<: ",
        "- ",
        "? ",
        "--- ",
        "...",
        "null",
        "true",
        "~",
        "{}",
        "[]",
        "policy: ",
        "global: ",
        "kind: ",
    ),
    *(
        "<http://a|b>",
        "<@U0ANA00001|x>",
        "&lt;",
        "kind: Secret\ndata:\n  a: b\n",
        "eyJ" + "a" * 9 + ".",
        "token=",
        "://a:b@",
    ),
    *(
        "error when creating ",
        "Validating ",
        "Warning: ",
        "for: ",
        "1.4.10-asm.18",
        "v1.",
        "gcr.io/a/b:c@sha256:",
        "%",
        "Ki",
    ),
)
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def read_time(text: str) -> object:
    """An appointment of words, wherever they fall."""
    words = [*text.split(" "), "", "", "", ""]
    with suppress(UnclearTime):
        read_length(words[3])
    return read_appointment(Written(*words[:4]), NOW, Downtime())


def read_metadata(text: str) -> object:
    """What a form carries unseen."""
    return read_reason_form({"private_metadata": text})


READERS: dict[str, tuple[Callable[[str], object], tuple[type[Exception], ...]]] = {
    "command": (read_order, ()),
    "button": (read_value, ()),
    "snooze": (read_snooze, ()),
    "form": (read_metadata, ()),
    "time": (read_time, (UnclearTime,)),
    "length": (parse_length, ()),
    "overlay": (lambda text: find_overlay_fault(Overlay("a.yaml", text)), ()),
    "yaml": (read_yaml, (BadDocument,)),
    "json": (read_json, (BadDocument,)),
    "injector": (lambda text: parse_injector({"config": text, "values": text}, "injector"), (GiveUp,)),
    "injector's values": (lambda text: parse_injector({"values": text}, "injector"), (GiveUp,)),
    "previous install": (lambda text: recover_options({"values": text}, {"mesh": text}), ()),
    "quantity": (count_bytes, ()),
    "share": (lambda text: scale_count(text, 7, round_up=True), ()),
    "version": (lambda text: (parse_asm_version(text), parse_numbers(text), parse_image(text)), ()),
    "istioctl": (read_apply_output, ()),
    "asmctl": (read_validation, ()),
    "kubectl": (read_kubectl_errors, ()),
    "redaction": (redact, ()),
    "drawing": (lambda text: (escape(text), write_code(text)), ()),
}


def write_texts(seed: str, count: int) -> Iterator[str]:
    """The same texts each time."""
    chosen = random.Random(seed)
    for _ in range(count):
        yield "".join(chosen.choices(PIECES, k=chosen.randint(1, 12)))


@pytest.mark.parametrize("name", READERS)
def test_any_text_is_read_or_is_a_sentence(name: str, pytestconfig: pytest.Config) -> None:
    """A reader raises what it says, and nothing else."""
    read, told = READERS[name]
    for text in write_texts(name, EVERY if pytestconfig.getoption("every_text") else SAMPLE):
        try:
            read(text)
        except told:
            continue
        except Exception as fault:
            raise AssertionError(f"{text!r}") from fault
