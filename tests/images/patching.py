"""What `malloclint image patch` writes is an image for everybody: for those who copy, unpack, load and run it. It is there as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterator, Mapping, Sequence

import bases
import rooted
from rooted import APART, Start
from store import BuildError
from subjects import MAPS, SERVICE, Subject, Variant
from world import World

TAG = "plain"
FETCH = "apt-get -qq update && cd /out && apt-get -qq -o APT::Sandbox::User=root download libjemalloc2"
THREADS = "import glob; print(*(open(path).read() for path in glob.glob('/proc/self/task/*/comm')))"
# So many runs are killed, each at a moment of its own.
KILLS = 50
PATIENCE = 120.0  # seconds
# A disk that has room for less than the image.
FULL = 'mount -t tmpfs -o size=8m tmpfs "$1" && folder="$1" && shift && { "$@"; code=$?; ls -A "$folder"; exit $code; }'


def subject(arch: str) -> Subject:
    """An image of Debian with Python, and with things in its configuration that have nothing to do with jemalloc."""
    base = bases.NAMES["bookworm"][0]
    text = f'FROM {base}\nENV A="b c"\nHEALTHCHECK CMD true\nONBUILD RUN true\nSTOPSIGNAL SIGQUIT\nCMD {SERVICE}\n'
    return Subject(f"patched-{arch}", arch, ["python3", "-c", MAPS], lambda: [Variant(TAG, False, text)], "bookworm")


def check(world: World, arch: str) -> list[str]:
    own = subject(arch)
    return list(_read_by_others(world, own, Patching(world, own)))


def check_whole_or_not(world: World) -> list[str]:
    """Killed at any moment, and on a disk that is full."""
    patching = Patching(world, subject("amd64"))
    return [*_killed(patching), *_disk_full(patching)]


class Patching:
    """An image, and the package that it gets."""

    def __init__(self, world: World, own: Subject) -> None:
        self.program, self.folder = world.judge.program, world.folder(own.name)
        self.layout = world.layout(own)
        self.packages = self.folder / "packages"
        if not self.packages.exists():
            self.packages.mkdir()
            image = own.image(own.variants()[0])
            done = world.store(own.arch).run(image, ["sh", "-c", FETCH], volume=f"{self.packages}:/out")
            if done.code != 0:
                raise BuildError(f"libjemalloc2 for {own.arch}: {done.both().strip()[-2000:]}")

    def command(self, target: str, source: str | None = None, *options: str) -> list[str]:
        return [str(self.program), "image", "patch", "--quiet", source or f"oci:{self.layout}:{TAG}", "-o", target, f"--deb={self.packages}", *options]

    def patch(self, target: str, source: str | None = None, environment: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> str:
        """The digest of what comes out."""
        told = {**os.environ, **(environment or {})}
        done = subprocess.run(self.command(target, source, *options), capture_output=True, text=True, timeout=PATIENCE, check=False, env=told)
        if done.returncode != 0 or done.stderr:
            raise BuildError(f"image patch, exit code {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()


def _read_by_others(world: World, own: Subject, patching: Patching) -> Iterator[str]:
    folder, tools = patching.folder, world.tools
    out, again, more = (folder / name for name in ("out", "again", "more"))
    digest = patching.patch(f"oci:{out}:{TAG}")
    if patching.patch(f"oci:{again}:{TAG}") != digest:
        yield "patched twice, it has two digests"
    if patching.patch(f"oci:{more}:{TAG}", f"oci:{out}:{TAG}") != digest:
        yield "a patched image is another one after it was patched again"
    answer = world.judge.ask(f"oci:{out}:{TAG}")
    if answer.code != 0 or not answer.loads:
        yield f"image check: {answer}"
    tools.run("skopeo", "inspect", f"oci:{out}:{TAG}")
    tools.skopeo(f"oci:{out}:{TAG}", f"oci:{folder / 'copied'}:{TAG}")
    yield from _kept(world, patching.layout, out)
    root = tools.unpack(folder / "copied", TAG, folder / "bundle")
    yield from fault("in what umoci unpacks", rooted.start(root, [Start(own.start, world.environment(out, TAG))])[0])
    listed = tools.run("chroot", str(root), "dpkg-query", "--show", "--showformat=${db:Status-Status}", "libjemalloc2")
    if listed != "installed":
        yield f"dpkg: {listed}"
    shutil.rmtree(folder / "bundle")
    name = f"localhost/images/{own.name}:loaded"
    patching.patch(f"docker-archive:{folder / 'saved.tar'}:{name}")
    world.engine(own.arch).must("load", "--quiet", f"--input={folder / 'saved.tar'}")
    done = world.store(own.arch).run(name, own.start)
    yield from fault("docker run", rooted.Started(done.code, rooted.files_of(done.out), done.err))
    yield from _hooked(world, own, patching)
    if own.arch == "amd64":
        container = tools.buildah("from", "--pull-never", tools.pull(f"oci:{out}:{TAG}")).strip()
        maps = tools.buildah("run", "--isolation=chroot", container, "--", *own.start)
        yield from fault("buildah run", rooted.Started(0, rooted.files_of(maps), ""))


def _hooked(world: World, own: Subject, patching: Patching) -> Iterator[str]:
    """With the thread hook jemalloc's thread runs in Python, and in no other program."""
    name, saved = f"localhost/images/{own.name}:hooked", patching.folder / "hooked.tar"
    patching.patch(f"docker-archive:{saved}:{name}", options=["--thread-hook"])
    world.engine(own.arch).must("load", "--quiet", f"--input={saved}")
    python = world.store(own.arch).run(name, ["python3", "-c", THREADS])
    other = world.store(own.arch).run(name, ["sh", "-c", "cat /proc/$$/task/*/comm"])
    if python.code != 0 or "jemalloc_bg_thd" not in python.out:
        yield f"the thread hook: no thread in Python: {python.both().strip()}"
    if "jemalloc_bg_thd" in other.out:
        yield f"the thread hook: a thread in another program: {other.out}"


