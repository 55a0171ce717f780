"""The programs that the proof starts: what each gave, and an end to all of them when the proof itself is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import BinaryIO, Mapping

_running: set[subprocess.Popen] = set()
_lock = threading.Lock()
_stopped = threading.Event()


class Stopped(Exception):
    """The proof ends: nothing more is started."""


class Run:
    """What a command gave."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")

    def both(self) -> str:
        return self.out + self.err


def run(command: list[str], given: bytes | BinaryIO = b"", environment: Mapping[str, str] | None = None) -> Run:
    """Runs a command, which reads those bytes or that file."""
    file = None if isinstance(given, bytes) else given
    with _lock:
        if _stopped.is_set():
            raise Stopped
        # A group of its own: Ctrl-C is for the proof, and mmdebstrap ends only together with what it started.
        pipe = subprocess.PIPE
        child = subprocess.Popen(command, stdin=file or pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)
        _running.add(child)
    try:
        out, err = child.communicate(given if file is None else None)
    finally:
        with _lock:
            _running.discard(child)
    if _stopped.is_set():
        raise Stopped
    return Run(child.returncode, out, err)


def stop() -> None:
    """Ends what runs, in whatever thread it was started, and lets nothing new begin."""
    with _lock:
        _stopped.set()
        for child in _running:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGINT)
