"""What `malloclint inspect` costs, itself and the process that it looks at: one that changes its heap all the time, one of 4 GiB, and one of 10,000 threads.

The process is this file, run as `cost.py target KIND SIZE`: it makes its heap, says so, and answers lines on its standard input.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import mmap
import os
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What may not be exceeded. CPU seconds are those for each GiB of the target; sizes are bytes. Most of them are the kernel's, and on some
# machines four times as many where pages were not touched for a while: what is held is that nothing is read again and again.
CPU, OWN, WALL, UNWALKED, STALL, MOVED = 4.0, 128 << 20, 10.0, 0.02, 0.25, 1 << 20
WORKERS = 16
SIZES = [600, 1200, 3000, 9000, 20000]
WAIT = threading.Event()
KEPT = []
LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = [ctypes.c_void_p]


def main():
    options = _options()
    wrong = []
    for kind in options.only or ["busy", "large", "threads"]:
        wrong += {"busy": busy, "large": large, "threads": threads}[kind](options)
    for what in wrong:
        print(f"wrong: {what}")
    return int(bool(wrong))


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--malloclint", type=Path, default=ROOT / "target" / "debug" / "malloclint")
    parser.add_argument("--runs", type=int, default=50, help="inspections of the busy process; a tenth of it of the large one")
    parser.add_argument("--only", action="append", choices=["busy", "large", "threads"])
    parser.add_argument("--sample", action="store_true", help="small ones, a few times")
    options = parser.parse_args()
    options.busy, options.large, options.threads = (100, 256, 500) if options.sample else (600, 4096, 10_000)
    options.runs = 5 if options.sample else options.runs
    return options


def busy(options):
    """No inspection of a process whose threads change its heap may end without a verdict."""
    wrong, missing, takes, verdicts = [], [], [], []
    with target("busy", options.busy) as asked:
        for _ in range(options.runs):
            seen = inspect(options.malloclint, asked.pid)
            # Nothing could be said at all: that counts as all of it.
            missing.append(1.0 if seen.unwalked is None else seen.unwalked)
            takes.append(seen.wall)
            verdicts.append(seen.verdict)
    said = {verdict: verdicts.count(verdict) for verdict in set(verdicts)}
    print(f"busy: {options.busy} MiB, {WORKERS} threads, {options.runs} inspections: {said}, not walked at most {max(missing):.2%}, {max(takes):.1f} s at most")
    if max(missing) > UNWALKED or "unknown" in verdicts:
        wrong.append(f"busy: {said}, not walked {max(missing):.2%}")
    return wrong


def large(options):
    """CPU time and memory of inspect, and what the process itself feels of it, against the same time without an inspection."""
    seen, stalls = [], []
    with target("large", options.large) as asked:
        before = memory(asked.pid)
        for _ in range(max(1, options.runs // 10)):
            asked("stalls")
            seen.append(inspect(options.malloclint, asked.pid))
            during = asked("stalls")
            time.sleep(seen[-1].wall)
            stalls.append((during, asked("stalls")))
        after = memory(asked.pid)
    size = before["RssAnon"] / 2**30
    cpu, own = [one.cpu / size for one in seen], max(one.own for one in seen)
    worst = {kind: (max(during[kind] for during, _ in stalls), max(rest[kind] for _, rest in stalls)) for kind in ("mmap", "malloc")}
    print(f"large: {size:.2f} GiB, {len(seen)} inspections: {min(cpu):.2f}..{max(cpu):.2f} CPU s for each GiB, {max(one.wall for one in seen):.1f} s, own peak {own / 2**20:.0f} MiB")
    print("       longest stall in the process: " + ", ".join(f"{kind} {during * 1000:.1f} ms ({rest * 1000:.1f} without)" for kind, (during, rest) in worst.items()))
    print("       the process before and after, KiB: " + ", ".join(f"{key} {before[key] >> 10} {after[key] >> 10}" for key in before))
    return [
        f"large: {what}"
        for what, is_wrong in (
            (f"{max(cpu):.2f} CPU s for each GiB", max(cpu) > CPU),
            (f"own peak {own / 2**20:.0f} MiB", own > OWN),
            ("the process grew or shrank", any(abs(after[key] - before[key]) > MOVED for key in before)),
            ("the process stood still", any(during > STALL + rest for during, rest in worst.values())),
            ("no verdict", any(one.verdict == "unknown" for one in seen)),
        )
        if is_wrong
    ]


def threads(options):
    with target("threads", options.threads) as asked:
        seen = inspect(options.malloclint, asked.pid)
        made = asked("threads")
    print(f"threads: {made}: {seen.wall:.1f} s, {seen.cpu:.1f} CPU s, own peak {seen.own / 2**20:.0f} MiB, {seen.verdict}, thread caches {seen.caches}")
    too_long = seen.wall > WALL or seen.verdict == "unknown"
    return [f"threads: {seen.wall:.1f} s, {seen.verdict}"] if too_long else []


class Seen:
    """One inspection."""

    def __init__(self, process, text, status, wall, used):
        self.wall, self.cpu, self.own = wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
        if status:
            raise SystemExit(f"{process.args} ended with {status}")
        said = json.loads(text)["processes"][0]
        self.verdict, self.unwalked, self.caches = said["verdict"], said["checks"]["unwalked"], said["checks"]["thread_caches"]


def inspect(malloclint, pid):
    start = time.monotonic()
    process = subprocess.Popen([malloclint, "inspect", str(pid), "--format", "json"], stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    # `wait4` has the CPU time and the peak of this very process.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    return Seen(process, text, status, time.monotonic() - start, used)


def memory(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return {key: int(re.search(rf"{key}:\s+(\d+)", text)[1]) << 10 for key in ("VmRSS", "RssAnon", "VmPTE")}


@contextlib.contextmanager
def target(kind, size):
    """A process of that kind, and how to ask it something."""
    command = [sys.executable, __file__, "target", kind, str(size)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(what):
        print(what, file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    ask.pid = process.pid
    try:
        json.loads(process.stdout.readline())
        yield ask
    finally:
        process.kill()
        process.wait()


# What follows runs in the process that is looked at.


def be_target(kind, size):
    # A collection would be the longest stall of all.
    gc.disable()
    answers = {"busy": make_busy, "large": make_large, "threads": make_threads}[kind](int(size))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(answers[line.strip()]()), flush=True)


def make_busy(mebibytes):
    ready = threading.Barrier(WORKERS + 1)
    # One block in ten is free at any time.
    count = (mebibytes << 20) // WORKERS // (sum(SIZES) // len(SIZES))
    for _ in range(WORKERS):
        threading.Thread(target=_change, args=(count, ready), daemon=True).start()
    ready.wait()
    return {}


def _change(count, ready):
    mine = [_block() for _ in range(count)]
    ready.wait()
    while True:
        for _ in range(100):
            place = random.randrange(len(mine))
            LIBC.free(mine[place])
            mine[place] = _block()


def _block():
    size = random.choice(SIZES)
    block = LIBC.malloc(size)
    ctypes.memset(block, 1, size)
    return block


def make_large(mebibytes):
    """Objects of 100 bytes to 20 kB in the arenas of several threads, a tenth of them given back."""
    started = [threading.Thread(target=_fill, args=((mebibytes << 20) // 8,), daemon=True) for _ in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    longest = {"mmap": 0.0, "malloc": 0.0}
    threading.Thread(target=_measure, args=(longest,), daemon=True).start()

    def stalls():
        found = dict(longest)
        longest.update(mmap=0.0, malloc=0.0)
        return found

    return {"stalls": stalls}


def _fill(size):
    mine = []
    while size > 0:
        mine.append(bytes(int(100 * 200 ** random.random())))
        size -= len(mine[-1])
    for place in range(0, len(mine), 10):
        mine[place] = None
    KEPT.append(mine)


def _measure(longest):
    """The time that a call may take: the kernel's locks for `mmap`, the allocator's for `malloc`."""
    while True:
        start = time.perf_counter()
        mapped = mmap.mmap(-1, 1 << 16)
        mapped[0] = 1
        mapped.close()
        middle = time.perf_counter()
        for size in SIZES:
            LIBC.free(LIBC.malloc(size))
        end = time.perf_counter()
        longest["mmap"] = max(longest["mmap"], middle - start)
        longest["malloc"] = max(longest["malloc"], end - middle)
        # Without a rest it would be the scheduler that is measured.
        time.sleep(0.0005)


def make_threads(count):
    # Their stacks are only addresses, but those have limits, too.
    threading.stack_size(64 << 10)
    for _ in range(count):
        try:
            threading.Thread(target=WAIT.wait, daemon=True).start()
        except RuntimeError:
            # A container may have fewer.
            break
    return {"threads": threading.active_count}


if __name__ == "__main__":
    if sys.argv[1:2] == ["target"]:
        be_target(*sys.argv[2:])
    else:
        sys.exit(main())
