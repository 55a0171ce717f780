"""Proves `malloclint fix` by building: what users write, fixed and built, runs Python on a tuned jemalloc.

    python3 tests/e2e/run.py --malloclint target/debug/malloclint

runs a sample in which everything that `fix` does is seen once; `--all` runs all cases. Everything lies below target/e2e:
the engine and the base images (made once, minutes; then reused), logs.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

sys.dont_write_bytecode = True

import bases  # noqa: E402
import case  # noqa: E402
import engine  # noqa: E402
import injected  # noqa: E402
import needs  # noqa: E402
import process  # noqa: E402
import tuned  # noqa: E402
import witness  # noqa: E402
from store import BuildError, Store  # noqa: E402
from trial import Trial  # noqa: E402

TARGET = Path(__file__).resolve().parents[2] / "target" / "e2e"
# Of each architecture. What is emulated takes one core for minutes; the other one always has something to do.
AT_A_TIME = 2
# The engine, its base images and the images of the cases that are under way, in bytes.
NEEDED = 4 << 30
TRIALS = {injected.CASE.name: injected.Injected, tuned.CASE.name: tuned.Tuned, witness.CASE.name: witness.Witness}
Archives = dict[str, "Future[None]"]


def main() -> int:
    options = _options()
    if not options.before_only and not options.malloclint.is_file():
        print(f"error: {options.malloclint} is not there: build it first")
        return 2
    if (free := shutil.disk_usage(TARGET.parents[1]).free) < NEEDED:
        print(f"error: {free >> 20} MiB of the disk are free, and images need {NEEDED >> 20}: make room, then start again")
        return 2
    # What takes a minute or half of one is not to be at the end.
    cases = [tuned.CASE, witness.CASE, injected.CASE, *case.load()]
    case.check_sample(cases)
    strange = set(options.only) - {one.name for one in cases}
    if strange:
        print(f"error: there is no case {' '.join(sorted(strange))}")
        return 2
    archs, left_out = _archs(options.platform)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        results = _results({arch: case.choose(cases, arch, options.only, options.all) for arch in archs}, options)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        return 130
    left_out = left_out or None in results
    made = [passed for passed in results if passed is not None]
    failed = sum(not passed for all_passed in made for passed in all_passed)
    if made or not left_out:
        print(f"{sum(map(len, made)) - failed} passed, {failed} failed")
    strict = os.environ.get("MALLOCLINT_REQUIRE_ORACLES") == "1"
    return 1 if failed or (left_out and strict) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), default=TARGET.parent / "debug" / "malloclint", help="the program under test")
    parser.add_argument("--all", action="store_true", help="all cases, not only the sample")
    parser.add_argument("--only", metavar="NAME", nargs="+", default=[], help="these cases (`tune`, `witness` and `inject` are three)")
    parser.add_argument("--platform", choices=["amd64", "arm64"], help="one architecture")
    parser.add_argument("--images", action="store_true", help="ask about the built images, too, and compare")
    parser.add_argument("--keep", action="store_true", help="keep images and folders of cases")
    parser.add_argument("--before-only", action="store_true", help="only build what is to be fixed, and see its defect")
    return parser.parse_args()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


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


def _results(chosen: dict[str, list[case.Case]], options: argparse.Namespace) -> list[list[bool] | None]:
    """By architecture, whether each case passed; nothing where it has no engine or no base images."""
    wanted = [arch for arch, cases in chosen.items() if cases]
    if not wanted:
        return []
    with ExitStack() as ends, ThreadPoolExecutor(max_workers=16) as pool:
        _take_place(ends)
        try:
            # What takes longest first: the engine is made meanwhile.
            made = {arch: _archives(arch, pool, any(one.large for one in chosen[arch])) for arch in reversed(wanted)}
            stores = {arch: _store(arch, ends) for arch in wanted}
            proofs = [pool.submit(_prove, stores[arch], made[arch], chosen[arch], options) for arch in wanted]
            return [proof.result() for proof in proofs]
        except BaseException:
            # No thread is waited for that waits for a program.
            process.stop()
            raise


def _take_place(ends: ExitStack) -> None:
    """Two proofs would share a dockerd's data, which it forbids. What an earlier one has left goes."""
    TARGET.mkdir(parents=True, exist_ok=True)
    lock = ends.enter_context((TARGET / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another proof here to end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.rmtree(TARGET / "work", ignore_errors=True)
    (TARGET / "work").mkdir()


def _archives(arch: str, pool: ThreadPoolExecutor, large: bool) -> Archives:
    suites = bases.SUITES[arch] + [bases.LARGE] * large
    return {suite: pool.submit(bases.make_archive, bases.archive(TARGET, suite, arch), suite, arch) for suite in suites}


def _store(arch: str, ends: ExitStack) -> Store | None:
    root = TARGET / "engine"
    try:
        engine.make(root)
        daemon = engine.Engine(root, arch, TARGET / "work")
        ends.callback(daemon.stop)
        daemon.start()
    except (engine.EngineError, bases.Unmade, OSError) as error:
        print(f"error: {error}\nleft out: all builds for {arch} (the engine does not run)", flush=True)
        return None
    return Store(daemon, arch)


def _prove(store: Store | None, archives: Archives, cases: list[case.Case], options: argparse.Namespace) -> list[bool] | None:
    """Runs the cases of an architecture."""
    if store is None:
        return None
    try:
        store.drop_cases()
        for suite, future in archives.items():
            future.result()
            bases.load(store, suite, bases.archive(TARGET, suite, store.arch))
        bases.try_out(store)
    except (BuildError, engine.EngineError, bases.Unmade, OSError) as error:
        print(f"error: {error}\nleft out: all builds for {store.arch} (its base images could not be made)", flush=True)
        return None
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as workers:
        passed = list(workers.map(lambda one: _run(one, store, options), cases))
    if not options.keep:
        store.drop_cases()
    return passed


def _run(one: case.Case, store: Store, options: argparse.Namespace) -> bool:
    started = time.monotonic()
    trial = TRIALS.get(one.name, Trial)(one, store, TARGET / "work", options.malloclint, options.images)
    try:
        trial.run(options.before_only)
    except (BuildError, engine.EngineError, OSError, ValueError) as error:
        trial.faults.append(str(error))
    took = f"{time.monotonic() - started:.0f} s"
    name = f"{one.name} {store.arch}"
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
