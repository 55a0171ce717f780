"""The services: how each is started, and how it is made to work."""

import concurrent.futures
import http.client
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import install

APPS = install.HERE / "apps"
WORKERS = 2
STARTED = 60
GUNICORN = ["gunicorn", "--bind", "127.0.0.1:{port}", "--workers", str(WORKERS), "--worker-class", "gthread", "--timeout", "300", "--no-control-socket"]


@dataclass
class Service:
    """`clients` ask at once, `burst` times in all; `threads` is what a worker of gunicorn has."""

    name: str
    command: list[str]
    clients: int
    burst: int
    broker: bool = False


SERVICES = [
    Service("flask", [*GUNICORN, "--threads", "12", "flask_app:app"], 24, 72),
    Service("fastapi", ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--workers", str(WORKERS), "fastapi_app:app"], 24, 72),
    Service("celery", ["celery", "-A", "celery_app", "worker", "-P", "prefork", "-c", str(WORKERS), "--without-gossip", "--without-mingle"], 0, 6, True),
    Service("django", [*GUNICORN, "--threads", "8", "django_app:app"], 16, 64),
    Service("pandas", [*GUNICORN, "--threads", "6", "pandas_app:app"], 12, 24),
    Service("ml", [*GUNICORN, "--threads", "4", "ml_app:app"], 8, 32),
]


@dataclass
class Running:
    """A service that runs. Leaving the block ends it and what it started."""

    service: Service
    folder: Path
    python: Path
    started: list[subprocess.Popen] = field(default_factory=list)
    asked: int = 0

    def __enter__(self):
        self.port = _free_port()
        self.environment = {**os.environ, "SERVICE_FOLDER": str(self.folder), "PYTHONPATH": str(APPS), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            if self.service.broker:
                self.environment["SERVICE_BROKER"] = self._broker()
            words = [word.format(port=self.port) for word in self.service.command]
            self.server = self._start([str(self.python), "-m", *words], self.environment)
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                    process.wait(4)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue

    def workers(self):
        """Those that do the work: each has begun to answer for itself."""
        return sorted(int(path.stem) for path in self.folder.glob("*.truth"))

    def burst(self, shape, seed):
        """Work for all workers, several pieces at once. Every piece of a run is another one."""
        first, self.asked = seed * 100_000 + self.asked, self.asked + self.service.burst
        numbers = range(first, first + self.service.burst)
        if self.service.broker:
            return self._tasks(shape, numbers)
        with concurrent.futures.ThreadPoolExecutor(self.service.clients) as pool:
            list(pool.map(lambda number: self._get(f"/{shape}/{number}"), numbers))

    def _get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        while answer.read(1 << 20):
            pass
        connection.close()
        if answer.status != 200:
            raise AssertionError(f"{self.service.name}{path}: {answer.status}\n{self._log()}")

    def _tasks(self, shape, numbers):
        subprocess.run([self.python, APPS / "celery_app.py", shape, str(numbers[0]), str(len(numbers))], env=self.environment, cwd=self.folder, check=True)
        done, end = self.folder / "done", time.monotonic() + 300
        while not done.is_file() or len(done.read_text().split()) < self.asked:
            if time.monotonic() > end:
                raise AssertionError(f"the tasks take too long\n{self._log()}")
            time.sleep(0.05)

    def _broker(self):
        found = install.redis()
        if not found:
            for name in ("queue", "control"):
                (self.folder / name).mkdir()
            return "filesystem://"
        command, environment = found
        port = _free_port()
        self._start([*command, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)], environment)
        _until(lambda: _answers(port), "redis does not answer")
        return f"redis://127.0.0.1:{port}/0"

    def _start(self, command, environment):
        with open(self.folder / "log", "a") as log:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)
        self.started.append(process)
        return process

    def _wait(self):
        ready = lambda: len(self.workers()) == WORKERS and (self.service.broker or _answers(self.port))
        try:
            _until(ready, f"{self.service.name} has not started")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._log()}") from None

    def _log(self):
        return (self.folder / "log").read_text()[-3000:]


def _until(condition, otherwise):
    end = time.monotonic() + STARTED
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(otherwise)
        time.sleep(0.05)


def _answers(port):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]
