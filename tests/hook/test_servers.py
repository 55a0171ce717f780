"""Servers that fork, with the hook and without it: the threads of every worker, as the kernel lists them."""

import tempfile
import unittest
from pathlib import Path

import place
from bench.memory.processes import Session, threads

THREAD = "jemalloc_bg_thd"

WORKERS = 2
GUNICORN = ["-m", "gunicorn", "--bind", "unix:socket", "--workers", str(WORKERS), "--chdir", str(place.PROGRAMS)]


class Servers(unittest.TestCase):
    def seen(self, command: list[str], hook: bool) -> list[bool]:
        """For each worker, whether jemalloc's thread is there."""
        python = place.server_python(hook)
        with tempfile.TemporaryDirectory() as folder:
            environment = place.preloaded(HOOK_FOLDER=folder)
            with Session([python, *command], environment, Path(folder)) as server:
                return [THREAD in threads(worker) for worker in server.workers(WORKERS)]

    def both(self, command: list[str]) -> None:
        self.assertEqual(self.seen(command, hook=True), [True] * WORKERS, "with the hook")
        self.assertEqual(self.seen(command, hook=False), [False] * WORKERS, "without the hook")

    def test_gunicorn_sync(self):
        self.both([*GUNICORN, "wsgi:application"])

    def test_gunicorn_gthread(self):
        self.both([*GUNICORN, "--threads", "4", "wsgi:application"])

    def test_gunicorn_preload(self):
        self.both([*GUNICORN, "--threads", "4", "--preload", "wsgi:application"])

    def test_celery_prefork(self):
        pool = ["-m", "celery", "--workdir", str(place.PROGRAMS), "-A", "tasks", "worker", "-P", "prefork", "-c", str(WORKERS)]
        self.both([*pool, "--without-gossip", "--without-mingle", "--without-heartbeat"])

    def test_uwsgi_tells_python_of_its_forks_only_when_asked(self):
        uwsgi = ["-c", "import pyuwsgi, sys; pyuwsgi.run(sys.argv[1:])", "--http-socket", "127.0.0.1:0", "--master", "--processes", str(WORKERS)]
        uwsgi += ["--wsgi-file", str(place.PROGRAMS / "wsgi.py")]
        self.both([*uwsgi, "--py-call-osafterfork"])
        self.assertEqual(self.seen(uwsgi, hook=True), [False] * WORKERS)
