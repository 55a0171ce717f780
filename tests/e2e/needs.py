"""What the proof needs of this machine: installed by apt where that is possible, else said to be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

BINFMT = Path("/proc/sys/fs/binfmt_misc")
# The programs of util-linux are on every Debian; elsewhere they are named when they are not there.
PACKAGES = {"mmdebstrap": "mmdebstrap", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux"}
FOREIGN = {"arch-test": "arch-test", "qemu-aarch64-static": "qemu-user-static", "update-binfmts": "binfmt-support"}


def missing(programs: dict[str, str]) -> list[str]:
    """The packages of those programs that are not there, after an attempt to install them."""
    if _absent(programs) and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(_absent(programs))
    return _absent(programs)


def reason_against_amd64() -> str | None:
    """Why nothing at all can be built here."""
    if os.geteuid() != 0:
        return "image builds need root"
    if os.uname().machine != "x86_64":
        return "the base images are made for amd64 on an amd64 machine"
    absent = missing(PACKAGES)
    return f"not installed: {' '.join(absent)}" if absent else None


def reason_against_arm64() -> str | None:
    """Why programs of arm64 cannot run here."""
    absent = missing(FOREIGN)
    if absent:
        return f"not installed: {' '.join(absent)}"
    if not (BINFMT / "register").exists():
        _quiet("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
    if not (BINFMT / "qemu-aarch64").exists():
        _quiet("update-binfmts", "--enable", "qemu-aarch64")
    if not _quiet("arch-test", "arm64"):
        return "arm64 programs do not run here (binfmt_misc with qemu-user)"
    return None


def _absent(programs: dict[str, str]) -> list[str]:
    return [package for program, package in programs.items() if not shutil.which(program)]


def _install(packages: list[str]) -> None:
    print("installing", *packages, flush=True)
    _quiet("apt-get", "-qq", "update")
    _quiet("apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages)


def _quiet(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0
