#!/usr/bin/env python3
"""What allocators do under Python servers: memory, CPU and time of real programs, each under every setting.

    make bench-memory            # the whole of it: hours, on a machine with nothing else to do
    python3 bench/memory/run.py --quick

Every finished measurement is appended to the raw file, and is not done again: a run may be cut and started anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.dont_write_bytecode = True

import install  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
from trial import FULL, PROGRAMS, QUICK, Failed, Trial  # noqa: E402

HERE = Path(__file__).resolve().parent
TARGET = install.TARGET / "bench-memory"


def main() -> int:
    options = _options()
    if not Path("/proc/self/smaps_rollup").exists():
        print("left out: the memory benchmark (it needs Linux 4.14 or newer)")
        return 0
    bench = Bench(options)
    bench.raw.parent.mkdir(parents=True, exist_ok=True)
    header = bench.header()
    done = report.read(bench.raw)
    if done and done[0] != header:
        print(f"error: {bench.raw} was measured otherwise or elsewhere: keep it, and name another file with --raw")
        return 2
    if not done:
        report.append(bench.raw, header)
    failed = bench.run()
    report.write(bench.raw, options.report)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything works: its figures say nothing")
    parser.add_argument("--rounds", type=_rounds, metavar="N|FROM:TO", help="so often each pair is measured (5; with --quick 1), or the rounds from one number to before another")
    parser.add_argument("--part", choices=plan.parts(), help="this part alone (parts.toml), less than an hour")
    parser.add_argument("--program", action="append", metavar="NAME", help="this program only; may be given several times")
    parser.add_argument("--candidate", action="append", metavar="NAME", help="this candidate and glibc only; may be given several times")
    parser.add_argument("--candidates", type=Path, default=plan.CANDIDATES, metavar="FILE", help="other settings than those of candidates.toml")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the Python that is measured")
    parser.add_argument("--raw", type=Path, help="the file of single measurements")
    options = parser.parse_args()
    folder = TARGET / "quick" if options.quick else HERE / "results"
    options.kind, options.sizes, options.at_once, options.fresh = "rest", ["heavy"], 1, False
    if options.part:
        part = plan.parts()[options.part]
        options.kind, options.sizes, options.at_once, options.fresh = part.kind, part.sizes, part.at_once, part.fresh
        options.program, options.candidate = options.program or part.programs, options.candidate or part.candidates
    rounds = plan.parts()[options.part].rounds if options.part else 5
    options.rounds = options.rounds or range(1 if options.quick else rounds)
    options.raw = options.raw or folder / f"{options.part or 'raw'}.jsonl"
    options.report = options.raw.with_suffix("")
    return options


def _rounds(text: str) -> range:
    start, _, end = text.rpartition(":")
    return range(int(start or 0), int(end))


class Bench:
    def __init__(self, options: argparse.Namespace):
        self.options, self.raw, self.lock = options, options.raw, threading.Lock()
        self.phases = (QUICK if options.quick else FULL)[options.kind]
        self.version = _run([options.python, "-c", "import platform; print(platform.python_version())"])
        self.packages = install.venv(TARGET / f"packages-{self.version}", options.python, HERE / "requirements.txt")
        self.pythons = {hook: install.thin_venv(TARGET / f"{self.version}-{'hook' if hook else 'plain'}", options.python, self.packages, hook) for hook in (False, True)}
        self.database = self._database()
        self.libraries: dict[str, Path | str] = {}
        for name, (package, soname) in plan.packages().items():
            try:
                self.libraries[name] = install.library(package, soname, TARGET / "libraries")
            except install.Missing as error:
                self.libraries[name] = str(error)

    def header(self) -> dict:
        """What all measurements of a file have in common."""
        part = plan.parts().get(self.options.part)
        return {
            **({"about": part.about} if part else {}),
            "machine": {"cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20, "kernel": platform.release(), "libc": " ".join(platform.libc_ver())},
            "python": self.version,
            "phases": dataclasses.asdict(self.phases),
            "requirements": [line for line in (HERE / "requirements.txt").read_text().splitlines() if not line.startswith("#")],
            "candidates": {candidate.name: candidate.about for candidate in plan.candidates(self.options.candidates)},
            "programs": {program.name: program.about for program in plan.programs()},
            "kind": self.options.kind,
            "sizes": self.options.sizes,
            "at_once": self.options.at_once,
            "fresh": self.options.fresh,
            "libraries": {name: _debian_version(plan.packages()[name][0]) for name in self.libraries},
        }

    def run(self) -> list[str]:
        """Round by round, so that what changes on the machine meanwhile meets all alike; then again what was disturbed."""
        pairs, said = self._pairs()
        for line in said:
            print(f"left out: {line}")
        stale = report.drop(self.raw, {(program.name, candidate.name): candidate.env for program, candidate in pairs})
        if stale:
            print(f"dropped: {stale} measurements of settings that are others now")
        by_key = {
            (number, program.name, candidate.name, size): (number, program, candidate, size)
            for number in self.options.rounds
            for size in self.options.sizes
            for program, candidate in self._order(pairs, number)
        }
        failed: dict[tuple, str] = {}
        while waiting := [one for one in report.unfinished(report.read(self.raw)[1:], list(by_key)) if one not in failed]:
            start = time.monotonic()
            with ThreadPoolExecutor(self.options.at_once) as pool:
                done = {pool.submit(self._one, *by_key[key]): key for key in waiting}
                for position, ended in enumerate(as_completed(done), 1):
                    key, fault = done[ended], ended.result()
                    left = (time.monotonic() - start) / position * (len(waiting) - position) / 60
                    print(f"{position}/{len(waiting)} round {key[0] + 1}, {', '.join(key[1:])}: {fault or 'done'}; {left:.0f} min left", flush=True)
                    if fault:
                        failed[key] = fault
        return list(failed.values())

    def _one(self, number: int, program: plan.Program, candidate: plan.Candidate, size: str) -> str | None:
        beside = self.options.at_once > 1
        trial = Trial(program, candidate, self.pythons[candidate.hook], self.pythons[False], self.database, size, beside, self.options.fresh)
        others = Others()
        try:
            figures = trial.run(self.phases)
        except Failed as error:
            return str(error)
        if figures["complaints"]:
            return f"not as it was meant: {figures['complaints'][0]}"
        record = {"round": number, "program": program.name, "candidate": candidate.name, "size": size, "conf": candidate.env, "others": round(others.share(), 3), **figures}
        if beside:
            # They disturb each other, which memory does not mind: what was busy meanwhile is kept, and nothing repeated for it.
            record |= {"others": 0.0, "busy": record["others"]}
            record = {name: value for name, value in record.items() if name not in report.TIMES}
        with self.lock:
            report.append(self.raw, record)
        return None

    def _pairs(self) -> tuple[list[tuple], list[str]]:
        pairs, said = [], []
        for program in plan.programs():
            for candidate in plan.candidates(self.options.candidates):
                wanted = self.options.candidate is None or candidate.name in ("glibc", *self.options.candidate)
                if not wanted or program.name not in (self.options.program or [program.name]):
                    continue
                try:
                    pairs.append((program, self._ready(program, candidate)))
                except install.Missing as error:
                    said.append(f"{program.name}, {candidate.name}: {error}")
        return pairs, said

    def _ready(self, program: plan.Program, candidate: plan.Candidate) -> plan.Candidate:
        """The candidate with its library and its setting for that program; or why it is left out."""
        reason = plan.unfit(program, candidate, self.version)
        library = self.libraries.get(candidate.preload or "")
        if reason or isinstance(library, str):
            raise install.Missing(reason or library)
        env = dict(candidate.env)
        if candidate.profile:
            value = plan.profile(program.model, candidate.profile, candidate.hook, _debian_version(plan.packages()["jemalloc"][0]))
            if value is None:
                raise install.Missing("there is no profile for this version of jemalloc")
            env["MALLOC_CONF"] = value
        if candidate.hook:
            env["JEMALLOC_THREAD_IN_PYTHON"] = "1"
        return dataclasses.replace(candidate, library=library, env=env)

    @staticmethod
    def _order(pairs: list[tuple], number: int) -> list[tuple]:
        """Every round begins elsewhere among the candidates of a program: nobody is always the first."""
        ordered = []
        for program in dict.fromkeys(program for program, _ in ((one.name, two) for one, two in pairs)):
            own = [pair for pair in pairs if pair[0].name == program]
            shift = number * 7 % len(own)
            ordered += own[shift:] + own[:shift]
        return ordered

    def _database(self) -> Path:
        path = TARGET / "shop.db"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = path.with_suffix(".new")
            made.unlink(missing_ok=True)
            environment = {**os.environ, "BENCH_DATABASE": str(made), "PYTHONDONTWRITEBYTECODE": "1"}
            subprocess.run([str(self.pythons[False]), str(PROGRAMS / "shop.py")], env=environment, check=True)
            made.rename(path)
        return path


class Others:
    """What other processes use of one core while a trial runs: all that is used, less our own children."""

    def __init__(self) -> None:
        self.start, self.used, self.own = time.monotonic(), self._used(), self._own()

    def share(self) -> float:
        others = (self._used() - self.used) - (self._own() - self.own)
        return max(0.0, others / (time.monotonic() - self.start))

    @staticmethod
    def _used() -> float:
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle, waiting = fields[3:5]
        return (sum(fields) - idle - waiting) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _own() -> float:
        """Workers count as soon as their parent has waited for them, and we for that."""
        return sum(time.ru_utime + time.ru_stime for time in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _debian_version(package: str) -> str:
    """The version that was unpacked, as its own changelog's name does not tell: apt's candidate."""
    return _run(["apt-cache", "show", "--no-all-versions", package]).partition("\nVersion: ")[2].partition("\n")[0]


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
