"""Asks the Python of an image which allocator it runs on, and that allocator what it understood."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from process import Run
from store import Store

LIBRARIES = ("jemalloc", "mimalloc", "tcmalloc")
# Runs in the image: with any Python 3, and without imports that an image may lack.
PROGRAM = """
import json, os
maps = open("/proc/self/maps").read()
names = ("LD_PRELOAD", "MALLOC_CONF", "MALLOC_ARENA_MAX")
print(json.dumps({
    "allocators": [name for name in %r if "/lib" + name in maps],
    "files": sorted({line.split()[-1] for line in maps.splitlines() if ".so" in line}),
    "environment": {name: os.environ[name] for name in names if name in os.environ},
    "user": os.getuid(),
}))
""" % (LIBRARIES,)
THREAD = "jemalloc_bg_thd"
# A thread bears the program's name until it has named itself.
FORK = """
import glob, os, time
pid = os.fork()
if pid == 0:
    time.sleep(0.5)
    print(*(open(name).read().strip() for name in glob.glob("/proc/self/task/*/comm")), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""
# What jemalloc says of memory that an emulated kernel does not give back: not a fault of the settings.
EMULATED = re.compile(r"^<jemalloc>: MADV_DONTNEED does not work.*\n|^<jemalloc>: \(This is the expected behaviour.*\n", re.MULTILINE)
CONFIRMED = re.compile(r"^<jemalloc>: -- Set conf value: (.*)$", re.MULTILINE)
ANNOUNCED = re.compile(r"^<jemalloc>: malloc_conf #\d+ .*$", re.MULTILINE)


@dataclass
class Process:
    """A Python that was started in an image."""

    allocators: list[str]
    files: list[str]
    environment: dict[str, str]
    user: int
    errors: str

    @property
    def allocator(self) -> str:
        """glibc's own where no other is loaded."""
        return "+".join(self.allocators) or "glibc"


def start(store: Store, image: str, command: list[str], environment: dict[str, str] | None = None, volume: str | None = None) -> Process | Run:
    """Starts that Python; what the run gave, where it did not start."""
    done = store.run(image, [*command, "-c", PROGRAM], environment, volume)
    try:
        # An entrypoint may have said something first.
        told = json.loads(done.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return done
    return Process(**told, errors=EMULATED.sub("", done.err))


def forked(store: Store, image: str, command: list[str]) -> str:
    """The threads of a child that this Python forks."""
    return store.run(image, [*command, "-c", FORK], None).out


def complaints(errors: str) -> list[str]:
    """What the loader or jemalloc found wrong."""
    return [line for line in errors.splitlines() if "ERROR: ld.so" in line or "<jemalloc>" in line]


def refused(conf: str, errors: str) -> list[str]:
    """Pairs of the setting that jemalloc did not confirm, and whatever else it says."""
    confirmed = CONFIRMED.findall(errors)
    missing = [f"not confirmed: {pair}" for pair in conf.split(",") if pair not in confirmed]
    rest = ANNOUNCED.sub("", CONFIRMED.sub("", errors))
    return missing + complaints(rest)
