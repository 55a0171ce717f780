"""The images of one architecture, and what is built and run there by a dockerd of its own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import BinaryIO

from engine import Engine
from process import Run

# What is made for cases bears it; base images do not.
LABEL = "malloclint.e2e=case"
# How a base image was made.
RECIPE = "malloclint.e2e.recipe"
# Names that a build may know without being told in the file: no instruction's result depends on them.
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# It would be pulled: the newest Dockerfile frontend, in place of the engine's own, which reads the same language.
FRONTEND = re.compile(rb"\A(\xef\xbb\xbf)?((?:#[^\n]*=[^\n]*\n)*?)#[ \t]*syntax[ \t]*=[^\n]*\n", re.IGNORECASE)
# The client's own exit code where the daemon refused: nothing of the image was run.
REFUSED = 125


class BuildError(Exception):
    """A step that has to work did not."""


class Store:
    """Base images are kept from run to run, under the names that users write in FROM."""

    def __init__(self, engine: Engine, arch: str) -> None:
        self.arch = arch
        self._engine = engine
        self._platform = f"--platform=linux/{arch}"

    def build(self, folder: Path, image: str, target: str | None = None) -> Run:
        """Builds a folder with its Dockerfile, or one stage of it. Layers are shared: an instruction that was run before is not run again."""
        return self._build((folder / "Dockerfile").read_bytes(), image, "--file=-", str(folder), f"--label={LABEL}", *([f"--target={target}"] if target else []))

    def must_build(self, dockerfile: str, names: list[str], *options: str) -> None:
        """An image that others stand on, out of nothing but a Dockerfile."""
        done = self._build(dockerfile.encode(), names[0], *options, "-")
        if done.code != 0:
            raise BuildError(f"{names[0]}: {done.both().strip()}")
        self._name(names)

    def make(self, archive: BinaryIO, names: list[str], changes: list[str], recipe: str) -> None:
        """An image of one layer from an archive; the changes are instructions of a Dockerfile."""
        said = [f"--change={change}" for change in [*changes, f"LABEL {RECIPE}={recipe}"]]
        self._must("import", self._platform, *said, "-", names[0], given=archive)
        self._name(names)

    def has(self, image: str) -> bool:
        done = self._engine.docker("image", "inspect", "--format={{.Architecture}}", image)
        return done.code == 0 and done.out.strip() == self.arch

    def made_by(self, image: str) -> str | None:
        """The recipe of a base image, which what stands on it inherits."""
        return (self.config(image)["Labels"] or {}).get(RECIPE) if self.has(image) else None

    def config(self, image: str) -> dict:
        """The part of the image's configuration that a container starts with."""
        return json.loads(self._must("image", "inspect", "--format={{json .Config}}", image))

    def run(self, image: str, command: list[str], environment: dict[str, str] | None = None, volume: str | None = None, user: str | None = None) -> Run:
        """Runs a command, and no entrypoint, with the image's user, folder and environment, and what is added to it or taken instead."""
        added = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        added += ([f"--volume={volume}"] if volume else []) + ([f"--user={user}"] if user else [])
        program, *rest = command
        apart = ["--rm", "--network=host", "--log-driver=none", "--pull=never", self._platform]
        done = self._engine.docker("run", *apart, *added, f"--entrypoint={program}", image, *rest)
        if done.code == REFUSED:
            raise BuildError(f"docker run {image}: {done.both().strip()}")
        return done

    def beside(self, *command: str) -> Run:
        """Runs a program of the host's where the engine is."""
        return self._engine.beside(*command)

    def containers(self, begin: str) -> list[str]:
        """Those whose names begin so, whether they run or not."""
        names = self._must("ps", "--all", "--format={{.Names}}").split()
        return [name for name in names if name.startswith(begin)]

    def save(self, image: str, path: Path) -> None:
        """Writes it as an archive."""
        self._must("save", f"--output={path}", image)

    def drop_cases(self) -> None:
        """The images of cases, and all that builds keep to be faster the next time. Base images stay.

        Until then the cases share their layers: half of them install the same on the same base. Beyond that, a list of
        packages could be older than the packages."""
        self._must("container", "prune", "--force")
        self._must("image", "prune", "--all", "--force", f"--filter=label={LABEL}")
        self._must("builder", "prune", "--all", "--force")

    def _build(self, dockerfile: bytes, image: str, *arguments: str) -> Run:
        told = [f"--build-arg={name}={os.environ[name]}" for name in PROXIES if name in os.environ]
        apart = ["--network=host", "--progress=plain", self._platform, *told]
        return self._engine.docker("build", *apart, f"--tag={image}", *arguments, given=without_frontend(dockerfile))

    def _name(self, names: list[str]) -> None:
        for name in names[1:]:
            self._must("tag", names[0], name)

    def _must(self, *arguments: str, given: bytes | BinaryIO = b"") -> str:
        done = self._engine.docker(*arguments, given=given)
        if done.code != 0:
            raise BuildError(f"docker {' '.join(arguments)}: {done.both().strip()}")
        return done.out


def without_frontend(dockerfile: bytes) -> bytes:
    """The same Dockerfile without the directive that names an image to build it with; the other directives stay."""
    return FRONTEND.sub(lambda found: (found[1] or b"") + found[2], dockerfile, count=1)
