"""What the tests of the packages share."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests" / "packaging"
sys.path.insert(0, str(ROOT / "packaging"))

# A service whose preload names a file that is nowhere: malloclint finds it, and can fix it.
WRONG = """FROM python:3.12-slim
RUN apt-get update \\
    && apt-get install -y --no-install-recommends libjemalloc2 \\
    && rm -rf /var/lib/apt/lists/*
ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2 \\
    MALLOC_CONF=dirty_decay_ms:1000,muzzy_decay_ms:1000
COPY app.py /app/app.py
CMD ["gunicorn", "--workers", "4", "app:app"]
"""


def run(*command: object, cwd: object = ROOT, env: Optional[Dict[str, str]] = None, code: Optional[int] = 0, text: str = ""):
    """Runs a command and holds it to its exit code; its standard error comes with its output."""
    done = subprocess.run(
        [str(word) for word in command], cwd=str(cwd), env=env, input=text.encode(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    out = done.stdout.decode("utf-8", "replace")
    if code is not None and done.returncode != code:
        raise AssertionError(f"{command} in {cwd} ended with {done.returncode}, not {code}:\n{out}")
    done.text = out
    return done


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    maxDiff = None

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="malloclint-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name: str, text: str, mode: int = 0o644) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(mode)
        return path

    def git(self, *arguments: object, cwd: object = None) -> str:
        return run("git", *arguments, cwd=cwd or self.folder, env=git_environment()).text

    def repository(self, name: str) -> pathlib.Path:
        """An empty repository, with a branch `main`."""
        path = self.folder / name
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main", cwd=path)
        return path


def git_environment() -> Dict[str, str]:
    """Git as on a machine on which nobody has set it up."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **env,
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
    }


class Runner:
    """The environment that GitHub gives the steps of an action, and what they made of it."""

    def __init__(self, folder: pathlib.Path, action: pathlib.Path = ROOT) -> None:
        self.workspace = folder / "workspace"
        self.temp = folder / "temp"
        self.workspace.mkdir(exist_ok=True)
        self.temp.mkdir(exist_ok=True)
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH", "GITHUB_ENV")}
        for file in self.files.values():
            file.touch()
        self.env = {
            # Nobody has said who commits.
            **{name: value for name, value in git_environment().items() if not name.endswith(("_NAME", "_EMAIL"))},
            "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_ACTION_PATH": str(action), "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_REF_NAME": "main", "RUNNER_TEMP": str(self.temp), "RUNNER_OS": "Linux",
            **{name: str(path) for name, path in self.files.items()},
        }

    def step(self, name: str, code: int = 0, **inputs: str):
        """Runs one of the scripts with these inputs."""
        env = {**self.env, **{f"INPUT_{key.upper()}": value for key, value in inputs.items()}}
        return run("bash", f"{self.env['GITHUB_ACTION_PATH']}/action/run.sh", name, cwd=self.workspace, env=env, code=code)

    def outputs(self) -> Dict[str, str]:
        """What was set, read as the runner reads it."""
        found, lines = {}, iter(self.files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines())
        for line in lines:
            name, mark = line.split("<<", 1)
            value = []
            for line in lines:
                if line == mark:
                    break
                value.append(line)
            found[name] = "\n".join(value)
        return found

    def summary(self) -> str:
        return self.files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")

    def paths(self) -> List[str]:
        return self.files["GITHUB_PATH"].read_text(encoding="utf-8").split()


def orders(log: str) -> List[str]:
    """The lines of a log that the runner would carry out."""
    found, mark = [], None
    for line in log.splitlines():
        line = line.strip()
        if mark is not None:
            if line == f"::{mark}::":
                mark = None
        elif line.startswith("::stop-commands::"):
            mark = line[len("::stop-commands::") :]
        elif line.startswith("::"):
            found.append(line)
    assert mark is None, "orders are stopped and never taken again"
    return found


def asked(log: pathlib.Path) -> List[List[str]]:
    """How the stand-in of the program was called."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
