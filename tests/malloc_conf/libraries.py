"""Unpacks Debian's own jemalloc of several suites, each with its loader, its C library and a small program to load it into.

    python3 tests/malloc_conf/libraries.py

Everything lies below target/jemalloc, one folder for each suite and architecture; what is there is kept. Nothing is
installed: packages are unpacked only. apt checks their signatures.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from bases import ACCEPTS, host_sources  # noqa: E402
from needs import missing  # noqa: E402

TARGET = ROOT / "target" / "jemalloc"
# One of each version that Debian has, and two builds for another page size.
SUITES = [
    ("bullseye", "amd64"),
    ("bookworm", "amd64"),
    ("trixie", "amd64"),
    ("sid", "amd64"),
    ("bookworm", "arm64"),
    ("sid", "arm64"),
]
PACKAGES = "libjemalloc2,libc6,libstdc++6,libgcc-s1,dash"


class Unmade(Exception):
    """The packages could not be unpacked."""


def unpack(suite: str, arch: str) -> None:
    folder = TARGET / f"{suite}-{arch}"
    if folder.exists():
        return
    print(f"unpacking jemalloc of Debian {suite} for {arch}", flush=True)
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET) as scratch:
        part = Path(scratch) / "part"
        done = subprocess.run(command(part, suite, arch, Path(scratch)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Unmade(f"mmdebstrap for {suite} {arch} failed:\n{done.stdout[-2000:]}")
        for tree in ("usr/share", "var", "etc"):
            shutil.rmtree(part / tree, ignore_errors=True)
        part.rename(folder)


def command(part: Path, suite: str, arch: str, scratch: Path) -> list[str]:
    words = ["mmdebstrap", "--variant=extract", "--format=directory", f"--arch={arch}", f"--include={PACKAGES}"]
    for file in sorted(Path("/etc/apt/apt.conf.d").glob("*")):
        if file.is_file() and ACCEPTS.search(file.read_text(errors="replace")):
            words.append(f"--aptopt={file}")
    words += [suite, str(part)]
    sources = host_sources(suite)
    if sources:
        # Suites of their own names only: neither updates nor security exist for all of them.
        lines = [line for line in sources.splitlines() if not line.startswith("Suites:")]
        first = "\n".join(lines).split("\n\n")[0]
        file = scratch / "debian.sources"
        file.write_text(f"{first.strip()}\nSuites: {suite}\n")
        words.append(str(file))
    return words


def main() -> int:
    if all((TARGET / f"{suite}-{arch}").exists() for suite, arch in SUITES):
        return 0
    absent = missing({"mmdebstrap": "mmdebstrap", "qemu-aarch64-static": "qemu-user-static"})
    if absent:
        print(f"not installed: {' '.join(absent)}")
        return 1
    try:
        for suite, arch in SUITES:
            unpack(suite, arch)
    except (Unmade, OSError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
