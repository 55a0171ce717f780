"""Programs that die of a second thread, started from a Python in which the hook has started jemalloc's.

Each is tried with `background_thread:true` in MALLOC_CONF, too, which kills it: the test would see."""

import os
import shutil
import subprocess
import tempfile
import unittest

import place

# Starts the words behind the program's name, plainly and with a function between fork and exec, beside the thread.
STARTER = """
import os, subprocess, sys, time
for _ in range(500):
    # A new thread bears the program's name until it has named itself.
    names = [open(f'/proc/self/task/{task}/comm').read().strip() for task in os.listdir('/proc/self/task')]
    if 'jemalloc_bg_thd' in names:
        break
    time.sleep(0.01)
else:
    sys.exit(f'no thread of jemalloc: {names}')
for before in (None, os.getpid):
    done = subprocess.run(sys.argv[1:], preexec_fn=before, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    print(done.returncode, done.stdout.decode(errors='replace')[:60].replace(chr(10), ' '))
"""
PAGE = "data:text/html,<p>alive</p>"


class Programs(unittest.TestCase):
    def started(self, command: list[str], conf: str) -> list[str]:
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} (not installed)")
        python = place.python(max(place.interpreters(), key=place.VERSIONS.index), hook=True)
        environment = place.preloaded(conf=conf)
        done = subprocess.run([python, "-c", STARTER, *command], env=environment, capture_output=True, text=True, check=True, timeout=120)
        self.assertNotIn("jemalloc", done.stderr)
        return done.stdout.splitlines()

    def lives(self, command: list[str], says: str = "") -> None:
        for line in self.started(command, place.CONF):
            self.assertTrue(line.startswith("0 ") and says in line, line)
        for line in self.started(command, f"background_thread:true,{place.CONF}"):
            self.assertFalse(line.startswith("0 "), f"it does not mind a second thread: {line}")

    def test_setpriv(self):
        if os.geteuid() != 0:
            self.skipTest("setpriv (this needs root to become another user)")
        self.lives(["setpriv", "--reuid", "65534", "--clear-groups", "true"])

    def test_unshare(self):
        self.lives(["unshare", "--user", "true"])

    def test_chromium(self):
        with tempfile.TemporaryDirectory() as folder:
            options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", "--dump-dom"]
            self.lives(["chromium", *options, PAGE], says="alive")
