"""Holds `malloclint image check` against what other programs say is in an image, wherever images are kept.

    python3 -B tests/images/run.py --malloclint target/debug/malloclint

runs all checks, half an hour; `--sample` those of a minute. The engine and the base images are those of tests/e2e (made once, minutes;
then reused); everything else lies below target/images.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "e2e"))

import bases  # noqa: E402
import engine  # noqa: E402
import needs  # noqa: E402
import plan  # noqa: E402
import process  # noqa: E402
from plan import Case  # noqa: E402
from registry import RegistryError  # noqa: E402
from store import BuildError  # noqa: E402
from tools import PACKAGES, ToolError  # noqa: E402
from world import World  # noqa: E402

TARGET = ROOT / "target"
# Of tests/e2e: two runs would share a dockerd's data, which it forbids.
SHARED, OWN = TARGET / "e2e", TARGET / "images"
# Nothing can be said then; whatever else goes wrong is a fault.
UNMADE = (bases.Unmade, engine.EngineError)


def main() -> int:
    options = _options()
    for program in filter(None, (options.malloclint, options.static)):
        if not program.is_file():
            print(f"error: {program} is not there: build it first")
            return 2
    cases = plan.cases(options.static)
    strange = set(options.only) - {case.name for case in cases}
    if strange:
        print(f"error: there is no check {' '.join(sorted(strange))}; there are {' '.join(case.name for case in cases)}")
        return 2
    wanted = [case for case in cases if (case.name in options.only or not options.only) and (case.sample or not options.sample)]
    signal.signal(signal.SIGTERM, _interrupt)
    # Nothing that it started is waited for when this thread is interrupted, and all of that ends with its own.
    with ThreadPoolExecutor(1) as worker:
        run = worker.submit(_run, wanted, options)
        try:
            results = run.result()
        except KeyboardInterrupt:
            process.stop()
            print("interrupted", flush=True)
            return 130
    passed, failed, left_out = (results.count(result) for result in (True, False, None))
    print(f"{passed} passed, {failed} failed, {left_out} left out")
    return 1 if failed or (left_out and os.environ.get("CI") == "true") else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), default=TARGET / "debug" / "malloclint", help="the program under test")
    parser.add_argument("--static", type=lambda path: Path(path).resolve(), help="the same as a static program: it is run in a root without glibc")
    parser.add_argument("--sample", action="store_true", help="what can be done in a minute")
    parser.add_argument("--only", metavar="NAME", nargs="+", default=[], help="these checks")
    parser.add_argument("--keep", action="store_true", help="keep what was made")
    return parser.parse_args()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(cases: list[Case], options: argparse.Namespace) -> list[bool | None]:
    """Whether each case passed; nothing of those that cannot be done here."""
    reasons = _reasons(cases)
    with ExitStack() as ends:
        if len(reasons) < len(cases):
            take_place(ends, options.keep)
            world = World(options.malloclint, SHARED, OWN, ends)
        results: list[bool | None] = []
        for case in cases:
            if case.name in reasons:
                _leave_out(case, reasons[case.name])
            results.append(None if case.name in reasons else _judge(case, world, options.sample))
        return results


def _reasons(cases: list[Case]) -> dict[str, str]:
    """Why cases cannot be done on this machine, after an attempt to install what they need."""
    against = needs.reason_against_amd64()
    if against:
        return {case.name: against for case in cases}
    wanted = {program for case in cases for program in case.needs}
    missing = set(needs.missing({program: PACKAGES[program] for program in sorted(wanted)}))
    reasons = {}
    for case in cases:
        absent = sorted(missing & {PACKAGES[program] for program in case.needs})
        if absent:
            reasons[case.name] = f"not installed: {' '.join(absent)}"
        elif case.arch == "arm64" and needs.reason_against_arm64():
            reasons[case.name] = str(needs.reason_against_arm64())
    return reasons


def take_place(ends: ExitStack, keep: bool) -> None:
    """What an earlier run has left goes."""
    SHARED.mkdir(parents=True, exist_ok=True)
    lock = ends.enter_context((SHARED / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another proof here to end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.rmtree(OWN / "work", ignore_errors=True)
    (OWN / "work").mkdir(parents=True)
    if not keep:
        ends.callback(shutil.rmtree, OWN / "work", ignore_errors=True)


def _leave_out(case: Case, reason: str) -> None:
    print(f"left out: {case.name} ({reason})", flush=True)


def _judge(case: Case, world: World, sample: bool) -> bool | None:
    started = time.monotonic()
    check = case.sample if sample and case.sample else case.check
    try:
        faults = check(world)
    except UNMADE as error:
        _leave_out(case, str(error))
        return None
    except (BuildError, ToolError, RegistryError, OSError, ValueError) as error:
        faults = [f"{type(error).__name__}: {error}"]
    took = f"{time.monotonic() - started:.0f} s"
    text = "\n      ".join(faults)
    print(f"FAIL  {case.name} ({took}): {text}" if faults else f"ok    {case.name} ({took})", flush=True)
    return not faults


if __name__ == "__main__":
    sys.exit(main())
