#!/usr/bin/env python3
"""The thread hook in real processes: Python's own children, servers, and programs that die of a second thread.

    python3 tests/hook/run.py [TEST ...]

Everything lies below target/hook. What cannot be had here is left out, and said so.
"""

import os
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent


def main() -> int:
    if not Path("/proc/self/task").is_dir():
        print("left out: the thread hook (it needs Linux)")
        return 0
    sys.path.insert(0, str(HERE))
    loader = unittest.TestLoader()
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("test_*.py"))
    result = unittest.TextTestRunner(stream=sys.stdout).run(loader.loadTestsFromNames(names))
    reasons = sorted({reason for _, reason in result.skipped})
    for reason in reasons:
        print(f"left out: {reason}")
    strict = os.environ.get("MALLOCLINT_REQUIRE_ORACLES") == "1"
    # A version of Python that is not here is no fault of the machine.
    needed = [reason for reason in reasons if "not installed" not in reason]
    return 0 if result.wasSuccessful() and not (strict and needed) else 1


if __name__ == "__main__":
    sys.exit(main())
