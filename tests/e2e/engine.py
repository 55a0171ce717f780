"""The engine that users have: Debian 13's dockerd with its BuildKit, in a root of its own and in namespaces of its own.

Only the host's mmdebstrap and util-linux are needed, and no docker of the host is seen or touched. Nothing goes on and nothing
stays mounted, whatever ends the proof: dockerd is the first process of its namespace and dies with this one, and with it die all that it
started and all of its mounts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import mirror
import process
from process import Run

SUITE = "trixie"
# Unpacked only: dockerd needs nothing of what packages do when they are installed. base-files has the links /bin and /lib.
PACKAGES = "base-files,docker.io,docker-cli,docker-buildx"
# Each has a /run of its own, which /var/run is not without what base-files does when it is installed.
HOST = "unix:///run/docker.sock"
# The host's network is used as it is.
DOCKERD = ["dockerd", f"--host={HOST}", "--iptables=false", "--ip6tables=false", "--bridge=none", "--exec-root=/run/docker", "--pidfile=/run/docker.pid"]
# Runs as the first process of a namespace of processes. Its number outside is in the host's /proc, which still is there.
# /run is made anew each time: no pid file and no socket of a daemon that was killed lies there.
ENTER = """
set -e
root=$1 work=$2 number=$3
shift 3
read -r outside rest < /proc/self/stat
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount --bind "$work" "$root$work"
echo "$outside" > "$number"
exec chroot "$root" docker-init -- "$@"
"""
# Every image is here already, or a case is wrong: a registry that somebody asks for one is not to be reached.
NOWHERE = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY")}
CLIENT = {"DOCKER_HOST": HOST, "HOME": "/run", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"}
# Where the kernel counts what containers use: below a name of its own, in one tree or in several.
GROUPS = Path("/sys/fs/cgroup")
STARTS, ENDS = 60.0, 20.0  # seconds


class EngineError(Exception):
    """dockerd does not run here."""


def make(root: Path) -> None:
    """Its root; made on the first run, then reused."""
    if not root.exists():
        print("unpacking dockerd", flush=True)
        mirror.make(root, SUITE, "amd64", ["--variant=extract", "--format=directory", f"--include={PACKAGES}"])


class Engine:
    """A dockerd. Two of them share a root, each with images of its own."""

    def __init__(self, root: Path, name: str, work: Path) -> None:
        """`work` has the same path inside: what is built and what is mounted lies there."""
        self._root, self._work = root, work
        self._log = work / f"dockerd-{name}.log"
        self._number = work / f"dockerd-{name}.pid"
        self._group = f"malloclint-e2e-{name}"
        self._own = [f"--data-root=/var/lib/docker/{name}", f"--cgroup-parent=/{self._group}"]
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """To be called in the thread that lives longest: by setpriv, dockerd dies with the thread that started it."""
        (self._root / str(self._work).lstrip("/")).mkdir(parents=True, exist_ok=True)
        resolver = self._root / "etc/resolv.conf"
        resolver.unlink(missing_ok=True)
        resolver.write_bytes(Path("/etc/resolv.conf").read_bytes())
        self._number.unlink(missing_ok=True)
        apart = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"]
        command = [*apart, "sh", "-c", ENTER, "sh", str(self._root), str(self._work), str(self._number), *DOCKERD, *self._own]
        with self._log.open("wb") as log:
            # Ctrl-C is for the proof, which ends dockerd in its own time.
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**CLIENT, **NOWHERE}, start_new_session=True)
        end = time.monotonic() + STARTS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise EngineError(f"dockerd does not start: {self._last_words()}")
            time.sleep(0.1)

    def docker(self, *arguments: str, given: bytes | BinaryIO = b"") -> Run:
        """Runs the client that belongs to it."""
        return process.run([*self.entered, "docker", *arguments], given, CLIENT)

    def beside(self, *command: str) -> Run:
        """Runs a program in the root of the daemon, and among its processes, which have other numbers outside."""
        return process.run([*self.entered, "--pid", *command], b"", CLIENT)

    @property
    def entered(self) -> list[str]:
        """What starts a program where its client is."""
        return ["nsenter", f"--target={self._pid()}", "--mount", "--root", "--wd"]

    def stop(self) -> None:
        """Lets dockerd end by itself, so that the images stay as they are; where it does not, it is ended."""
        if self._process is None:
            return
        try:
            os.kill(self._pid(), signal.SIGTERM)
            self._process.wait(ENDS)
        except (OSError, EngineError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._number.unlink(missing_ok=True)
            self._remove_groups()

    def _remove_groups(self) -> None:
        """Containers that were ended leave theirs behind, empty. The next proof removes what is still in use."""
        for top in (*GROUPS.glob(self._group), *GROUPS.glob(f"*/{self._group}")):
            for folder, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    os.rmdir(folder)

    def _answers(self) -> bool:
        try:
            return self.docker("version").code == 0
        except EngineError:
            return False

    def _pid(self) -> int:
        """The process whose root and mounts a client has to share."""
        try:
            return int(self._number.read_text())
        except (OSError, ValueError) as error:
            raise EngineError("dockerd does not run") from error

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return " ".join(lines[-3:]) or "it says nothing"
