"""Which way out of its network the bot takes: a proxy, and a CA that is trusted besides the public ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BEGIN = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class WayOut:
    """The proxy's address, "" for none, and the file with the CA's certificates, None for none."""

    proxy: str = ""
    authority: Path | None = None


STRAIGHT = WayOut()


def parse_way_out(proxy: str, authority: str) -> tuple[WayOut, list[str]]:
    """The way out that two settings name, and what is wrong with them."""
    faults = []
    if proxy and not _is_address(proxy):
        faults.append(
            f"ASM_UPGRADE_PROXY is {_hide(proxy)!r}; it must be an address such as http://proxy.example.com:3128."
        )
    file = Path(authority) if authority else None
    if file is not None and (fault := _judge_file(file)):
        faults.append(f"ASM_UPGRADE_CA is {authority!r}, {fault}.")
    return WayOut(proxy, file), faults


def _is_address(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in ("http", "https") and bool(parts.hostname and parts.port) and parts.path in ("", "/")
    except ValueError:
        return False


def _hide(proxy: str) -> str:
    """The address without a password in it."""
    return re.sub(r"//[^/@]*@", "//…@", proxy)


def _judge_file(file: Path) -> str:
    try:
        text = file.read_text(encoding="ascii")
    except OSError as error:
        return f"which can't be read: {error.strerror or error}"
    except UnicodeDecodeError:
        return "which is not PEM: convert it by `openssl x509 -inform der -in FILE -out FILE.pem`"
    return "" if BEGIN in text else "which holds no certificate in PEM"
