#!/usr/bin/env python3
"""Two services as somebody measures them for the first time, with little time: `malloclint tune -- gunicorn app:app` in their folder.

    python3 tests/tune/first_time/run.py --malloclint PROGRAM

`small` is too small for anything to be gained. `grows` is what the first article on the matter tells of: Flask and SQLAlchemy behind
threads, whose memory glibc keeps.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from bench.memory import install  # noqa: E402

TARGET = install.TARGET / "tune"
# Ten minutes are what a user gives it; a run asks for a second or two here, and is watched for one more.
SHORT = ["--rounds", "4", "--candidates", "0", "--load-time", "2s", "--settle", "1s", "--no-progress"]
malloclint = None


class FirstTime(unittest.TestCase):
    def told(self, service: str, *options: str) -> str:
        """What is printed, each paragraph on one line."""
        python = install.venv(TARGET / "venv", sys.executable, HERE / "requirements.txt")
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / service
            shutil.copytree(HERE / service, folder)
            environment = plain(PATH=f"{python.parent}:{os.environ['PATH']}", PORT=str(free_port()))
            if service == "grows":
                subprocess.run([python, "app.py"], cwd=folder, env=environment, check=True)
            command = [malloclint, "tune", *SHORT, *options, "--", "gunicorn", "app:app"]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("the server listens on 127.0.0.1:", done.stderr)
            return "\n".join(" ".join(part.split()) for part in done.stdout.split("\n\n"))

    def test_a_small_service_keeps_glibc(self):
        told = self.told("small", "--budget", "75s")
        answer = told.splitlines()[0]
        # On a busy machine another setting may look faster, which so few rounds do not prove.
        why = r"(?:none of the \d+ other settings saves |.* looks better: .*; the runs do not prove it)"
        kept = rf"keep glibc: the service grew [\d.]+ MiB in 2 processes, too little to gain, and {why}"
        simple = r"set MALLOC_ARENA_MAX=2: .* too little for another allocator to be worth it"
        self.assertRegex(answer, f"^(?:{kept}|{simple})")
        self.assertNotIn("LD_PRELOAD=", told)
        # What would have been installed for nothing is shown, too, and what needs no library.
        self.assertRegex(told, r"(?m)^fix: jemalloc \S+ [\d.]+ MiB; memory is (?!surely lower)")
        self.assertRegex(told, r"(?m)^glibc MALLOC_ARENA_MAX=2 [\d.]+ MiB; memory is ")

    def test_a_service_that_keeps_what_threads_gave_back_gets_jemalloc(self):
        told = self.told("grows", "--budget", "100s", "--goal", "low-memory", "--memory", "end")
        answer = told.splitlines()[0]
        shape = r"^use jemalloc \S+ as `malloclint fix` writes it: (0\.\d+) of the memory of glibc \((\d+) instead of (\d+) MiB\) with glibc the service grew (\d+) MiB"
        self.assertRegex(answer, shape)
        ratio, now, before, grew = map(float, re.match(shape, answer).groups())
        self.assertLess(ratio, 0.6, answer)
        self.assertAlmostEqual(ratio, now / before, delta=0.1, msg=answer)
        self.assertGreater(grew, 100, answer)
        # What `malloclint inspect` sees in the same processes.
        self.assertIn("why: at rest ", answer)
        self.assertRegex(told, r"proof: \S+/libjemalloc\.so\.2 was mapped into `gunicorn` and ")
        self.assertRegex(told, r"(?m)^ENV LD_PRELOAD=libjemalloc\.so\.2 ENV MALLOC_CONF=\S+$")


def plain(**changes: str) -> dict[str, str]:
    """What this machine sets for its own Python and allocator is not what is measured."""
    names = ("PYTHON", "MALLOC_", "LD_", "JEMALLOC_", "GUNICORN_", "WEB_CONCURRENCY", "GLIBC_TUNABLES")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(names)}, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def main() -> int:
    global malloclint
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--malloclint", type=Path, default=install.TARGET / "debug" / "malloclint")
    options, names = parser.parse_known_args()
    malloclint = options.malloclint.resolve()
    return int(not unittest.main(module=__name__, argv=[sys.argv[0], *names], exit=False).result.wasSuccessful())


if __name__ == "__main__":
    sys.exit(main())
