"""Holds `malloclint inspect` against what the allocators say of themselves, on every Python, glibc and jemalloc that can be had here.

    python3 tests/inspect/oracle.py --malloclint target/debug/malloclint

`--sample` takes each shape once, on this machine's own Python or in one root, if one is there already: half a minute at most. Figures are deviations in percent.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import places  # noqa: E402
from figures import Outcome, Trial, compare  # noqa: E402
from places import Place, mirror  # noqa: E402
from subject import Silent, Subject  # noqa: E402

# In bytes. What is set does not drift.
LIMITS = {"MALLOC_ARENA_MAX": "3", "MALLOC_MMAP_THRESHOLD_": "296960", "MALLOC_TRIM_THRESHOLD_": "593920"}
PRELOAD = {"LD_PRELOAD": "libjemalloc.so.2"}
TRIALS = [
    Trial("fragmented", "fragmented", "retention"),
    Trial("leaking", "leaking", "live"),
    Trial("sparse", "sparse", "retention"),
    Trial("manythreads", "manythreads"),
    Trial("bigblocks", "bigblocks", "live"),
    Trial("foreign", "foreign"),
    Trial("noncontiguous", "noncontiguous"),
    Trial("forked", "forked"),
    Trial("sparse+malloc", "sparse", variables={"PYTHONMALLOC": "malloc"}),
    Trial("settings", "small", "live", LIMITS, ("MALLOC_ARENA_MAX 3:", "mapped from 290 KiB, ends kept to 580 KiB")),
    Trial("cold", "leaking", "live", cold=True),
    # While it is asked, no time passes after which jemalloc would give pages back.
    Trial("fragmented+jemalloc", "fragmented", variables={**PRELOAD, "MALLOC_CONF": "dirty_decay_ms:-1"}),
    Trial("leaking+jemalloc", "leaking", "live", {**PRELOAD, "MALLOC_CONF": "narenas:2,muzzy_decay_ms:0"}),
    Trial("sparse+jemalloc", "sparse", variables={**PRELOAD, "MALLOC_CONF": "dirty_decay_ms:-1"}),
    Trial("cold+jemalloc", "leaking", "live", {**PRELOAD, "MALLOC_CONF": "narenas:2,muzzy_decay_ms:0"}, cold=True),
    Trial("manythreads+jemalloc", "manythreads", variables={**PRELOAD, "MALLOC_CONF": "dirty_decay_ms:-1"}),
]


def main() -> int:
    options = _options()
    if not options.malloclint.is_file():
        print(f"error: {options.malloclint} is not there: build it first")
        return 2
    chosen, left_out = _places(options)
    trials = [trial for trial in TRIALS if not options.shape or trial.name in options.shape]
    # In the sample each shape is seen once.
    apart = len(chosen) if options.sample else 1
    pairs = [(place, trial) for index, place in enumerate(chosen) for trial in trials[index % apart :: apart]]
    results = [_try(place, trial, options.malloclint) for place, trial in pairs]
    results = [passed for passed in results if passed is not None]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    strict = os.environ.get("MALLOCLINT_REQUIRE_ORACLES") == "1"
    return 1 if not all(results) or (left_out and strict) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = places.ROOTS.parents[1] / "debug" / "malloclint"
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), default=built, help="the program under test")
    parser.add_argument("--only", metavar="NAME", nargs="+", default=[], help="these targets: `host`, `pyenv`, `debian-12`, ...: how a name begins")
    parser.add_argument("--shape", metavar="NAME", nargs="+", choices=[trial.name for trial in TRIALS], help="these shapes")
    parser.add_argument("--sample", action="store_true", help="this machine's own Python, and one root that is there already")
    return parser.parse_args()


def _places(options: argparse.Namespace) -> tuple[list[Place], bool]:
    """Those that can be had, and whether one could not."""
    is_wanted = lambda name: not options.only or any(name.startswith(begin) for begin in options.only)
    found = [place for place in places.hosts() + ([] if options.sample else places.pyenvs()) if is_wanted(place.name)]
    names = [name for name in places.names() if is_wanted(name)]
    if options.sample:
        # The newest of them is the least like this machine's.
        names = [name for name in names if places.is_made(name)][-1:]
    why = places.against_roots() if names else None
    if why:
        print(f"left out: {' '.join(names)} ({why})", flush=True)
        return found, True
    left_out = False
    for name in names:
        try:
            found.append(places.root(name))
        except mirror.Unmade as error:
            print(f"left out: {name}: {error}", flush=True)
            left_out = True
    return found, left_out


def _try(place: Place, trial: Trial, malloclint: Path) -> bool | None:
    """Whether all figures are right; nothing where there is no jemalloc."""
    if trial.jemalloc() and not place.has_jemalloc():
        print(f"{place.name:<15} {trial.name:<20} left out: no jemalloc there", flush=True)
        return None
    begun = time.monotonic()
    why = _against(trial)
    if why:
        print(f"{place.name:<15} {trial.name:<20} left out: {why}", flush=True)
        return None
    try:
        with Subject(place, trial.shape, trial.variables) as subject:
            outcome = compare(subject, malloclint, trial)
    except Silent as error:
        outcome = Outcome("", [], "", [str(error)])
    parts = ["  ".join(figure.text() for figure in outcome.figures), outcome.verdict, *(f"{wrong}!" for wrong in outcome.wrong)]
    word = "ok" if outcome.passed() else "WRONG"
    line = f"{place.name:<15} {outcome.versions:<28} {trial.name:<20} {word:<5} {'; '.join(filter(None, parts))}"
    print(f"{line}  [{time.monotonic() - begun:.1f} s]", flush=True)
    if not outcome.passed() and outcome.found:
        print(f"    {outcome.found}", flush=True)
    return outcome.passed()


def _against(trial: Trial) -> str | None:
    """Why a shape cannot be made here."""
    library, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
    newest = library == "glibc" and tuple(map(int, version.split("."))) >= (2, 43)
    if trial.shape == "foreign" and newest and platform.machine() == "aarch64":
        return "behind another's `sbrk` this glibc's own malloc finds no memory"
    return None


if __name__ == "__main__":
    sys.exit(main())