def _kept(world: World, before: Path, after: Path) -> Iterator[str]:
    """Of its configuration nothing changes but what has to."""
    old, new = (json.loads(world.tools.run("skopeo", "inspect", "--config", "--raw", f"oci:{layout}:{TAG}")) for layout in (before, after))
    env = new["config"].pop("Env")
    if env[: len(old["config"]["Env"])] != old["config"].pop("Env"):
        yield f"the environment is another: {env}"
    for config in (old, new):
        del config["rootfs"], config["history"]
    if old != new:
        yield f"the configuration is another: {old}; {new}"


def fault(where: str, started: rooted.Started) -> Iterator[str]:
    if started.code != 0 or not started.has("jemalloc"):
        yield f"{where}: jemalloc is not loaded: {started.errors.strip() or started.files}"
    elif "ld.so" in started.errors:
        yield f"{where}: {started.errors.strip()}"


def _killed(patching: Patching) -> Iterator[str]:
    """Into a layout that has the image already, as people do: it has the old one then, or the new one."""
    chance = random.Random(1)
    copy = patching.folder / "killed"
    old = _root(patching.layout)
    _copied(patching.layout, copy)
    started = time.monotonic()
    new = patching.patch(f"oci:{copy}:{TAG}", f"oci:{copy}:{TAG}")
    takes = time.monotonic() - started
    seen = set()
    for number in range(KILLS):
        _copied(patching.layout, copy)
        running = subprocess.Popen(patching.command(f"oci:{copy}:{TAG}", f"oci:{copy}:{TAG}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, takes * 1.1))
        running.send_signal(signal.SIGKILL)
        running.wait()
        seen.add(_root(copy))
        if _root(copy) not in (old, new):
            yield f"killed for the {number + 1}th time: the tag leads to {_root(copy)}"
        yield from (f"killed for the {number + 1}th time: {fault}" for fault in _broken(copy, _root(copy)))
    if not {old, new} <= seen:
        yield "all were killed before anything was written, or after it"
    if _root(patching.layout) != old:
        yield "the layout of which a copy was patched is another"


def _copied(layout: Path, copy: Path) -> None:
    """They share their files, as after `cp -al`."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(layout, copy, copy_function=os.link)


def _root(layout: Path) -> str:
    named = json.loads((layout / "index.json").read_text())["manifests"]
    return next(one["digest"] for one in named if one["annotations"]["org.opencontainers.image.ref.name"] == TAG)


def _broken(layout: Path, digest: str) -> Iterator[str]:
    """What of an image is not there, or is not what its name says."""
    path = layout / "blobs" / digest.replace(":", "/")
    content = path.read_bytes() if path.is_file() else b""
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        yield f"{digest} is not there as a whole"
    elif content.startswith(b"{"):
        told = json.loads(content)
        for one in [told["config"], *told["layers"]] if "layers" in told else []:
            yield from _broken(layout, one["digest"])


def _disk_full(patching: Patching) -> Iterator[str]:
    small = patching.folder / "small"
    small.mkdir()
    for target in (f"oci:{small}/out:{TAG}", f"oci-archive:{small}/out.tar", f"docker-archive:{small}/out.tar:a:b"):
        command = [*APART, "sh", "-c", FULL, "sh", str(small), *patching.command(target)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 2 or done.stdout or "nothing was changed" not in done.stderr:
            yield f"{target} on a full disk, exit code {done.returncode}: {done.stdout}{done.stderr}"
