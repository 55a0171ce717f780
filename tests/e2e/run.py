"""Proves `malloclint fix` by building: what users write, fixed and built, runs Python on a tuned jemalloc.

    python3 tests/e2e/run.py --malloclint target/debug/malloclint

Everything lies below target/e2e: base images (made once, minutes; then reused), stores, logs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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
    archs, left_out = _archs(options.platform)
    (TARGET / "work").mkdir(parents=True, exist_ok=True)
    # Each has a store of its own, and what is emulated takes minutes in which nobody else should wait.
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda arch: _prove(arch, options), archs))
    made = [passed for passed in results if passed is not None]
    failed = sum(not passed for all_passed in made for passed in all_passed)
    if made:
        print(f"{sum(map(len, made)) - failed} passed, {failed} failed")
    left_out = left_out or len(made) < len(results)
    strict = os.environ.get("MALLOCLINT_REQUIRE_ORACLES") == "1"
    return 1 if failed or (left_out and strict) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), default=TARGET.parent / "debug" / "malloclint", help="the program under test")
    parser.add_argument("--only", metavar="NAME", help="one case (`witness` and `inject` are two)")
    parser.add_argument("--platform", choices=["amd64", "arm64"], help="one architecture")
    parser.add_argument("--keep", action="store_true", help="keep images and folders of cases")
    parser.add_argument("--before-only", action="store_true", help="only build what is to be fixed, and see its defect")
    return parser.parse_args()


def _archs(platform: str | None) -> tuple[list[str], bool]:
    """The architectures that run here, and whether one does not; that is said."""
    against = needs.reason_against_amd64()
    if against:
        print(f"left out: all builds of fixed Dockerfiles ({against})")
        return [], True
    wanted = [arch for arch in ("amd64", "arm64") if platform in (None, arch)]
    against = needs.reason_against_arm64() if "arm64" in wanted else None
    if against:
        print(f"left out: all builds for arm64 ({against})")
        wanted.remove("arm64")
    return wanted, against is not None


def _prove(arch: str, options: argparse.Namespace) -> list[bool] | None:
    """Runs every case on an architecture, one after the other: whether each passed. Nothing where it has no base images."""
    try:
        store = bases.prepare(TARGET, arch)
    except (BuildError, bases.Unmade) as error:
        print(f"error: {error}\nleft out: all builds for {arch} (its base images could not be made)", flush=True)
        return None
    try:
        return [_run(trial, options) for trial in _trials(store, options)]
    finally:
        store.close(options.keep)


def _trials(store: Store, options: argparse.Namespace) -> list[Trial]:
    work, malloclint = TARGET / "work", options.malloclint
    trials = [Trial(one, store, work, malloclint) for one, arch in case.load(options.only, options.platform) if arch == store.arch]
    if store.arch == "amd64" and options.only in (None, CASE.name):
        trials.append(Witness(store, work, malloclint))
    if options.only in (None, injected.CASE.name):
        trials.append(injected.Injected(store, work, malloclint))
    return trials


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
        said = f"ok    {name} ({', '.join(details)})"
    else:
        faults = "\n      ".join(trial.faults)
        said = f"FAIL  {name} ({', '.join(details)}): {faults}\n      log: {os.path.relpath(trial.log)}"
    print(said, flush=True)
    if not options.keep:
        trial.remove()
    return not trial.faults


if __name__ == "__main__":
    sys.exit(main())
