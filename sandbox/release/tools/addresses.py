"""An API server's address, taken apart and put together without urllib, whose import takes longer than to ask."""

from __future__ import annotations

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
PORTS = {"https": 443}
HIGHEST_PORT = 65_535


def write_query(name: str, text: str) -> str:
    """Return the query that gives a name this text."""
    escaped = (chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in text.encode())
    return f"?{name}={''.join(escaped)}"


def find_place(server: str) -> tuple[str, int]:
    """Return the host and the port of a server's address. Raises ValueError where the port is none."""
    scheme, _, rest = server.partition("://")
    authority = rest.partition("/")[0].rpartition("@")[2]
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
    else:
        host, _, port = authority.partition(":")
    number = int(port.removeprefix(":") or PORTS.get(scheme.lower(), 80))
    if not 0 <= number <= HIGHEST_PORT:
        raise ValueError(f"port out of range: {number}")
    return host.lower(), number
