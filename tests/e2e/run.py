"""Proves `malloclint fix` by building: what users write, fixed and built, runs Python on a tuned jemalloc.

    python3 tests/e2e/run.py --malloclint target/debug/malloclint

Everything lies below target/e2e: base images (made once, minutes; then reused), stores, logs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import bases  # noqa: E402
import case  # noqa: E402
import injected  # noqa: E402
import needs  # noqa: E402
from store import BuildError, Store  # noqa: E402
from trial import Trial  # noqa: E402
from witness import CASE, Witness  # noqa: E402

TARGET = Path(__file__).resolve().parents[2] / "target" / "e2e"


def main() -> int:
    options = _options()
    if not options.before_only and not options.malloclint.is_file():
        print(f"error: {options.malloclint} is not there: build it first")
        return 2
    stores, left_out = _stores(options.platform)
    try:
        failed = _run_all(options, stores)
    finally:
        for store in stores.values():
            store.close()
    strict = os.environ.get("MALLOCLINT_REQUIRE_ORACLES") == "1"
    return 1 if failed or (left_out and strict) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), default=TARGET.parent / "debug" / "malloclint", help="the program under test")
    parser.add_argument("--only", metavar="NAME", help="one case (`witness` and `inject` are two)")
    parser.add_argument("--platform", choices=["amd64", "arm64"], help="one architecture")
    parser.add_argument("--keep", action="store_true", help="keep images and folders of cases that pass, too")
    parser.add_argument("--before-only", action="store_true", help="only build what is to be fixed, and see its defect")
    return parser.parse_args()


def _stores(platform: str | None) -> tuple[dict[str, Store], bool]:
    """Base images of each architecture that runs here; what does not is said."""
    against = needs.reason_against_amd64()
    if against:
        print(f"left out: all builds of fixed Dockerfiles ({against})")
        return {}, True
    wanted = [arch for arch in ("amd64", "arm64") if platform in (None, arch)]
    stores, left_out = {}, False
    for arch in wanted:
        against = needs.reason_against_arm64() if arch == "arm64" else None
        if against:
            print(f"left out: all builds for {arch} ({against})")
            left_out = True
            continue
        try:
            stores[arch] = bases.prepare(TARGET, arch)
        except (BuildError, bases.Unmade) as error:
            print(f"error: {error}\nleft out: all builds for {arch} (its base images could not be made)")
            left_out = True
    return stores, left_out


def _run_all(options: argparse.Namespace, stores: dict[str, Store]) -> int:
    """Runs every case, one after the other; how many failed."""
    work = TARGET / "work"
    work.mkdir(parents=True, exist_ok=True)
    trials = [Trial(one, stores[arch], work, options.malloclint) for one, arch in case.load(options.only, options.platform) if arch in stores]
    if "amd64" in stores and options.only in (None, CASE.name):
        trials.append(Witness(stores["amd64"], work, options.malloclint))
    if options.only in (None, injected.CASE.name):
        trials += [injected.Injected(store, work, options.malloclint) for store in stores.values()]
    failed = sum(not _run(trial, options) for trial in trials)
    if stores:
        print(f"{len(trials) - failed} passed, {failed} failed")
    return failed


def _run(trial: Trial, options: argparse.Namespace) -> bool:
    started = time.monotonic()
    try:
        trial.run(options.before_only)
    except (BuildError, OSError, ValueError) as error:
        trial.faults.append(str(error))
    took = f"{time.monotonic() - started:.0f} s"
    name = f"{trial.case.name} {trial.store.arch}"
    details = [part for part in (trial.summary(), took) if part]
    if not trial.faults:
        print(f"ok    {name} ({', '.join(details)})", flush=True)
    else:
        print(f"FAIL  {name} ({', '.join(details)}): {trial.faults[0]}", *trial.faults[1:], sep="\n      ")
        print(f"      log: {os.path.relpath(trial.log)}", flush=True)
    if not options.keep:
        trial.remove()
    return not trial.faults


if __name__ == "__main__":
    sys.exit(main())
