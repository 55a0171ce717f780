"""`malloclint build` with the engines that users have: what they build of a Dockerfile that is not right is right, and runs on jemalloc."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping

import bases
import process
from engine import CLIENT
from process import Run
from store import PROXIES
from subjects import MAPS
from world import Engine, World

BASE = bases.NAMES["bookworm"][0]
OWN = "localhost/images/own:1"
COPIES = "WORKDIR /srv\nCOPY . /srv/\n"
STARTS = 'CMD ["python3", "-m", "gunicorn", "--threads", "8", "app:app"]\n'
WAITS = "import time\n\ntime.sleep(300)\n"
FILES = {
    "Dockerfile": f"FROM {BASE}\n{COPIES}{STARTS}",
    "docker/api.Dockerfile": f"FROM {BASE} AS made\nRUN touch /made\nFROM {BASE} AS app\n{COPIES}COPY --from=made /made /srv/made\n{STARTS}FROM scratch\n",
    "docker/api.Dockerfile.dockerignore": "left-out\ndocker\n",
    # What is in this base is seen in what is built alone.
    "own.Dockerfile": f"FROM {OWN}\n{COPIES}{STARTS}",
    ".dockerignore": "secret\n",
    "app.py": WAITS,
    "secret": "none\n",
    "left-out": "nothing\n",
}
WRONG = f"FROM {BASE}\nENV LD_PRELOAD=/usr/lib/nowhere/libjemalloc.so.2\n"
FIXED, RIGHT = "fixed allocator-unset", "no findings in 1 image"
RUN = ("--run", "python3 -c 'import time; time.sleep(300)'")


@dataclass(frozen=True)
class Builder:
    """An engine, and how it is spoken to where its images are."""

    name: str
    engine: str
    before: tuple[str, ...]
    environment: Mapping[str, str]
    # Where the program is for it.
    program: Path
    # Of containers.
    runs: bool = True
    options: tuple[str, ...] = ("--network=host",)

    def start(self, *arguments: str, given: bytes = b"") -> Run:
        return process.run([*self.before, *arguments], given, self.environment)

    def build(self, *arguments: str, own: tuple[str, ...] = (), given: bytes = b"") -> Run:
        return self.start(str(self.program), "build", "--isolated", f"--engine={self.engine}", *own, *self._told(), *arguments, given=given)

    def build_itself(self, *arguments: str, given: bytes = b"") -> Run:
        return self.start(self.engine, "build", *self._told(), *arguments, given=given)

    def _told(self) -> list[str]:
        return [*self.options, *(f"--build-arg={name}={os.environ[name]}" for name in PROXIES if name in os.environ)]

    def seen(self, image: str) -> tuple[str, str]:
        """The files of a container of an image, and what its Python has in its memory."""
        show = f"import os; print(sorted(os.listdir('/srv'))); {MAPS}"
        if self.engine == "buildah":
            container = self.start("buildah", "from", "--pull-never", image).out.strip()
            done = self.start("buildah", "run", container, "--", "python3", "-c", show)
        else:
            done = self.start(self.engine, "run", "--rm", "--network=host", "--entrypoint=python3", image, "-c", show)
        files, _, memory = done.both().partition("\n")
        return files, memory


def check_buildkit(world: World) -> list[str]:
    """With the engine that most have."""
    builder = _docker(world, _engine(world), "docker, BuildKit")
    return [*_faults(world, builder), *_pushed(world, builder, _lay_out(world))]


def check_others(world: World) -> list[str]:
    return [f"{builder.name}: {fault}" for builder in _others(world) for fault in _faults(world, builder)]


def _engine(world: World) -> Engine:
    bases.load(world.store("amd64"), "bookworm", world.archive("bookworm", "amd64"))
    return world.engine("amd64")


def _others(world: World) -> Iterator[Builder]:
    first = _engine(world)
    yield _docker(world, first, "docker, without BuildKit", classic=True)
    archive = world.folder("bases") / "bases.tar"
    first.must("save", f"--output={archive}", BASE)
    world.old.must("load", "--quiet", f"--input={archive}")
    yield _docker(world, world.old, "docker of some years ago", classic=True)
    yield from _without_daemon(world, archive)


def _docker(world: World, daemon: Engine, name: str, classic: bool = False) -> Builder:
    """The program runs where the client does."""
    program = world.folder("inside") / "malloclint"
    if not program.exists():
        shutil.copy(world.judge.program, program)
    environment = {**CLIENT, "DOCKER_BUILDKIT": "0" if classic else "1"}
    return Builder(name, "docker", tuple(daemon.entered), environment, program)


def _without_daemon(world: World, archive: Path) -> Iterator[Builder]:
    """Podman and Buildah, with a store of their own."""
    folder = world.folder("podman")
    store, settings = folder / "storage.conf", folder / "containers.conf"
    store.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n')
    settings.write_text('[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "CONTAINERS_STORAGE_CONF": str(store),
        "CONTAINERS_CONF": str(settings),
        "BUILDAH_ISOLATION": "chroot",
    }
    # A container may be denied higher limits than those that hold here; and crun knows no machine with groups of both kinds.
    podman = Builder("podman", "podman", (), environment, world.judge.program)
    loaded = podman.start("podman", "load", "--quiet", "--input", str(archive))
    if loaded.code != 0:
        raise OSError(f"podman load: {loaded.both().strip()}")
    yield podman
    yield Builder("buildah", "buildah", (), environment, world.judge.program, runs=False)


def _faults(world: World, builder: Builder) -> Iterator[str]:
    folder = _lay_out(world)
    before = _contents(folder)
    ways: dict[str, Callable[[Builder, Path], Iterator[str]]] = {
        "a folder": _folder,
        "a Dockerfile elsewhere, one stage": _elsewhere,
        "standard input": _input,
        "an archive on standard input": _archive,
        "a base that is wrong": _wrong,
        "a build that fails": _failing,
    }
    for name, way in ways.items():
        yield from (f"{name}: {fault}" for fault in way(builder, folder))
        if _contents(folder) != before:
            yield f"{name}: the folder is not what it was"


def _right(builder: Builder, name: str, *arguments: str, given: bytes = b"", own: tuple[str, ...] = ()) -> Iterator[str]:
    """What is built has the files that the engine puts there itself, and its Python runs on jemalloc."""
    plain, image = f"localhost/images/plain:{name}", f"localhost/images/built:{name}"
    alone = builder.build_itself("-t", plain, *arguments, given=given)
    if alone.code != 0:
        yield f"the engine itself does not build it: {alone.both().strip()[-1000:]}"
        return
    done = builder.build("-t", image, *arguments, given=given, own=own)
    if done.code != 0 or FIXED not in done.err or RIGHT not in done.err:
        yield f"exit code {done.code}: {done.both().strip()[-1500:]}"
        return
    if own and "runs on jemalloc" not in done.err:
        yield f"`--run`: {done.err.strip()[-500:]}"
    (files, _), (others, memory) = builder.seen(plain), builder.seen(image)
    if files != others:
        yield f"its files are {others}, and those of the engine itself {files}"
    if "libjemalloc.so.2" not in memory:
        yield f"its Python does not run on jemalloc: {memory[-500:]}"


def _folder(builder: Builder, folder: Path) -> Iterator[str]:
    yield from _right(builder, "folder", str(folder), own=RUN if builder.runs else ())


def _elsewhere(builder: Builder, folder: Path) -> Iterator[str]:
    yield from _right(builder, "elsewhere", "-f", f"{folder}/docker/api.Dockerfile", "--target", "app", str(folder))


def _input(builder: Builder, _folder: Path) -> Iterator[str]:
    yield from _right(builder, "input", "-", given=f"FROM {BASE}\n{STARTS}".encode())


def _archive(builder: Builder, folder: Path) -> Iterator[str]:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder, arcname=".")
    yield from _right(builder, "archive", "-", given=packed.getvalue())


def _pushed(world: World, builder: Builder, folder: Path) -> Iterator[str]:
    """What the registry has is looked at, by the digest that the engine wrote down; that is what the registry has."""
    image, written = f"{world.network.kinds['plain'].host}/built/pushed:1", world.folder("inside") / "pushed.json"
    done = builder.build("--push", "-t", image, f"--metadata-file={written}", str(folder))
    if done.code != 0 or FIXED not in done.err or RIGHT not in done.err:
        yield f"pushed: exit code {done.code}: {done.both().strip()[-1500:]}"
        return
    served = world.tools.run("skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", f"docker://{image}").strip()
    digest = json.loads(written.read_text())["containerimage.digest"]
    if digest != served:
        yield f"pushed: the engine writes down {digest}, and the registry has {served}"


def _wrong(builder: Builder, folder: Path) -> Iterator[str]:
    made = builder.build_itself("-t", OWN, "-", given=WRONG.encode())
    if made.code != 0:
        yield made.both().strip()[-500:]
        return
    done = builder.build("-f", f"{folder}/own.Dockerfile", "-t", "localhost/images/built:wrong", str(folder))
    if done.code != 1 or "preload-not-installed" not in done.err:
        yield f"exit code {done.code}: {done.both().strip()[-1500:]}"


def _failing(builder: Builder, _folder: Path) -> Iterator[str]:
    done = builder.build("-t", "localhost/images/built:failing", "-", given=f"FROM {BASE}\nRUN false\n{STARTS}".encode())
    if done.code != 2 or RIGHT in done.err:
        yield f"exit code {done.code}: {done.both().strip()[-1500:]}"


def _lay_out(world: World) -> Path:
    folder = world.folder("context")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
