"""Real services, made to keep free memory or to leak: does `malloclint inspect` tell which it is?

Every run starts a service anew, works it until its workers have grown, waits, and asks for the verdict on each worker. What the verdict counts as free is held
against what the allocators say in the worker itself: the truth is what they have free, not what the work was meant to do.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import install
import table
from services import SERVICES, Running

# So much each worker grows at least, in MiB, or it stops after so many bursts. A leak is looked for when it is more than what the requests take for a while.
GROWTH = {"retention": 150, "leak": 400, "mixed": 150}
BURSTS = 12
# A thread that goes on after its answer was sent would be seen in the middle of its work.
REST = 1
SHAPES = ("retention", "leak", "mixed")
FREE = ("malloc_free_pages", "malloc_tops", "malloc_free_small", "pymalloc_free")


def main():
    options = _options()
    python = install.venv()
    kept = options.record.open("a") if options.record else None
    results = []
    try:
        for seed in range(options.first, options.first + options.runs):
            for service, shape in options.wanted:
                for result in trial(service, shape, seed, python, options):
                    results.append(result)
                    if kept:
                        print(json.dumps(result), file=kept, flush=True)
    except KeyboardInterrupt:
        print("cut short", file=sys.stderr)
    return table.show(results)


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--malloclint", type=Path, default=install.FOLDER.parents[1] / "debug" / "malloclint")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the number of the first run: others make other documents")
    parser.add_argument("--only", action="append", choices=[service.name for service in SERVICES], help="this service; may be said again")
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--growth", type=int, help="MiB that each worker grows at least, whatever the shape")
    parser.add_argument("--sample", action="store_true", help="one service, once as retention and once as a leak")
    parser.add_argument("--record", type=Path, help="a file to which every result is appended as a line of JSON")
    options = parser.parse_args()
    if options.sample:
        options.runs, options.only, options.shape = 1, ["django"], ["retention", "leak"]
    options.wanted = [
        (service, shape)
        for service in SERVICES
        for shape in SHAPES
        if service.name in (options.only or [service.name]) and shape in (options.shape or SHAPES)
    ]
    return options


def trial(service, shape, seed, python, options):
    """One run of a service: a result for each worker."""
    with tempfile.TemporaryDirectory() as folder, Running(service, Path(folder), python) as running:
        growth = (options.growth or GROWTH[shape]) << 20
        before = {pid: anonymous(pid) for pid in running.workers()}
        for _ in range(BURSTS):
            running.burst(shape, seed)
            if all(anonymous(pid) - base >= growth for pid, base in before.items()):
                break
        time.sleep(REST)
        verdicts = inspect(options.malloclint, running.server.pid)
        return [_result(service, shape, seed, before[pid], verdicts.get(pid), truth(folder, pid)) for pid in before]


def _result(service, shape, seed, before, said, told):
    if said is None:
        said = {"verdict": "not seen", "memory": {}, "rss": 0, "anonymous": 0, "checks": {}}
    free = sum(said["memory"].get(key, 0) for key in FREE)
    return {
        "service": service.name,
        "shape": shape,
        "run": seed,
        "verdict": said["verdict"],
        "rss": said["rss"],
        "anonymous": said["anonymous"],
        "grown": said["anonymous"] - before,
        "share": free / max(said["anonymous"], 1),
        "told": truly_free(told),
        "memory": said["memory"],
        "checks": said["checks"],
        "truth": told,
    }


def truly_free(told):
    """What is free by the allocators' own word, as a share of the anonymous memory. Pages that are no longer in memory are in it, too: up to a hundredth."""
    return (told["malloc_free"] + told["pymalloc_free"]) / told["anonymous"]


def inspect(malloclint, pid):
    done = subprocess.run([malloclint, "inspect", str(pid), "--tree", "--format", "json"], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    return {process["pid"]: process for process in json.loads(done.stdout or '{"processes": []}')["processes"]}


def truth(folder, pid):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{folder}/{pid}.truth")
        parts = iter(lambda: connection.recv(1 << 16), b"")
        return json.loads(b"".join(parts))


def anonymous(pid):
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


if __name__ == "__main__":
    sys.exit(main())
