"""What stands between a client and a server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_BYTES = 32 * 1024


class Link:
    """Carries connections to a server, and can swallow what passes while they stay: as an instance does that hangs."""

    def __init__(self, address: str) -> None:
        host, port = address.split(":")
        self._to = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_silent = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Ends it, and all that it carries."""
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # Its other end has gone before.
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._to)
            self._sockets += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(_MOST_BYTES):
                if not self.is_silent:
                    target.sendall(data)
        except OSError:
            pass  # Closed.


@contextmanager
def link_to(address: str) -> Iterator[Link]:
    """A link for the time of a test."""
    link = Link(address)
    try:
        yield link
    finally:
        link.close()
