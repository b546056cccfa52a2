"""Whom a client trusts where a server has a certificate that anybody can check: the CAs of the system or the setting.

They are read once for all clients, for they take 850 KB and 18 ms of the processor, and a client that is given none
reads them anew for each connection. A bundle that changed on the disk is read again.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path


def trust_public_authorities() -> ssl.SSLContext:
    """The context that the clients of all clusters share. It verifies certificate and host name."""
    paths = ssl.get_default_verify_paths()
    return _read_authorities(*(_stamp(path) for path in (paths.cafile, paths.capath)))


def trust_for_downloads() -> ssl.SSLContext:
    """The context that all downloads share: the CAs that come with httpx, or those that a variable names."""
    named = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _read_authorities_of_httpx(*(_stamp(path) for path in named))


@lru_cache(maxsize=1)
def _read_authorities_of_httpx(*_places: tuple[str, int]) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


@lru_cache(maxsize=1)
def _read_authorities(*_places: tuple[str, int]) -> ssl.SSLContext:
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)  # what the client makes for each connection
    context.load_default_certs()
    return context


def _stamp(path: str | None) -> tuple[str, int]:
    """Where the CAs are, and when they were written."""
    try:
        return path or "", Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return path or "", 0
