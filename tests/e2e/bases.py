"""Base images made from Debian's own packages, tagged under public names: what users write in FROM, and nothing pulled.

They stand in for the images of those names: same release, same package manager or none, same places of libraries.
Python is Debian's own. `pip` does nothing, so that no build needs an index.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
import tarfile
import tempfile
from pathlib import Path

import distroless
import mirror
import repository
from distroless import BASE, PYTHON, select
from mirror import ACCEPTS, Unmade, host_sources  # noqa: F401
from store import BuildError, Store

# Emulated, what ca-certificates does when it is installed takes longer than all the rest; no case of arm64 needs more than Python.
PACKAGES = {"amd64": "python3,python3-venv,ca-certificates", "arm64": "python3"}
NAMES = {
    "bookworm": ["python:3.12-slim-bookworm", "python:3.12-bookworm", "python:3.11-slim-bookworm"],
    "trixie": ["python:3.12-slim", "python:3.13-slim", "python:3.13-slim-trixie"],
}
# The same without what an image of Python adds. (Debian's own has no Python at all: its package is installed at once.)
PLAIN = {"bookworm": ["debian:bookworm-slim", "debian:12-slim"], "trixie": ["debian:trixie-slim", "debian:13-slim"]}
SUITES = {"amd64": ["bookworm", "trixie"], "arm64": ["bookworm"]}
# The same release with a repository that is too large for all images: made only for the cases that need it.
LARGE = "bookworm-large"
NAMES[LARGE], PLAIN[LARGE] = ["python:3.11-bookworm"], []
# As in Debian's images, Perl is not there to merge /usr: it is merged from the start. From trixie on that is so by itself.
MERGED = {"bookworm": ["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"], "trixie": []}
PATH = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# Trees that no test looks at; without them archives are a third smaller.
UNNEEDED = ["doc", "man", "locale", "info", "lintian", "zoneinfo"]
PIP = "#!/bin/sh\n# No index is asked in these builds.\nexit 0\n"
# How they are made is in these files. What was made in another way is made anew.
RECIPE = hashlib.sha256(b"".join(Path(file).read_bytes() for file in (__file__, distroless.__file__, repository.__file__))).hexdigest()[:8]


def archive(folder: Path, suite: str, arch: str) -> Path:
    """Where the file system of a suite lies."""
    return folder / f"debian-{suite}-{arch}-{RECIPE}.tar"


def make_archive(archive: Path, suite: str, arch: str) -> None:
    """Made on the first run, then reused."""
    if archive.exists():
        return
    print(f"making {archive.name}", flush=True)
    for old in archive.parent.glob(f"debian-{suite}-{arch}*.tar"):
        old.unlink()
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        hooks = [f"--customize-hook={hook}" for hook in _hooks(Path(scratch), suite, arch)]
        release = suite.partition("-")[0]
        mirror.make(archive, release, arch, ["--variant=apt", f"--include={PACKAGES[arch]}", *MERGED[release], *hooks])


def load(store: Store, suite: str, archive: Path) -> None:
    """The images of a suite, where they are not there yet."""
    if not all(store.made_by(name) == RECIPE for name in NAMES[suite] + PLAIN[suite]):
        print(f"base image for {store.arch}: {NAMES[suite][0]}", flush=True)
        with archive.open("rb") as file:
            store.make(file, NAMES[suite], [PATH, "ENV LANG=C.UTF-8", 'CMD ["python3"]'], RECIPE)
        if PLAIN[suite]:
            _plain(store, NAMES[suite][0], PLAIN[suite])
    if suite == "bookworm":
        _distroless(store, archive)


def try_out(store: Store) -> None:
    """Whether this machine lets the engine build and run at all."""
    store.must_build(f"FROM {NAMES['bookworm'][0]}\nRUN true\n", ["malloclint-e2e-trial"])
    done = store.run("malloclint-e2e-trial", ["python3", "-c", ""])
    if done.code != 0:
        raise BuildError(f"python3 of a base image does not run: {done.both().strip()}")


def _plain(store: Store, base: str, names: list[str]) -> None:
    """Debian itself: Python has no names in /usr/local there."""
    store.must_build(f"FROM {base}\nRUN rm /usr/local/bin/python /usr/local/bin/python3 /usr/local/bin/pip\nCMD [\"bash\"]\n", names)


def _distroless(store: Store, archive: Path) -> None:
    """The two images without apt, dpkg and shell: with Python and the C++ library, and with neither."""
    base = "gcr.io/distroless/base-debian12"
    python = "gcr.io/distroless/python3-debian12"
    settings = [PATH, "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]
    entry = ["ENV LANG=C.UTF-8", 'ENTRYPOINT ["/usr/bin/python3.11"]']
    for name, packages, more in ((base, BASE, []), (python, BASE + PYTHON, entry)):
        if store.made_by(f"{name}:nonroot") == RECIPE:
            continue
        print(f"base image for {store.arch}: {name}", flush=True)
        with tempfile.TemporaryFile(dir=archive.parent) as chosen:
            with tarfile.open(archive) as tar:
                select(tar, packages, chosen)
            chosen.seek(0)
            store.make(chosen, [name], settings + more, RECIPE)
        # The same image with the user that the tag `nonroot` names.
        store.must_build(f"FROM {name}\nUSER 65532\nWORKDIR /home/nonroot\n", [f"{name}:nonroot"])


def _hooks(scratch: Path, suite: str, arch: str) -> list[str]:
    """What is added to Debian's packages: the names of Python, `pip`, and where apt finds more."""
    pip = scratch / "pip"
    pip.write_text(PIP)
    apt = scratch / "no-languages"
    apt.write_text('Acquire::Languages "none";\n')
    dpkg = scratch / "unneeded"
    dpkg.write_text("".join(f"path-exclude=/usr/share/{tree}/*\n" for tree in UNNEEDED))
    return [
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python3"',
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        f'install -m 755 {shlex.quote(str(pip))} "$1/usr/local/bin/pip"',
        # As in Debian's own images.
        f'install -m 644 {shlex.quote(str(apt))} "$1/etc/apt/apt.conf.d/docker-no-languages"',
        # Not while packages are unpacked: mmdebstrap would filter each of them.
        f'install -m 644 {shlex.quote(str(dpkg))} "$1/etc/dpkg/dpkg.cfg.d/unneeded"',
        *(f'rm -rf "$1/usr/share/{tree}"/*' for tree in UNNEEDED),
        f'{shlex.quote(sys.executable)} -B {shlex.quote(repository.__file__)} "$1" {suite} {arch}',
        # mmdebstrap's own settings for apt and dpkg are of no use in a build.
        'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',
    ]
