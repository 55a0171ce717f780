"""Where the tests run: interpreters, jemalloc and venvs, made once below target/hook. What cannot be had is said."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.memory import install  # noqa: E402

HERE = Path(__file__).resolve().parent
TARGET = install.TARGET / "hook"
PROGRAMS = HERE / "programs"
VERSIONS = [f"3.{minor}" for minor in range(9, 15)]
CONF = "narenas:2,dirty_decay_ms:1000"


@functools.cache
def jemalloc() -> str:
    try:
        return str(install.library("libjemalloc2", "libjemalloc.so.2", TARGET))
    except install.Missing as error:
        raise unittest.SkipTest(f"all that needs jemalloc ({error})") from error


@functools.cache
def interpreters() -> dict[str, str]:
    """Version -> program, of those that start: a shim of pyenv may name a version that is not chosen."""
    found = {}
    homes = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))
    for version in VERSIONS:
        for program in [sys.executable, f"python{version}", *map(str, homes)]:
            if version not in found and _version(program) == version:
                found[version] = program
    return found


@functools.cache
def _version(program: str) -> str | None:
    if not shutil.which(program):
        return None
    done = subprocess.run([program, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


@functools.cache
def python(version: str, hook: bool) -> str:
    """The Python of a venv with or without the hook, and with no packages."""
    folder = TARGET / f"{version}-{'hook' if hook else 'plain'}"
    return str(install.thin_venv(folder, interpreters()[version], None, hook))


@functools.cache
def server_python(hook: bool) -> str:
    """The Python of a venv that has the servers' packages."""
    try:
        packages = install.venv(TARGET / "packages", sys.executable, HERE / "requirements.txt")
        return str(install.thin_venv(TARGET / f"servers-{'hook' if hook else 'plain'}", sys.executable, packages, hook))
    except install.Missing as error:
        raise unittest.SkipTest(f"gunicorn, celery and uWSGI ({error})") from error


def environment(**changes: str) -> dict[str, str]:
    """A clean one: what this machine sets for its own Python and allocator is not what is tested."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MALLOC_", "LD_", "JEMALLOC_"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def preloaded(asked: str = "1", conf: str = CONF, **changes: str) -> dict[str, str]:
    """With jemalloc, and asked for its thread."""
    return environment(LD_PRELOAD=jemalloc(), MALLOC_CONF=conf, JEMALLOC_THREAD_IN_PYTHON=asked, **changes)


def pypy() -> str | None:
    return shutil.which("pypy3")
