"""What a process and its children really run: the names of their threads, as the kernel has them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

THREAD = "jemalloc_bg_thd"


def threads(pid: int) -> list[str]:
    names = []
    for task in Path(f"/proc/{pid}/task").glob("*/comm"):
        try:
            names.append(task.read_text().strip())
        except OSError:
            pass
    return names


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            pass
    return sorted(found)


def workers(pid: int, count: int, log: Path, seconds: float = 30) -> list[int]:
    """The forked workers of a server, once there are `count` and none is being replaced."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = children(pid)
        if len(found) == count:
            time.sleep(0.3)
            if children(pid) == found:
                return found
        time.sleep(0.05)
    raise AssertionError(f"no {count} workers within {seconds:.0f} s: {log.read_text()[-2000:]}")


class Server:
    """A server in a session of its own; leaving the block ends it and all its workers."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path):
        self.log = folder / "server.log"
        self.command, self.environment, self.folder = command, environment, folder

    def __enter__(self) -> "Server":
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def workers(self, count: int) -> list[int]:
        return workers(self.process.pid, count, self.log)
