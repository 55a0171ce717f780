"""Processes as the kernel has them: whose child is whose, their threads, their memory and their CPU time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def threads(pid: int) -> list[str]:
    """The names of a process's threads; none where it has gone."""
    return [text.strip() for text in _read(pid, "task/*/comm")]


def children(pid: int) -> list[int]:
    return sorted(int(child) for text in _read(pid, "task/*/children") for child in text.split())


def tree(pid: int) -> list[int]:
    """A process and all that came of it."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def proportional_set(pids: list[int]) -> int:
    """Their memory in bytes: what several of them share is counted once, in parts (PSS)."""
    lines = [line for pid in pids for text in _read(pid, "smaps_rollup") for line in text.splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def own_memory(pids: list[int]) -> int:
    """The same, whoever else maps the same files: anonymous memory in parts (it is shared within the tree alone), and each page of a file once.

    Of a file that several of them map, the one counts that has most of it in memory: they start alike, and read the same."""
    rollups = [line for pid in pids for text in _read(pid, "smaps_rollup") for line in text.splitlines()]
    anonymous = sum(_kib(line) for line in rollups if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    most: dict[str, int] = {}
    for pid in pids:
        for mapping, resident in _files(pid).items():
            most[mapping] = max(most.get(mapping, 0), resident)
    return (anonymous + sum(most.values())) * 1024


def _files(pid: int) -> dict[str, int]:
    """What a process has in memory of files, in KiB, without pages that it has written to (proc(5), "/proc/pid/smaps")."""
    found: dict[str, int] = {}
    mapping = ""
    for text in _read(pid, "smaps"):
        for line in text.splitlines():
            first, *rest = line.split(maxsplit=5)
            if first.endswith(":"):
                if mapping and first in ("Rss:", "Anonymous:"):
                    found[mapping] = found.get(mapping, 0) + (_kib(line) if first == "Rss:" else -_kib(line))
            else:
                # RANGE RIGHTS OFFSET DEVICE INODE PATH
                mapping = " ".join(rest[1:]) if rest[-1].startswith("/") else ""
    return found


def _kib(line: str) -> int:
    """The number of `Rss:  8 kB`."""
    return int(line.split()[1])


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of those processes and of children that they have waited for."""
    ticks = 0
    for pid in pids:
        for text in _read(pid, "stat"):
            # The name before the last bracket may hold anything.
            ticks += sum(int(field) for field in text.rpartition(")")[2].split()[11:15])
    return ticks / TICK


def page_faults(pids: list[int]) -> int:
    """Pages that those processes, and children that they have waited for, were given or had to copy: each costs about a microsecond. It is the same
    from run to run, however busy the machine is."""
    faults = 0
    for pid in pids:
        for text in _read(pid, "stat"):
            fields = text.rpartition(")")[2].split()
            faults += int(fields[7]) + int(fields[8])
    return faults


def _read(pid: int, pattern: str) -> list[str]:
    found = []
    for path in Path(f"/proc/{pid}").glob(pattern):
        try:
            found.append(path.read_text())
        except OSError:
            # It ended meanwhile.
            continue
    return found


@dataclass
class Session:
    """A program in a session of its own; leaving the block ends it and all that it started."""

    command: list[str]
    environment: dict[str, str]
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def __enter__(self) -> "Session":
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

    def workers(self, count: int, seconds: float = 30) -> list[int]:
        """The children, once there are `count` and none is being replaced."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = children(self.process.pid)
            if len(found) == count:
                time.sleep(0.3)
                if children(self.process.pid) == found:
                    return found
            time.sleep(0.05)
        raise AssertionError(f"no {count} children within {seconds:.0f} s: {self.log.read_text()[-2000:]}")
