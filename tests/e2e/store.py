"""Image builds with buildah, in a store of their own: no other images of this machine are seen or touched."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

ISOLATION = ["--isolation=chroot", "--network=host"]

# Where base images are named after; all others are cases'.
BASES = ("docker.io/", "gcr.io/")

# buildah copies itself into a sealed memory file before it does anything, and under load the seal is now and
# then refused. Nothing has been run then, so that it can be started once more.
NOT_STARTED = b"sealing memfd copy"
STARTS = 4


class Run:
    """What a command gave."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")

    def both(self) -> str:
        return self.out + self.err


class BuildError(Exception):
    """A step that has to work did not."""


class Store:
    """The images of one architecture."""

    def __init__(self, folder: Path, arch: str) -> None:
        self.arch = arch
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        self._root = folder / "root"
        driver = _driver(folder)
        self._command = ["buildah", f"--root={self._root}", f"--runroot={folder / 'run'}", f"--storage-driver={driver}"]

    def build(self, folder: Path, file: Path, image: str) -> Run:
        """Builds a Dockerfile. Layers are shared: an instruction that was run before is not run again."""
        platform = f"--platform=linux/{self.arch}"
        return self._run("bud", *ISOLATION, platform, "--layers", "--pull-never", "-t", image, "-f", str(file), str(folder))

    def must_build(self, folder: Path, file: Path, names: list[str]) -> None:
        """The same for an image that others stand on."""
        done = self.build(folder, file, names[0])
        if done.code != 0:
            raise BuildError(f"{names[0]}: {done.both().strip()}")
        for name in names[1:]:
            self._must("tag", names[0], name)

    def make(self, rootfs: Path, names: list[str], settings: list[str]) -> None:
        """An image of one layer from a folder."""
        container = self._must("from", f"--arch={self.arch}", "scratch").strip()
        self._must("add", "--quiet", container, str(rootfs), "/")
        self._must("config", f"--arch={self.arch}", "--os=linux", *settings, container)
        first, *others = names
        self._must("commit", "--quiet", "--rm", container, first)
        for name in others:
            self._must("tag", first, name)

    def has(self, image: str) -> bool:
        return self._run("inspect", "--type=image", image).code == 0

    def config(self, image: str) -> dict:
        """The part of the image's configuration that a container starts with."""
        return json.loads(self._must("inspect", "--type=image", image))["OCIv1"]["config"]

    @contextmanager
    def container(self, image: str) -> Iterator[str]:
        name = self._must("from", "--pull-never", f"--arch={self.arch}", image).strip()
        try:
            yield name
        finally:
            self._run("rm", name)

    def run(self, container: str, command: list[str], environment: dict[str, str] | None = None, volume: str | None = None, user: str | None = None) -> Run:
        """Runs a command with the image's user, folder and environment, and what is added to it or taken instead."""
        added = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        added += ([f"--volume={volume}"] if volume else []) + ([f"--user={user}"] if user else [])
        return self._run("run", *ISOLATION, *added, container, "--", *command)

    def drop_cases(self) -> None:
        """Containers, the images of cases, and layers that no tag names. Base images stay.

        Until then the cases share their layers: half of them install the same on the same base."""
        self._run("rm", "--all")
        names = self._run("images", "--format", "{{.Name}}:{{.Tag}}").out.split()
        cases = [name for name in names if not name.startswith(BASES)]
        if cases:
            self._run("rmi", *cases)
        self._run("rmi", "--prune")

    def close(self, keep: bool) -> None:
        """Takes back the mounts that the driver leaves behind, or the folder could not be removed."""
        if not keep:
            self.drop_cases()
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            place = line.split()[1]
            if place.startswith(f"{self._root}/"):
                subprocess.run(["umount", place], capture_output=True, check=False)

    def _must(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.code != 0:
            raise BuildError(f"buildah {' '.join(arguments)}: {done.both().strip()}")
        return done.out

    def _run(self, *arguments: str) -> Run:
        # Cache mounts lie below TMPDIR; a preload of the caller is not the image's.
        environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "MALLOC_CONF")}
        environment["TMPDIR"] = str(self.temporary)
        for _ in range(STARTS):
            done = subprocess.run([*self._command, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            if done.returncode == 0 or NOT_STARTED not in done.stderr:
                break
            time.sleep(1)
        return Run(done.returncode, done.stdout, done.stderr)


def _driver(folder: Path) -> str:
    """Overlay mounts where the kernel makes them here: fast. Copies of whole trees elsewhere.

    A store that exists keeps its driver."""
    for driver in ("overlay", "vfs"):
        if (folder / "root" / f"{driver}-images").is_dir():
            return driver
    return "overlay" if _overlay_works(folder) else "vfs"


def _overlay_works(folder: Path) -> bool:
    trial = folder / "overlay-trial"
    parts = {name: trial / name for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
    mounted = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(parts["merged"])], capture_output=True, check=False)
    if mounted.returncode != 0:
        return False
    subprocess.run(["umount", str(parts["merged"])], check=False)
    return True
