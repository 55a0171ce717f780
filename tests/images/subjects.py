"""The images that are looked at: each in variants that load jemalloc and that do not, as a Dockerfile builds them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import alpine
import bases
import distroless

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
OTHER = {"amd64": "arm64", "arm64": "amd64"}
CONF = "narenas:2"
SERVICE = '["gunicorn", "--workers=2", "app:app"]'
# Prints what a process has in its memory; what stands in for Python in small roots prints that whatever it is told.
MAPS = "print(open('/proc/self/maps').read())"
INSTALL = "RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*\n"
STARTS = 'COPY --chmod=755 start.sh /srv/start.sh\nENTRYPOINT ["/srv/start.sh"]\n'
SCRIPT = '#!/bin/sh\nset -e\nexec "$@"\n'
REPLACES = '#!/bin/sh\nset -e\nexport LD_PRELOAD=libjemalloc.so.1\nexec "$@"\n'


@dataclass(frozen=True)
class Variant:
    """One image. Whether its Python runs on jemalloc is what was meant; what holds is seen when it runs."""

    name: str
    loads: bool
    dockerfile: str
    files: dict[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """An image, and how a program of it is started that prints its memory."""

    name: str
    arch: str
    start: list[str]
    # Given the archives of base images.
    variants: Callable[[], list[Variant]]
    # The base images that it stands on.
    suite: str | None = None

    def lay_out(self, variant: Variant, folder: Path) -> Path:
        """What is built."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(variant.dockerfile)
        for name, content in variant.files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    def image(self, variant: Variant) -> str:
        return f"localhost/images/{self.name}:{variant.name}"


def all_of_them() -> list[Subject]:
    found = [_debian(suite, number, arch) for suite, number in (("bookworm", 12), ("trixie", 13)) for arch in ("amd64", "arm64")]
    return [*found, _distroless(), _alpine()]


def _debian(suite: str, number: int, arch: str) -> Subject:
    base = bases.NAMES[suite][0]
    own, other = (f"/usr/lib/{TRIPLETS[one]}/libjemalloc.so.2" for one in (arch, OTHER[arch]))

    def image(name: str, loads: bool, preload: str, installs: str = INSTALL, script: str = SCRIPT) -> Variant:
        text = f"FROM {base}\n{installs}ENV LD_PRELOAD={preload} MALLOC_CONF={CONF}\n{STARTS}CMD {SERVICE}\n"
        return Variant(name, loads, text, {"start.sh": script})

    def variants() -> list[Variant]:
        return [
            image("right", True, own),
            image("wrong", False, other),
            image("absent", False, own, installs=""),
            image("replaced", False, own, script=REPLACES),
        ]

    name = f"debian-{number}" if arch == "amd64" else f"debian-{number}-{arch}"
    return Subject(name, arch, ["/srv/start.sh", "python3", "-c", MAPS], variants, suite)


def _distroless() -> Subject:
    """No shell and no dpkg: what is installed stands in a folder, a file for each package."""
    base = "gcr.io/distroless/python3-debian12"
    library = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
    told = "/out/var/lib/dpkg/status.d"

    def image(name: str, loads: bool, packages: list[str], more: str) -> Variant:
        listed = f"for package in {' '.join(packages)}; do dpkg-query --status $package | grep -v ^Status: > {told}/$package; done"
        first = f"FROM {bases.NAMES['bookworm'][0]} AS made\n{INSTALL}RUN mkdir -p {told} && {listed}\n"
        text = f'{first}FROM {base}\nCOPY --from=made /out/ /\n{more}ENV LD_PRELOAD={library} MALLOC_CONF={CONF}\nCMD ["-m", "gunicorn", "app:app"]\n'
        return Variant(name, loads, text)

    def variants() -> list[Variant]:
        packages = distroless.BASE + distroless.PYTHON
        copied = f"COPY --from=made {library} {library}\n"
        return [
            image("right", True, [*packages, "libjemalloc2"], copied),
            image("wrong", False, packages, ""),
            image("elsewhere", False, packages, f"COPY --from=made {library} /opt/libjemalloc.so.2\n"),
        ]

    return Subject("distroless", "amd64", ["/usr/bin/python3.11", "-c", MAPS], variants, "bookworm")


def _alpine() -> Subject:
    """What stands in for Python and jemalloc was built for musl's loader, which is the real one."""
    library = "/usr/lib/libjemalloc.so.2"

    def image(name: str, loads: bool, preload: str | None, root: bytes, more: str = "") -> Variant:
        preloads = f"ENV LD_PRELOAD={preload}\n" if preload else ""
        text = f"FROM scratch\nADD root.tar /\n{more}ENV PATH=/usr/bin:/bin\n{preloads}ENV MALLOC_CONF={CONF}\nCMD {SERVICE}\n"
        return Variant(name, loads, text, {"root.tar": root, "preload": library + "\n"})

    def variants() -> list[Variant]:
        parts = alpine.build()
        whole, bare = alpine.root(parts, jemalloc=parts.jemalloc), alpine.root(parts, jemalloc=None)
        return [
            image("right", True, library, whole),
            image("wrong", False, "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", whole),
            image("absent", False, library, bare),
            # musl's loader does not read it.
            image("file", False, None, whole, "COPY preload /etc/ld.so.preload\n"),
        ]

    return Subject("alpine", "amd64", ["/usr/bin/python3", "-c", MAPS], variants)
