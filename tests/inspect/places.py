"""Where Pythons come from that the targets run on: this machine's own, pyenv's, and those of distributions, in roots of their own.

The roots are unpacked once, below target/inspect/roots, by the host's mmdebstrap: no docker, nothing pulled, nothing installed on the host.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOTS = HERE.parents[1] / "target" / "inspect" / "roots"
sys.path.insert(0, str(HERE.parent / "e2e"))

import mirror  # noqa: E402
import process  # noqa: E402

# Unpacked only: nothing of what packages do when they are installed is needed. base-files has the links /bin and /lib.
PACKAGES = "base-files,python3,libjemalloc2"
AMD64 = "amd64"
DEBIAN = {"debian-11": "bullseye", "debian-12": "bookworm", "debian-13": "trixie", "debian-sid": "sid"}
UBUNTU = {"ubuntu-22.04": "jammy", "ubuntu-24.04": "noble", "ubuntu-26.04": "resolute"}
# Debian has Ubuntu's keys in a package.
KEYS = ("ubuntu-keys", "trixie", "ubuntu-archive-keyring", "usr/share/keyrings/ubuntu-archive-keyring.gpg")
UBUNTU_SOURCES = "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu\nSuites: {suite}\nComponents: main universe\nSigned-By: {keys}\n"
# Its mounts are in a namespace of their own, and end with it. It becomes the target: the number of the process is the same.
ENTER = """
set -e
root=$1 tests=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$tests" "$root/home"
exec chroot "$root" "$@"
"""
# The target's variables are set last of all: a library that is preloaded is not for `mount` and `chroot`. Without `-u` Python 3.14 has
# buffers of 128 KiB, in use and not in memory.
LAUNCH = "import json, os, sys; os.execve(sys.executable, [sys.executable, '-u', *sys.argv[2:]], {**os.environ, **json.loads(sys.argv[1])})"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8"}
# The oldest Python whose layouts are known.
OLDEST = (3, 9)


@dataclass(frozen=True)
class Place:
    """A Python. `root` is where its file system begins, unless that is the host's."""

    name: str
    python: str
    root: Path | None = None

    def start(self, shape: str, variables: dict[str, str]) -> subprocess.Popen[str]:
        """A target of that shape, which answers on its standard output."""
        tests = "/home" if self.root else str(HERE)
        command = [self.python, "-ISc", LAUNCH, json.dumps(variables), f"{tests}/target.py", shape]
        if self.root:
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", str(self.root), str(HERE), *command]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=ENVIRONMENT, text=True)

    def has_jemalloc(self) -> bool:
        """Whether the loader would find it by its name alone."""
        folder = (self.root or Path("/")) / "usr/lib"
        return any(folder.glob("*-linux-gnu/libjemalloc.so.2"))


def hosts() -> list[Place]:
    """The Python that runs this."""
    version = platform.python_version()
    return [Place(f"host-{version}", os.path.realpath(sys.executable))]


def pyenvs() -> list[Place]:
    """Those of pyenv, where it is on the path or in its usual place."""
    folder = Path.home() / ".pyenv"
    if shutil.which("pyenv"):
        asked = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        folder = Path(asked.stdout.strip() or folder)
    found = []
    for version in folder.glob("versions/*"):
        numbers = re.match(r"(\d+)\.(\d+)\.(\d+)$", version.name)
        program = version / "bin" / "python3"
        if numbers and (int(numbers[1]), int(numbers[2])) >= OLDEST and program.exists():
            found.append((tuple(map(int, numbers.groups())), Place(f"pyenv-{version.name}", str(program))))
    return [place for _, place in sorted(found, key=lambda one: one[0])]


def against_roots() -> str | None:
    """Why no roots can be made and entered here."""
    if os.geteuid() != 0:
        return "roots need root"
    if platform.machine() != "x86_64":
        return "the roots are made for amd64 on an amd64 machine"
    absent = [program for program in ("mmdebstrap", "unshare", "chroot") if not shutil.which(program)]
    return f"not installed: {' '.join(absent)}" if absent else None


def names() -> list[str]:
    return [*DEBIAN, *UBUNTU]


def is_made(name: str) -> bool:
    return _folder(name).exists()


def root(name: str, arch: str = AMD64) -> Place:
    """A distribution's Python; its root is made where it is not there yet. Raises `mirror.Unmade`."""
    if name in UBUNTU:
        if not is_made(name):
            _make(name, UBUNTU[name], PACKAGES, UBUNTU_SOURCES.format(suite=UBUNTU[name], keys=_keys()))
    else:
        _make(name, DEBIAN[name], PACKAGES, _debian_sources(DEBIAN[name]), arch)
    return Place(name, "/usr/bin/python3", _folder(name, arch))


def _folder(name: str, arch: str = AMD64) -> Path:
    """What was made in another way is made anew."""
    recipe = hashlib.sha256(repr((PACKAGES, UBUNTU_SOURCES, KEYS)).encode()).hexdigest()[:8]
    return ROOTS / f"{name}{'' if arch == AMD64 else '-' + arch}-{recipe}"


def _keys() -> Path:
    name, suite, package, path = KEYS
    _make(name, suite, package, _debian_sources(suite))
    return _folder(name) / path


def _debian_sources(suite: str) -> str | None:
    """The host's own, without those for updates: not every suite has them."""
    sources = mirror.host_sources(suite)
    if sources is None:
        return None
    stanzas = [stanza for stanza in sources.split("\n\n") if re.search(rf"^Suites:.*\b{suite}(?!-)\b", stanza, re.MULTILINE)]
    return re.sub(r"^Suites:.*$", f"Suites: {suite}", "\n\n".join(stanzas[:1]), flags=re.MULTILINE) + "\n"


def _make(name: str, suite: str, packages: str, sources: str | None, arch: str = AMD64) -> None:
    """It is there as a whole or not at all."""
    folder = _folder(name, arch)
    if folder.exists():
        return
    print(f"making {folder.name}", flush=True)
    ROOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOTS, prefix="part-") as scratch:
        part, file = Path(scratch) / "root", Path(scratch) / "made.sources"
        command = ["mmdebstrap", "--mode=root", "--variant=extract", "--format=directory", f"--arch={arch}", f"--include={packages}"]
        command += ['--aptopt=Apt::Install-Recommends "false"', *(f"--aptopt={accepted}" for accepted in mirror.accepting())]
        command += [suite, str(part)]
        if sources:
            file.write_text(sources)
            command.append(str(file))
        done = process.run(command)
        if done.code != 0:
            raise mirror.Unmade(f"mmdebstrap for {suite} failed:\n{done.both()[-2000:]}")
        part.replace(folder)
    stem = folder.name.rpartition("-")[0]
    for old in ROOTS.glob(f"{stem}-*"):
        if old != folder and old.name.rpartition("-")[0] == stem:
            shutil.rmtree(old, ignore_errors=True)
