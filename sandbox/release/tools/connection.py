"""HTTP/1.1 over one connection, as far as an API server needs it.

The tools start dozens of times an apply, and `http.client` alone takes longer to import than they take to work.
"""

from __future__ import annotations

import socket
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

LONGEST_LINE = 65_536


class Cut(Exception):
    """The answer ended too early, or is none."""


class Connection:
    """A connection to one server, opened for the first exchange and anew where the server closed it."""

    def __init__(self, host: str, port: int, trust: ssl.SSLContext | None, seconds: float) -> None:
        self._host = host
        self._port = port
        self._trust = trust
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._answers: BinaryIO | None = None
        self.warnings: list[str] = []

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        """Send a request and return the answer's status and content. Raises Cut, OSError; then `close` it."""
        opened = self._socket or self._open()
        length = {} if body is None and method == "GET" else {"Content-Length": str(len(body or b""))}
        host = f"[{self._host}]" if ":" in self._host else self._host
        named = {"Host": f"{host}:{self._port}", **headers, **length}
        head = "".join(f"{name}: {text}\r\n" for name, text in named.items())
        opened.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b""))
        return self._read_answer()

    def close(self) -> None:
        """Close it; the next exchange opens another one."""
        for opened in (self._answers, self._socket):
            if opened is not None:
                opened.close()
        self._socket = self._answers = None

    def _open(self) -> socket.socket:
        plain = socket.create_connection((self._host, self._port), self._seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened = self._trust.wrap_socket(plain, server_hostname=self._host) if self._trust else plain
        self._socket, self._answers = opened, opened.makefile("rb")
        return opened

    def _read_answer(self) -> tuple[int, bytes]:
        version, _, rest = self._read_line().partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
            raise Cut("no HTTP")
        status = int(rest[:3])
        headers = self._read_headers()
        if status < 200:
            return self._read_answer()
        if "warning" in headers:  # 299 - "the text"
            self.warnings.append(headers["warning"].partition('"')[2].removesuffix('"'))
        content = self._read_content(headers, status)
        if headers.get("connection", "").lower() == "close" or version == "HTTP/1.0":
            self.close()
        return status, content

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._read_line():
            name, _, text = line.partition(":")
            headers[name.strip().lower()] = text.strip()
        return headers

    def _read_content(self, headers: Mapping[str, str], status: int) -> bytes:
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = headers.get("content-length")
        if length is None:
            content = self._read(-1)
            self.close()
            return content
        return self._read(_read_size(length, 10))

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        while size := _read_size(self._read_line().partition(";")[0], 16):
            chunks.append(self._read(size))
            self._read_line()
        self._read_headers()
        return b"".join(chunks)

    def _read(self, size: int) -> bytes:
        assert self._answers is not None
        content = self._answers.read(size)
        if len(content) < size:
            raise Cut("the answer was cut")
        return content

    def _read_line(self) -> str:
        assert self._answers is not None
        line = self._answers.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise Cut("the answer was cut")
        return line.decode("latin-1").rstrip("\r\n")


def _read_size(text: str, base: int) -> int:
    try:
        return int(text, base)
    except ValueError as error:
        raise Cut(f"no size: {text[:20]}") from error
