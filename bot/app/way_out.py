"""Sends every client and every child program out of the network the same way.

Each reads environment variables of its own convention; they are set once, from two settings.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

import certifi

from bot.files import write_atomically
from bot.journal.store import open_folder
from bot.settings.way_out import WayOut

BUNDLE = "trusted.pem"
PROXY = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
NO_PROXY = ("NO_PROXY", "no_proxy")
# OpenSSL (Python's own clients, Slack's and the Kubernetes client among them) and Go read the first, requests the
# second, websocket-client the third.
TRUSTED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE")
# Never asked through a proxy: the machine itself, and the metadata server of Google's machines.
NEARBY = ("localhost", "127.0.0.1", "::1", "169.254.169.254", "metadata.google.internal")


def take_way_out(way: WayOut, state: Path, environment: MutableMapping[str, str]) -> None:
    """Set the variables, before anything is connected to. Raises OSError where the bundle can't be written."""
    if way.proxy:
        environment.update(dict.fromkeys(PROXY, way.proxy))
        kept = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        hosts = dict.fromkeys([*filter(None, map(str.strip, kept.split(","))), *NEARBY])
        environment.update(dict.fromkeys(NO_PROXY, ",".join(hosts)))
    if way.authority is not None:
        environment.update(dict.fromkeys(TRUSTED, str(_write_bundle(way.authority, state))))


def _write_bundle(authority: Path, state: Path) -> Path:
    """The public CAs and the one given, in one file: whoever reads it trusts nobody else."""
    open_folder(state)
    bundle = state.absolute() / BUNDLE
    write_atomically(bundle, Path(certifi.where()).read_bytes() + b"\n" + authority.read_bytes())
    return bundle
