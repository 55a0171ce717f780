"""Stands between a program and a server, and cuts some of their connections in the middle of an answer."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress

PART = 1 << 16


class Cutter:
    """Listens on a port of its own. `after`: so many bytes of answers pass; `times`: so many connections are cut."""

    def __init__(self, target: int, after: int, times: int) -> None:
        self._target, self._after, self._times = target, after, times
        self._lock = threading.Lock()
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _pass_on(self, client: socket.socket) -> None:
        passed = 0
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    part = ready.recv(PART)
                    if not part:
                        return
                    (server if ready is client else client).sendall(part)
                    passed += len(part) if ready is server else 0
                    if passed > self._after and self._cuts():
                        return

    def _cuts(self) -> bool:
        with self._lock:
            cuts = self.cut < self._times
            self.cut += cuts
            return cuts
