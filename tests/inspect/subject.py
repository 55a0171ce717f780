"""A target that runs: what it says of itself, what `malloclint inspect` says of it, and what the kernel says of its pages."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from places import Place

PAGE = os.sysconf("SC_PAGESIZE")
# Heaps of all arenas but the main one begin at a multiple of this.
HEAP = 64 << 20
PATIENCE = 120.0  # seconds
# The number of the call is the same on every architecture.
PROCESS_MADVISE, MADV_PAGEOUT = 440, 21


class Silent(Exception):
    """The target, or malloclint, does not answer."""


class Subject:
    """A target, which ends with the block that it is made for."""

    def __init__(self, place: Place, shape: str, variables: dict[str, str]) -> None:
        self._process = place.start(shape, variables)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Subject:
        try:
            self._answer()
            self.known = self.ask("known")
        except Silent:
            self.__exit__()
            raise
        self.pid = self.known["pid"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, what: str) -> Any:
        print(what, file=self._process.stdin, flush=True)
        return self._answer()

    def _listen(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _answer(self) -> Any:
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            line = ""
        if not line:
            raise Silent("the target gave no answer")
        return json.loads(line)

    def settle(self) -> None:
        """Waits until it has done what there is to do behind its last answer, and waits itself."""
        asleep, end = 0, time.monotonic() + PATIENCE
        while asleep < 3 and time.monotonic() < end:
            time.sleep(0.003)
            stats = [thread.read_text() for thread in Path(f"/proc/{self.pid}/task").glob("*/stat")]
            states = {stat.rpartition(")")[2].split()[0] for stat in stats}
            asleep = asleep + 1 if states == {"S"} else 0

    def cool(self) -> None:
        """Takes what the kernel can read again from files out of its memory, as it does where memory is short."""
        libc, process = ctypes.CDLL(None, use_errno=True), os.pidfd_open(self.pid)
        with open(f"/proc/{self.pid}/maps") as maps:
            parts = [line.split(maxsplit=5) for line in maps if line.rstrip()[-1:] != "]"]
        for reach, mode, *_, name in (part for part in parts if len(part) == 6):
            start, end = (int(half, 16) for half in reach.split("-"))
            if name.startswith("/") and "w" not in mode:
                vector = struct.pack("<2Q", start, end - start)
                libc.syscall(PROCESS_MADVISE, process, vector, ctypes.c_size_t(1), MADV_PAGEOUT, ctypes.c_uint(0))
        os.close(process)

    def inspect(self, malloclint: Path) -> dict[str, Any]:
        command = [str(malloclint), "inspect", str(self.pid), "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode != 0:
            raise Silent(f"malloclint ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return json.loads(done.stdout)["processes"][0]

    def resident(self, start: int, end: int) -> int:
        """Bytes of whole pages in a range that are in memory."""
        first, last = -(-start // PAGE), end // PAGE
        if last <= first:
            return 0
        with open(f"/proc/{self.pid}/pagemap", "rb", buffering=0) as pagemap:
            pagemap.seek(first * 8)
            entries = pagemap.read((last - first) * 8)
        return PAGE * sum(entry[0] >> 63 for entry in struct.iter_unpack("<Q", entries))

    def absent(self) -> tuple[int, int]:
        """Bytes of glibc's heaps that are not in memory: of the main one, and of the others."""
        gone = [(is_main, end - start - self.resident(start, end)) for is_main, start, end in self._heaps()]
        return sum(size for is_main, size in gone if is_main), sum(size for is_main, size in gone if not is_main)

    def _heaps(self) -> list[tuple[bool, int, int]]:
        """The main one has a name; at the beginning of each other stand its arena, the heap before it, and its size."""
        found = []
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            for is_main, start, end in self._joined():
                if is_main:
                    found.append((True, start, end))
                    continue
                places = range(-(-start // HEAP) * HEAP, end, HEAP)
                found += [(False, place, place + size) for place in places if (size := self._heap_size(memory, place, end))]
        return found

    def _joined(self) -> list[tuple[bool, int, int]]:
        """Mappings in which heaps may lie. One that is to have huge pages in a part of it is several mappings."""
        joined: list[tuple[bool, int, int]] = []
        with open(f"/proc/{self.pid}/maps") as maps:
            for line in maps:
                reach, mode, *_, name = [*line.split(maxsplit=5), ""][:6]
                start, end = (int(half, 16) for half in reach.split("-"))
                is_main = name.strip() == "[heap]"
                if not is_main and (name.strip() or mode != "rw-p"):
                    continue
                if joined and joined[-1][0] == is_main and joined[-1][2] == start:
                    start = joined.pop()[1]
                joined.append((is_main, start, end))
        return joined

    def _heap_size(self, memory: Any, place: int, end: int) -> int:
        """Nothing where no heap begins; a page that was never touched is not read, that would map it."""
        if self.resident(place, place + PAGE) == 0:
            return 0
        memory.seek(place)
        arena, before, size = struct.unpack("<3Q", memory.read(24))
        # An arena stands behind what describes its first heap, which takes 32 or 48 bytes.
        is_heap = arena % HEAP in (32, 48) and before % HEAP == 0 and size % PAGE == 0
        return size if is_heap and 0 < size <= min(HEAP, end - place) else 0
