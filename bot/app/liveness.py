"""Liveness on a port of its own, which nobody can keep busy: it answers whoever connects, unread."""

from __future__ import annotations

import socket
import threading
from collections import deque

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
# Answered connections are left open until as many others have come: closing one with its request unread resets it.
MOST_LINGERING = 64
LOOKED_AT_EVERY = 1.0


class LivePort:
    """Answers 200 to every connection at once. The whole of the program is alive or it isn't: no path is looked at."""

    def __init__(self, port: int, host: str) -> None:
        self._listener = socket.create_server((host, port), backlog=1024)
        self._listener.settimeout(LOOKED_AT_EVERY)
        self._lingering: deque[socket.socket] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self.port = int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._closing.set()
        self._thread.join(2 * LOOKED_AT_EVERY)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # no descriptor is left, or whoever came is gone
                self._let_go(MOST_LINGERING // 2)
                self._closing.wait(0.1)
                continue
            self._answer(connection)
        self._let_go(0)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        self._lingering.append(connection)
        self._let_go(MOST_LINGERING)
        try:
            connection.setblocking(False)
            connection.send(ANSWER)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _let_go(self, most: int) -> None:
        while len(self._lingering) > most:
            self._lingering.popleft().close()
