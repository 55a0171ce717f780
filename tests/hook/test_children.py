"""Children of Python itself, on every interpreter that is here."""

import json
import os
import subprocess
import unittest

import place

THREAD = "jemalloc_bg_thd"

FORKED = ["fork", "fork in a fork", "multiprocessing fork", "multiprocessing forkserver"]
ALL = ["parent", *FORKED, "multiprocessing spawn"]


def told(python: str, environment: dict, *options: str) -> dict:
    done = subprocess.run([python, *options, str(place.PROGRAMS / "children.py")], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


def with_thread(seen: dict) -> list[str]:
    return [way for way in ALL if THREAD in seen[way]]


class Children(unittest.TestCase):
    def test_versions(self):
        for version in place.VERSIONS:
            with self.subTest(version):
                if version not in place.interpreters():
                    self.skipTest(f"Python {version} (not installed)")
                seen = told(place.python(version, hook=True), place.preloaded())
                self.assertEqual(with_thread(seen), ALL, "with the hook")
                self.assertEqual(seen["imported"], ["ctypes", "jemalloc_thread"])
                self.assertEqual(seen["preexec_fn"], 0)
                seen = told(place.python(version, hook=False), place.preloaded())
                self.assertEqual(with_thread(seen), [], "without the hook")

    def test_a_thread_that_the_configuration_asks_for_lives_on(self):
        python = place.python(min(place.interpreters()), hook=True)
        conf = "background_thread:true,narenas:2"
        self.assertEqual(with_thread(told(python, place.preloaded(conf=conf))), ALL)
        self.assertEqual(with_thread(told(python, place.preloaded("0", conf=conf))), ["parent", "multiprocessing spawn"], "as without the hook")


class OutOfTheWay(unittest.TestCase):
    """`told` sees to it that nothing is printed."""

    def setUp(self):
        self.python = place.python(min(place.interpreters()), hook=True)

    def test_not_asked_for(self):
        for asked in ("", "0"):
            seen = told(self.python, place.preloaded(asked))
            self.assertEqual(with_thread(seen), [], asked)
            self.assertEqual(seen["imported"], ["jemalloc_thread"], "ctypes is not imported for nothing")

    def test_no_jemalloc(self):
        self.assertEqual(with_thread(told(self.python, place.environment(JEMALLOC_THREAD_IN_PYTHON="1"))), [])

    def test_no_site(self):
        self.assertEqual(with_thread(told(self.python, place.preloaded(), "-S"))[:2], [])

    def test_isolated(self):
        self.assertEqual(with_thread(told(self.python, place.preloaded(), "-I"))[:5], ALL[:5])

    def test_no_ctypes(self):
        program = "import os, sys; sys.modules['ctypes'] = None; import jemalloc_thread as hook; hook._switch = None; hook.install(); print(hook._switch)"
        self.assertEqual(self.run_program("-c", program, asked="0").stdout, "False\n")
        self.assertEqual(self.run_program("-c", f"import os; os.environ['JEMALLOC_THREAD_IN_PYTHON'] = '1'; {program}", asked="0").stdout, "False\n")

    def test_no_fork(self):
        program = "import os; del os.register_at_fork; os.environ['JEMALLOC_THREAD_IN_PYTHON'] = '1'; import jemalloc_thread as hook; hook._switch = None; hook.install(); print(hook._switch)"
        self.assertEqual(self.run_program("-c", program, asked="0").stdout, "False\n")

    def test_an_import_in_the_child_would_wait_for_ever(self):
        self.python = place.python(min(place.interpreters()), hook=False)
        done = self.run_program(str(place.PROGRAMS / "import_in_fork.py"))
        self.assertEqual(done.stdout, "14\n", "the alarm ended it")

    def test_programs_started_by_children_print_nothing(self):
        self.assertEqual(self.run_program(str(place.PROGRAMS / "fork_and_exec.py")).stdout, "{b''}\n" * 2)

    def test_a_thread_that_cannot_be_started_is_not_waited_for(self):
        if os.geteuid() != 0:
            self.skipTest("a fork by a user who may have no further thread (this needs root to become one)")
        done = subprocess.run([self.python, str(place.PROGRAMS / "no_room.py")], env=place.preloaded(), capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "False 1\n")
        self.assertIn("background thread creation failed", done.stderr, "jemalloc's own words")

    def run_program(self, *arguments: str, asked: str = "1") -> subprocess.CompletedProcess:
        done = subprocess.run([self.python, *arguments], env=place.preloaded(asked), capture_output=True, text=True, check=True, timeout=30)
        self.assertEqual(done.stderr, "")
        return done

    def test_pypy(self):
        if place.pypy() is None:
            self.skipTest("PyPy (not installed)")
        environment = place.preloaded(PYTHONPATH=str(place.install.HOOK.parent / "thread-hook"))
        program = "import os, jemalloc_thread as hook; hook.install(); p = os.fork(); p or os._exit(len(os.listdir('/proc/self/task'))); print(os.WEXITSTATUS(os.waitpid(p, 0)[1]))"
        done = subprocess.run([place.pypy(), "-c", program], env=environment, capture_output=True, text=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("2\n", ""))
