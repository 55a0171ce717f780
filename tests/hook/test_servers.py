"""Servers with the hook and without it: the threads of master and workers, as the kernel lists them."""

import os
import tempfile
import unittest
from pathlib import Path

import place
from bench.memory.processes import Session, threads

THREAD = "jemalloc_bg_thd"

WORKERS = 2
GUNICORN = ["-m", "gunicorn", "--bind", "unix:socket", "--workers", str(WORKERS), "--chdir", str(place.PROGRAMS)]


class Servers(unittest.TestCase):
    def seen(self, command: list[str], hook: bool, master: bool = True, children: int = WORKERS) -> list[bool]:
        """For the master, where that is asked, and each worker, whether jemalloc's thread is there."""
        python = place.server_python(hook)
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            environment = place.preloaded(HOOK_FOLDER=folder, PYTHONPATH=str(place.PROGRAMS))
            with Session([python, *command], environment, Path(folder)) as server:
                workers = server.workers(children)
                return [THREAD in threads(pid) for pid in [*([server.process.pid] if master else []), *workers]]

    def both(self, command: list[str], master: bool = True, children: int = WORKERS) -> None:
        count = children + master
        self.assertEqual(self.seen(command, True, master, children), [True] * count, "with the hook")
        self.assertEqual(self.seen(command, False, master, children), [False] * count, "without the hook")

    def test_gunicorn_sync(self):
        self.both([*GUNICORN, "wsgi:application"])

    def test_gunicorn_gthread(self):
        self.both([*GUNICORN, "--threads", "4", "wsgi:application"])

    def test_gunicorn_preload(self):
        self.both([*GUNICORN, "--threads", "4", "--preload", "wsgi:application"])

    def test_gunicorn_that_becomes_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("workers of another user (this needs root to become one)")
        self.both([*GUNICORN, "--user", "nobody", "--group", "nogroup", "wsgi:application"])

    def test_uvicorn_workers(self):
        # They are started anew, and multiprocessing has a process that looks after what they share.
        self.both(["-m", "uvicorn", "--uds", "socket", "--workers", str(WORKERS), "asgi:application"], children=WORKERS + 1)

    def test_celery_prefork(self):
        pool = ["-m", "celery", "--workdir", str(place.PROGRAMS), "-A", "tasks", "worker", "-P", "prefork", "-c", str(WORKERS)]
        self.both([*pool, "--without-gossip", "--without-mingle", "--without-heartbeat"])

    def test_uwsgi_tells_python_of_its_forks_only_when_asked(self):
        uwsgi = ["-c", "import pyuwsgi, sys; pyuwsgi.run(sys.argv[1:])", "--http-socket", "127.0.0.1:0", "--master", "--processes", str(WORKERS)]
        uwsgi += ["--wsgi-file", str(place.PROGRAMS / "wsgi.py")]
        self.both([*uwsgi, "--py-call-osafterfork"], master=False)
        self.assertEqual(self.seen(uwsgi, hook=True, master=False), [False] * WORKERS)
