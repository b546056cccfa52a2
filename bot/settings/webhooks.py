"""[webhooks.NAME] of clusters.toml: where events are sent, besides Slack."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from bot.journal.audit import KINDS, Kind
from bot.likeness import describe_unknown
from bot.settings.clusters import Field
from steps.contract.documents import read_toml

SHORTEST_SECRET = 24
# As standard-webhooks writes secrets: the rest is base64.
PREFIX = "whsec_"
WebhookTable: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Webhook:
    """An address that is told of events of these kinds; `authorization` is a whole header, "" for none."""

    name: str
    url: str
    secret: bytes = field(repr=False)
    authorization: str = field(repr=False, default="")
    kinds: frozenset[Kind] = frozenset(KINDS)


def check_url(value: object) -> str:
    """An address that nobody can listen in on."""
    wrong = "must be an https address (http only on the loopback)"
    if not isinstance(value, str) or len(value) > 2000:
        return wrong
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return wrong
    if not parts.hostname or parts.username or re.search(r"[\s\x00-\x1f]", value):
        return wrong
    return "" if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname)) else wrong


def check_variable(value: object) -> str:
    """The name of an environment variable."""
    fine = isinstance(value, str) and re.fullmatch(r"[A-Z_][A-Z0-9_]{0,100}", value)
    return "" if fine else "must be the name of an environment variable"


def check_kinds(value: object) -> str:
    """A list of kinds of events."""
    fine = isinstance(value, list) and bool(value) and all(isinstance(kind, str) and kind in KINDS for kind in value)
    return "" if fine else f"must be a list of {', '.join(KINDS)}"


WEBHOOK_FIELDS: tuple[Field, ...] = (
    Field("url", "Where events are sent to: https, or http on the loopback.", check_url, ""),
    Field("secret", "The environment variable with the secret that they are signed with.", check_variable, ""),
    Field(
        "authorization",
        "The environment variable with a whole Authorization header, for collectors that want one.",
        check_variable,
        "",
    ),
    Field("events", "The kinds of events: " + ", ".join(KINDS) + "; all by default.", check_kinds, []),
)


def parse_webhooks(text: str, path: Path, environment: Mapping[str, str]) -> tuple[tuple[Webhook, ...], list[str]]:
    """Read [webhooks] of a clusters.toml that is TOML; secrets are the environment's. Answers every fault found."""
    tables = read_toml(text).get("webhooks", {})
    if not isinstance(tables, dict):
        return (), [f"{path.name}: webhooks must be tables, [webhooks.NAME]."]
    faults = [
        f"{path.name}: [webhooks.{name}] {fault}."
        for name, table in tables.items()
        for fault in _find_faults(name, table, environment)
    ]
    if faults:
        return (), faults
    return tuple(_build(name, table, environment) for name, table in tables.items()), []


def _find_faults(name: str, table: object, environment: Mapping[str, str]) -> list[str]:
    if not isinstance(table, dict):
        return ["must be a table"]
    known = {item.name: item for item in WEBHOOK_FIELDS}
    faults = [describe_unknown(one, known) for one in table if one not in known]
    faults += [f"lacks {one}" for one in ("url", "secret") if one not in table]
    faults += [f"{one} {wrong}" for one in table if one in known and (wrong := known[one].check(table[one]))]
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", name):
        faults.append("has a name that is not lower-case letters, digits and dashes")
    return faults or _find_secret_faults(table, environment)


def _find_secret_faults(table: WebhookTable, environment: Mapping[str, str]) -> list[str]:
    faults = [
        f"{one} names {table[one]}, which is not set in the environment"
        for one in ("secret", "authorization")
        if one in table and not environment.get(table[one], "").strip()
    ]
    if not faults and len(_read_secret(environment[table["secret"]])) < SHORTEST_SECRET:
        faults.append(f"secret names {table['secret']}, which is no base64 or holds less than {SHORTEST_SECRET} bytes")
    if re.search(r"[\r\n]", environment.get(table.get("authorization", ""), "").strip()):
        faults.append(f"authorization names {table['authorization']}, which has more than one line")
    return faults


def _build(name: str, table: WebhookTable, environment: Mapping[str, str]) -> Webhook:
    return Webhook(
        name,
        table["url"],
        _read_secret(environment[table["secret"]]),
        environment.get(table.get("authorization", ""), "").strip(),
        frozenset(table.get("events") or KINDS),
    )


def _read_secret(text: str) -> bytes:
    """The bytes of a secret, as standard-webhooks reads it; empty where it is no base64."""
    given = text.strip()
    if not given.startswith(PREFIX):
        return given.encode()
    try:
        return base64.b64decode(given.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
