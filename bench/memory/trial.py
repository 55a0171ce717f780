"""One measurement: a program under a candidate, through warm-up, burst, rest and light traffic."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import processes
from plan import Candidate, Program

PROGRAMS = Path(__file__).resolve().parent / "programs"
LOAD = Path(__file__).resolve().parent / "load.py"


@dataclass(frozen=True)
class Phases:
    """How much of everything. `share` is the part of a program's burst that is asked for."""

    share: float
    rest: float
    light: int


@dataclass(frozen=True)
class Growth:
    """Light load for a long time: every `pause` seconds so many requests, one after the other."""

    seconds: float
    pause: float = 10.0
    light: int = 20
    heavy: int = 4


FULL = {"rest": Phases(share=1.0, rest=15.0, light=300), "growth": Growth(1200)}
QUICK = {"rest": Phases(share=0.1, rest=2.0, light=40), "growth": Growth(20, pause=2)}


class Failed(Exception):
    """A program did not start or did not answer."""


class Trial:
    def __init__(self, program: Program, candidate: Candidate, python: Path, plain: Path, database: Path, size: str = "heavy", beside: bool = False, fresh: bool = False):
        self.program, self.candidate, self.beside = program, candidate, beside
        self.burst = program.requests(size)
        self.python, self.plain = python, plain
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        for name in ("queue", "control"):
            (self.folder / name).mkdir()
        self.port = _free_port()
        self.common = {**_clean(), "BENCH_DATABASE": str(database), "BENCH_FOLDER": str(self.folder), "BENCH_SIZE": size, "BENCH_FRESH": str(int(fresh)), "PYTHONPATH": str(PROGRAMS), "PYTHONDONTWRITEBYTECODE": "1"}
        self.asked = 0

    def run(self, phases: Phases | Growth) -> dict:
        try:
            with processes.Session(self._command(), {**self.common, **self.candidate.environment()}, self.folder) as server:
                self.server = server
                return self._growth(phases) if isinstance(phases, Growth) else self._phases(phases)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _phases(self, phases: Phases) -> dict:
        burst = max(int(self.burst * phases.share), self.program.clients)
        self._wait()
        self._ask("light", max(burst // 8, self.program.clients))
        time.sleep(1)
        told = {"base": self._memory()}
        self._ask("heavy", max(burst // 8, 4))
        before, faults = self._cpu(), processes.page_faults(self._tree())
        # To read every mapping again and again would hold the server up.
        with Peak(lambda: processes.proportional_set(self._tree())) as peak:
            heavy = self._ask("heavy", burst)
        told["peak"] = peak.most
        time.sleep(0.5)
        told["after_burst"] = self._memory()
        told["peak"] = max(told["peak"], told["after_burst"])
        time.sleep(phases.rest)
        told["idle"] = self._memory()
        light = self._ask("light", phases.light)
        told["after_light"] = self._memory()
        told["cpu"] = self._cpu() - before
        told["faults"] = processes.page_faults(self._tree()) - faults
        told["rate"] = len(heavy["times"]) / heavy["seconds"]
        told["p99"] = percentile(heavy["times"], 99)
        told["p99_light"] = percentile(light["times"], 99)
        told["processes"] = len(self._tree())
        told["complaints"] = self._complaints()
        return told

    def _growth(self, growth: Growth) -> dict:
        """Memory in bytes at every pause, from the first answers on."""
        self._wait()
        self._ask("light", self.program.clients * 2)
        time.sleep(1)
        curve, start = [[0.0, self._memory()]], time.monotonic()
        while (passed := time.monotonic() - start) < growth.seconds:
            self._ask("light", growth.light, clients=1)
            self._ask("heavy", growth.heavy, clients=2)
            time.sleep(max(0.0, start + passed + growth.pause - time.monotonic()))
            curve.append([round(time.monotonic() - start, 1), self._memory()])
        return {"curve": curve, "processes": len(self._tree()), "complaints": self._complaints()}

    def _command(self) -> list[str]:
        words = [word.replace("{port}", str(self.port)) for word in self.program.command]
        if words[0].endswith(".py"):
            words[0] = str(PROGRAMS / words[0])
        return [str(self.python), *words]

    def _tree(self) -> list[int]:
        return processes.tree(self.server.process.pid)

    def _memory(self) -> int:
        """Beside another trial the pages of files would be shared with that one, too."""
        return processes.own_memory(self._tree()) if self.beside else processes.proportional_set(self._tree())

    def _cpu(self) -> float:
        return processes.cpu_seconds(self._tree())

    def _wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + 60
        while self.program.load == "http" and time.monotonic() < end:
            if self.server.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        if self.program.load == "http":
            raise Failed(f"it does not start: {self._said()}")

    def _ask(self, what: str, count: int, clients: int | None = None) -> dict:
        target = f"127.0.0.1:{self.port}" if self.program.load == "http" else str(self.folder)
        words = [self.program.load, target, what, str(self.asked), str(count), str(clients or self.program.clients)]
        self.asked += count
        done = subprocess.run([str(self.plain), str(LOAD), *words], env=self.common, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"{(done.stderr.strip().splitlines() or ['no answer'])[-1]}; it said: {self._said()}")
        return json.loads(done.stdout)

    def _said(self) -> str:
        return self.server.log.read_text(errors="replace")[-600:]

    def _complaints(self) -> list[str]:
        """What the loader or jemalloc found wrong: such a measurement is of something else."""
        marks = ("ERROR: ld.so", "<jemalloc>", "mimalloc: ")
        return sorted({line for line in self.server.log.read_text(errors="replace").splitlines() if line.startswith(marks)})


class Peak:
    """Looks from time to time, and keeps the most that it saw."""

    PERIOD = 0.25

    def __init__(self, look):
        self.look, self.most, self.over = look, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self) -> None:
        while True:
            self.most = max(self.most, self.look())
            if self.over.wait(self.PERIOD):
                return


def percentile(values: list[float], percent: float) -> float:
    """The least value that so many of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _clean() -> dict[str, str]:
    """An environment without what this machine sets for its own Python and allocator."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MALLOC_", "LD_", "GLIBC_", "MIMALLOC_", "TCMALLOC_"))}
    # Threads of NumPy's own would be counted, and are not what is compared.
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
