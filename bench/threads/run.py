"""Measures what allocator settings cost threads: native ones without the GIL, and those of Python under it.

    python3 bench/threads/run.py

takes five minutes on a machine with nothing else to do, and writes results.json beside this file and results.md from it. Allocators and their
settings are those of bench/memory (candidates.toml). `--only NAME` measures some of the programs anew, and leaves the others as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "memory"))

import install  # noqa: E402
import plan  # noqa: E402

WORK = install.TARGET / "bench-threads"
RESULTS = HERE / "results.json"
CANDIDATES = ["glibc", "arena-max-2", "jemalloc", "article", "balanced"]
# What the rule about such threads writes instead.
CACHED = {"article, with small caches": ("article", "narenas:1,tcache_max:1024")}
THREADS = [1, 2]
ROUNDS = 7
# Debian 12's and 13's.
JEMALLOC = "5.3.0"
# So that each takes about half a second with thread caches.
BLOCKS, LISTS = 4_000_000, 6_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", nargs="+", default=[], help="these programs: `objects`")
    only = parser.parse_args().only
    WORK.mkdir(parents=True, exist_ok=True)
    native = WORK / "native"
    subprocess.run(["cc", "-O2", "-pthread", "-o", str(native), str(HERE / "native.c")], check=True)
    # Not with `-E`, which would leave PYTHONMALLOC unread.
    texts, objects = ([sys.executable, "-S", str(HERE / name)] for name in ("python.py", "objects.py"))
    programs = {
        "native": ([str(native)], BLOCKS, {}),
        "python": (texts, LISTS, {}),
        "objects": (objects, LISTS, {}),
        "objects, PYTHONMALLOC=malloc": (objects, LISTS, {"PYTHONMALLOC": "malloc"}),
    }
    kept = json.loads(RESULTS.read_text())["nanoseconds"] if only else {}
    programs = {name: program for name, program in programs.items() if name in (only or programs)}
    settings = {name: environment(name) for name in CANDIDATES}
    settings |= {name: {**settings[like], "MALLOC_CONF": value} for name, (like, value) in CACHED.items()}
    measured: dict[str, dict[str, list[float]]] = {}
    for number in range(ROUNDS):
        for program, (command, amount, told) in programs.items():
            for threads in THREADS:
                for name, setting in settings.items():
                    # Where threads wait for each other a tenth is long enough.
                    few = amount // 10 if name == "article" else amount
                    cost = run([*command, str(threads), str(few)], {**setting, **told})
                    measured.setdefault(f"{program}, {threads}", {}).setdefault(name, []).append(round(cost, 2))
        print(f"round {number + 1} of {ROUNDS}", flush=True)
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(), "libc": " ".join(platform.libc_ver())}
    told = {name: {key: value for key, value in setting.items() if key != "LD_PRELOAD"} for name, setting in settings.items()}
    RESULTS.write_text(json.dumps({"machine": machine, "settings": told, "nanoseconds": {**kept, **measured}}, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(report(json.loads(RESULTS.read_text())))


def environment(name: str) -> dict[str, str]:
    """What a candidate is told, without the rest of ours."""
    candidate = next(one for one in plan.candidates() if one.name == name)
    told = dict(candidate.env)
    if candidate.preload:
        package, soname = plan.packages()[candidate.preload]
        told["LD_PRELOAD"] = str(install.library(package, soname, WORK))
    if candidate.profile:
        told["MALLOC_CONF"] = plan.profile("fork", candidate.profile, candidate.hook, JEMALLOC) or ""
    return told


def run(command: list[str], told: dict[str, str]) -> float:
    """Nanoseconds per block; of several threads the mean of what each saw."""
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], **told}, capture_output=True, text=True, check=True)
    if done.stderr:
        raise SystemExit(f"{command[0]}: {done.stderr}")
    return statistics.mean(map(float, done.stdout.split()))


def report(results: dict) -> str:
    """The table of results.md: medians, and least and most of the rounds."""
    settings, measured = results["settings"], results["nanoseconds"]
    machine = results["machine"]
    head = f"{machine['cores']} cores, {machine['libc']}, Python {machine['python']}, {len(next(iter(measured['native, 1'].values())))} rounds; nanoseconds per block, median (least to most); of objects nanoseconds of CPU time per row."
    lines = ["# What allocator settings cost threads", "", "Made by `python3 bench/threads/run.py`.", "", head, ""]
    lines += ["| setting | " + " | ".join(f"{name.replace(', ', ', threads: ', 1) if name.count(',') == 1 else name}" for name in measured) + " |"]
    lines += ["|---" * (len(measured) + 1) + "|"]
    for name, told in settings.items():
        shown = ", ".join(f"`{key}={value}`" for key, value in told.items()) or name
        cells = [f"{statistics.median(row[name]):.0f} ({min(row[name]):.0f} to {max(row[name]):.0f})" for row in measured.values()]
        lines.append(f"| {name}: {shown} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
