"""Children of Python itself, on every interpreter that is here."""

import json
import os
import subprocess
import unittest

import place

THREAD = "jemalloc_bg_thd"

FORKED = ["fork", "fork in a fork", "multiprocessing fork", "multiprocessing forkserver"]


def told(python: str, environment: dict, *options: str) -> dict:
    done = subprocess.run([python, *options, str(place.PROGRAMS / "children.py")], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


def with_thread(seen: dict) -> list[str]:
    return [way for way in FORKED if THREAD in seen[way]]


class Children(unittest.TestCase):
    def test_versions(self):
        for version in place.VERSIONS:
            with self.subTest(version):
                if version not in place.interpreters():
                    self.skipTest(f"Python {version} (not installed)")
                seen = told(place.python(version, hook=True), place.preloaded())
                self.assertEqual(with_thread(seen), FORKED, "with the hook")
                self.assertIn(THREAD, seen["parent"])
                self.assertIn(THREAD, seen["multiprocessing spawn"])
                self.assertEqual(seen["imported"], ["jemalloc_after_fork"], "ctypes is not imported before a fork")
                self.assertEqual(seen["preexec_fn"], 0)
                seen = told(place.python(version, hook=False), place.preloaded())
                self.assertEqual(with_thread(seen), [], "without the hook")
                self.assertIn(THREAD, seen["parent"])


class OutOfTheWay(unittest.TestCase):
    """`told` sees to it that nothing is printed."""

    def setUp(self):
        self.python = place.python(min(place.interpreters()), hook=True)

    def test_not_asked_for(self):
        for conf in ("", "narenas:2", "background_thread:false", "background_thread:true,background_thread:false"):
            self.assertEqual(with_thread(told(self.python, place.preloaded(conf))), [], conf)

    def test_no_jemalloc(self):
        seen = told(self.python, place.environment(MALLOC_CONF=place.ASKED))
        self.assertEqual(with_thread(seen), [])
        self.assertEqual(seen["imported"], ["jemalloc_after_fork"])

    def test_no_site(self):
        self.assertEqual(with_thread(told(self.python, place.preloaded(), "-S"))[:2], [])

    def test_isolated(self):
        self.assertEqual(with_thread(told(self.python, place.preloaded(), "-I")), FORKED)

    def test_no_ctypes(self):
        program = "import os, sys; sys.modules['ctypes'] = None; p = os.fork(); p or os._exit(len(os.listdir('/proc/self/task'))); print(os.WEXITSTATUS(os.waitpid(p, 0)[1]))"
        self.assertEqual(self.run_program("-W", "ignore", "-c", program).stdout, "1\n")

    def test_no_fork(self):
        program = "import os; del os.register_at_fork; import jemalloc_after_fork as hook; hook._installed = False; hook.install(); print(hook._installed)"
        self.assertEqual(self.run_program("-c", program).stdout, "False\n")

    def test_another_thread_imports_ctypes_meanwhile(self):
        program = str(place.PROGRAMS / "import_in_fork.py")
        self.assertRegex(self.run_program(program).stdout, rf"\['{THREAD}', '.*'\]\n0\n")

    def test_an_import_in_the_child_would_wait_for_ever(self):
        self.python = place.python(min(place.interpreters()), hook=False)
        done = self.run_program(str(place.PROGRAMS / "import_in_fork.py"), "child")
        self.assertEqual(done.stdout, "14\n", "the alarm ended it")

    def test_programs_started_by_children_print_nothing(self):
        self.assertEqual(self.run_program(str(place.PROGRAMS / "fork_and_exec.py")).stdout, "{b''}\n" * 2)

    def test_a_thread_that_cannot_be_started_is_not_waited_for(self):
        if os.geteuid() != 0:
            self.skipTest("a fork by a user who may have no further thread (this needs root to become one)")
        done = subprocess.run([self.python, str(place.PROGRAMS / "no_room.py")], env=place.preloaded(), capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "False 1\n")
        self.assertIn("background thread creation failed", done.stderr, "jemalloc's own words")

    def run_program(self, *arguments: str) -> subprocess.CompletedProcess:
        done = subprocess.run([self.python, *arguments], env=place.preloaded(), capture_output=True, text=True, check=True, timeout=30)
        self.assertEqual(done.stderr, "")
        return done

    def test_pypy(self):
        if place.pypy() is None:
            self.skipTest("PyPy (not installed)")
        environment = place.preloaded(PYTHONPATH=str(place.install.HOOK.parent / "prefork-hook"))
        program = "import os, jemalloc_after_fork as hook; hook.install(); p = os.fork(); p or os._exit(len(os.listdir('/proc/self/task'))); print(os.WEXITSTATUS(os.waitpid(p, 0)[1]))"
        done = subprocess.run([place.pypy(), "-c", program], env=environment, capture_output=True, text=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("2\n", ""))
