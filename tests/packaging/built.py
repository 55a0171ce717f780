"""The packages, built once for all tests that need them, and what installs them."""

import functools
import os
import pathlib
import shutil
import sys
from typing import Dict

import support

import build
import project

VERSION = project.package()["version"]
DIST = build.target_folder() / "packaging" / "tested"
TOOLS = pathlib.Path(sys.executable).parent


def _build(what: str, *arguments: str) -> pathlib.Path:
    done = support.run(sys.executable, "-B", support.ROOT / "packaging/build.py", what, "--out", DIST, *arguments)
    return pathlib.Path(done.text.strip().splitlines()[-1])


@functools.lru_cache(maxsize=None)
def wheel() -> pathlib.Path:
    """The wheel for this machine, the only one of its kind in its folder."""
    shutil.rmtree(DIST, ignore_errors=True)
    return _build("wheel")


@functools.lru_cache(maxsize=None)
def binary() -> pathlib.Path:
    wheel()
    return _build("binary")


@functools.lru_cache(maxsize=None)
def sdist() -> pathlib.Path:
    wheel()
    return _build("sdist")


@functools.lru_cache(maxsize=None)
def wheel_arm64() -> pathlib.Path:
    wheel()
    return _build("wheel", "--target", "aarch64-unknown-linux-gnu")


def environment(**more: str) -> Dict[str, str]:
    """An environment in which pip knows the built wheels, and Git nobody."""
    links = " ".join(filter(None, [str(DIST), os.environ.get("PIP_FIND_LINKS")]))
    return {**support.git_environment(), "PIP_FIND_LINKS": links, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def without_compilers(env: Dict[str, str]) -> Dict[str, str]:
    """The same on a machine without Rust, C compiler and what else builds programs."""
    hidden = ("cargo", "rustc", "cc", "gcc", "maturin", "malloclint")
    folders = []
    for folder in env["PATH"].split(os.pathsep):
        if not any(os.access(f"{folder}/{name}", os.X_OK) for name in hidden):
            folders.append(folder)
    # Most of them lie in one folder with everything else: what is needed of that is linked to from another.
    tools = pathlib.Path(env["TOOLS"])
    tools.mkdir(exist_ok=True)
    for name in ("bash", "sh", "git", "env", "cat", "ls", "sed", "uname", "rm", "mkdir", "basename", "dirname", "python3"):
        found = sys.executable if name == "python3" else shutil.which(name, path=env["PATH"])
        link = tools / name
        if found and not link.exists():
            link.symlink_to(found)
    env = {**env, "PATH": os.pathsep.join([str(tools), *folders])}
    for name in hidden:
        assert shutil.which(name, path=env["PATH"]) is None, f"{name} is still to be found"
    return env
