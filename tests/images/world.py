"""What checks share, made when it is first asked for: engines, built images, layouts, registries."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import bases
import engine
import mirror
import small
from judge import Judge
from layout import Layout
from network import Network
from places import Maker, Saved
from rooted import Started, files_of
from store import BuildError, Store
from subjects import Subject, Variant
from tools import Tools

# Debian 12's: it saves images as all did before version 25.
OLD_SUITE, OLD_PACKAGES = "bookworm", "base-files,docker.io"


class Engine(engine.Engine):
    """One that others than its own client can ask, too."""

    @property
    def socket(self) -> str:
        """It lies in a file system that only the engine's processes see."""
        return f"/proc/{self._pid()}/root/run/docker.sock"

    def must(self, *arguments: str) -> str:
        """What the client prints."""
        done = self.docker(*arguments)
        if done.code != 0:
            raise BuildError(f"docker {' '.join(arguments)}: {done.both().strip()[-2000:]}")
        return done.out


class World:
    """Everything ends with the stack. `shared`: where tests/e2e has its engine and base images; `own`: what is kept from run to run besides."""

    def __init__(self, program: Path, shared: Path, own: Path, ends: ExitStack) -> None:
        self.work = own / "work"
        self.tools = Tools(self.work)
        self.judge = Judge(program, self.folder("home"))
        self._shared, self._own, self._ends = shared, own, ends
        self._stores: dict[str, Store] = {}
        self._engines: dict[str, Engine] = {}
        self._makers: dict[str, Maker] = {}

    def folder(self, name: str) -> Path:
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        return folder

    @cached_property
    def network(self) -> Network:
        return Network(self.work / "network", self.tools, self._ends)

    @cached_property
    def small(self) -> Layout:
        return small.make(self.work / "small")

    @cached_property
    def old(self) -> Engine:
        """An engine of some years ago, which has no base images."""
        root = self._own / f"engine-{OLD_SUITE}"
        if not root.exists():
            print("unpacking an old dockerd", flush=True)
            mirror.make(root, OLD_SUITE, "amd64", ["--variant=extract", "--format=directory", f"--include={OLD_PACKAGES}", *bases.MERGED[OLD_SUITE]])
        return self._start(root, "old")

    def engine(self, arch: str) -> Engine:
        if arch not in self._engines:
            root = self._shared / "engine"
            engine.make(root)
            self._engines[arch] = self._start(root, arch)
            self._stores[arch] = Store(self._engines[arch], arch)
            self._ends.callback(self._stores[arch].drop_cases)
        return self._engines[arch]

    def store(self, arch: str) -> Store:
        """The images of an engine."""
        self.engine(arch)
        return self._stores[arch]

    def archive(self, suite: str, arch: str) -> Path:
        """The files of a base image."""
        archive = bases.archive(self._shared, suite, arch)
        bases.make_archive(archive, suite, arch)
        return archive

    def maker(self, subject: Subject) -> Maker:
        """Its variants, built and saved together, and what brings them to other places."""
        if subject.name not in self._makers:
            self._makers[subject.name] = Maker(self.tools, self._saved(subject), self.folder(subject.name))
        return self._makers[subject.name]

    def layout(self, subject: Subject) -> Path:
        """One of OCI, with a tag for each variant."""
        maker = self.maker(subject)
        maker.fill()
        return maker.layout

    def run(self, subject: Subject, variant: Variant) -> Started:
        """Starts it as the engine does."""
        done = self._stores[subject.arch].run(subject.image(variant), subject.start)
        return Started(done.code, files_of(done.out), done.err)

    def environment(self, layout: Path, tag: str) -> dict[str, str]:
        """What containers of an image start with."""
        config = json.loads(self.tools.run("skopeo", "inspect", "--config", f"oci:{layout}:{tag}"))
        return dict(pair.split("=", 1) for pair in config["config"].get("Env") or [])

    def _saved(self, subject: Subject) -> Saved:
        daemon, folder, images = self.engine(subject.arch), self.folder(subject.name), {}
        store = self._stores[subject.arch]
        if subject.suite:
            bases.load(store, subject.suite, self.archive(subject.suite, subject.arch))
        for variant in subject.variants():
            images[variant.name] = subject.image(variant)
            done = store.build(subject.lay_out(variant, folder / "build"), images[variant.name])
            if done.code != 0:
                raise BuildError(f"{images[variant.name]}: {done.both().strip()[-2000:]}")
        archive = folder / "saved.tar"
        daemon.must("save", f"--output={archive}", *images.values())
        return Saved(archive, images)

    def _start(self, root: Path, name: str) -> Engine:
        daemon = Engine(root, name, self.work)
        self._ends.callback(daemon.stop)
        daemon.start()
        return daemon
