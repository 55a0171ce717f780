"""Base images made from Debian's own packages, tagged under public names: what users write in FROM, and nothing pulled.

They stand in for the images of those names: same release, same package manager or none, same places of libraries.
Python is Debian's own. `pip` does nothing, so that no build needs an index.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from distroless import BASE, PYTHON, extract, members
from store import Store

PACKAGES = "python3,python3-venv,ca-certificates"
NAMES = {
    "bookworm": ["python:3.12-slim-bookworm", "python:3.12-bookworm", "python:3.11-slim-bookworm"],
    "trixie": ["python:3.12-slim", "python:3.13-slim", "python:3.13-slim-trixie"],
}
# The same without what an image of Python adds. (Debian's own has no Python at all: its package is installed at once.)
PLAIN = {"bookworm": ["debian:bookworm-slim", "debian:12-slim"], "trixie": ["debian:trixie-slim", "debian:13-slim"]}
SUITES = {"amd64": ["bookworm", "trixie"], "arm64": ["bookworm"]}
PATH = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# Trees that no test looks at; without them copies are a third smaller.
UNNEEDED = ["doc", "man", "locale", "info", "lintian", "zoneinfo"]
PIP = "#!/bin/sh\n# No index is asked in these builds.\nexit 0\n"
# What of the host's configuration of apt decides whether its mirror is accepted.
ACCEPTS = re.compile(r"Acquire::(Check-|https?\b|Proxy)|\bProxy\b")


class Unmade(Exception):
    """A base image could not be made."""


def prepare(folder: Path, arch: str) -> Store:
    """The store of an architecture with all base images in it; made on the first run, then reused."""
    store = Store(folder / "store" / arch, arch)
    store.drop_cases()
    for suite in SUITES[arch]:
        archive = folder / f"debian-{suite}-{arch}.tar"
        if not archive.exists():
            _debootstrap(archive, suite, arch, folder)
        if not all(store.has(name) for name in _full(NAMES[suite] + PLAIN[suite])):
            _load(store, archive, _full(NAMES[suite]))
            _plain(store, NAMES[suite][0], _full(PLAIN[suite]))
    _distroless(store, folder / f"debian-bookworm-{arch}.tar")
    return store


def _load(store: Store, archive: Path, names: list[str]) -> None:
    print(f"base image for {store.arch}: {names[0]}", flush=True)
    with tempfile.TemporaryDirectory(dir=store.temporary) as rootfs:
        with tarfile.open(archive) as tar:
            extract(tar, list(tar), Path(rootfs))
        store.make(Path(rootfs), names, [f"--env={PATH}", "--env=LANG=C.UTF-8", '--cmd=["python3"]'])


def _full(names: list[str]) -> list[str]:
    return [f"docker.io/library/{name}" for name in names]


def _plain(store: Store, base: str, names: list[str]) -> None:
    """Debian itself: Python has no names in /usr/local there."""
    folder = store.temporary / "plain"
    folder.mkdir(exist_ok=True)
    file = folder / "Dockerfile"
    file.write_text(f"FROM {base}\nRUN rm /usr/local/bin/python /usr/local/bin/python3 /usr/local/bin/pip\nCMD [\"bash\"]\n")
    store.must_build(folder, file, names)


def _distroless(store: Store, archive: Path) -> None:
    """The two images without apt, dpkg and shell: with Python and the C++ library, and with neither."""
    base = "gcr.io/distroless/base-debian12"
    python = "gcr.io/distroless/python3-debian12"
    settings = [f"--env={PATH}", "--env=SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]
    entry = ["--env=LANG=C.UTF-8", '--entrypoint=["/usr/bin/python3.11"]']
    for name, packages, more in ((base, BASE, []), (python, BASE + PYTHON, entry)):
        if store.has(name):
            continue
        print(f"base image for {store.arch}: {name}", flush=True)
        with tempfile.TemporaryDirectory(dir=store.temporary) as rootfs:
            _unpack_packages(archive, packages, Path(rootfs))
            store.make(Path(rootfs), [name], settings + more)
        _nonroot(store, name)


def _nonroot(store: Store, name: str) -> None:
    """The same image with the user that the tag `nonroot` names."""
    folder = store.temporary / "nonroot"
    folder.mkdir(exist_ok=True)
    file = folder / "Dockerfile"
    file.write_text(f"FROM {name}\nUSER 65532\nWORKDIR /home/nonroot\n")
    store.must_build(folder, file, [f"{name}:nonroot"])


def _unpack_packages(archive: Path, packages: list[str], rootfs: Path) -> None:
    with tarfile.open(archive) as tar:
        extract(tar, members(tar, packages), rootfs)


def _debootstrap(archive: Path, suite: str, arch: str, folder: Path) -> None:
    print(f"making {archive.name}: half a minute, for arm64 three", flush=True)
    part = archive.with_suffix(".part.tar")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = _debootstrap_command(part, suite, arch, Path(scratch))
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        part.unlink(missing_ok=True)
        raise Unmade(f"mmdebstrap for {suite} {arch} failed:\n{done.stdout[-3000:]}")
    part.replace(archive)


def _debootstrap_command(part: Path, suite: str, arch: str, scratch: Path) -> list[str]:
    command = ["mmdebstrap", "--mode=root", "--variant=apt", f"--arch={arch}", f"--include={PACKAGES}"]
    command += ['--aptopt=Apt::Install-Recommends "false"']
    command += [f"--dpkgopt=path-exclude=/usr/share/{tree}/*" for tree in UNNEEDED]
    command += [f"--customize-hook={hook}" for hook in _hooks(scratch)]
    command += [suite, str(part)]
    sources = host_sources(suite)
    if sources:
        file = scratch / "debian.sources"
        file.write_text(sources)
        command.append(str(file))
    return command


def _hooks(scratch: Path) -> list[str]:
    """What is added to Debian's packages: the names of Python, `pip`, and how this host reaches its mirror."""
    pip = scratch / "pip"
    pip.write_text(PIP)
    apt = scratch / "no-languages"
    apt.write_text('Acquire::Languages "none";\n')
    hooks = [
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python3"',
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        f'install -m 755 {shlex.quote(str(pip))} "$1/usr/local/bin/pip"',
        # As in Debian's own images; it saves half of what apt reads.
        f'install -m 644 {shlex.quote(str(apt))} "$1/etc/apt/apt.conf.d/docker-no-languages"',
        # mmdebstrap's own settings for apt and dpkg are of no use in a build.
        'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',
    ]
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        hooks.append(f'install -m 644 {certificates} "$1{certificates}"')
    for file in sorted(Path("/etc/apt/apt.conf.d").glob("*")):
        if file.is_file() and ACCEPTS.search(file.read_text(errors="replace")):
            hooks.append(f'install -m 644 {shlex.quote(str(file))} "$1/etc/apt/apt.conf.d/"')
    return hooks


def host_sources(suite: str) -> str | None:
    """The host's own sources, for another release of Debian; nothing where the host is not a Debian: mmdebstrap knows a mirror."""
    release = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE)
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if not re.search(r"^ID=debian$", release, re.MULTILINE) or not found or not sources.exists():
        return None
    lines = [line for line in sources.read_text().splitlines() if not line.startswith("#")]
    return re.sub(rf"\b{found.group(1)}\b", suite, "\n".join(lines)) + "\n"


def clean(folder: Path) -> None:
    """Throws the stores away, not the archives."""
    shutil.rmtree(folder / "store", ignore_errors=True)
