"""The packages that cases install, as a repository of Debian's form inside the base images.

Debian's own index names sixty thousand packages, and apt reads it at every `apt-get update`: two of the three seconds that
an install takes, and ten under emulation. This one names those below and what they depend on, taken from the mirror by apt
when the base image is made. Nothing else differs: before an `apt-get update` there is no package to install here either,
and what is not below is not found, so that the build fails.

mmdebstrap runs this as a hook: `python3 repository.py ROOT SUITE ARCH`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

PACKAGES = "ca-certificates libgomp1 libjemalloc-dev libjemalloc2 libnss-wrapper media-types netbase python3 python3-venv sudo tini tzdata".split()
# What a single case needs, and only there.
MORE = {("bookworm", "amd64"): ["php-cli"], ("bookworm-large", "amd64"): ["chromium"]}
PLACE = "var/lib/debian"
# `copy`, not `file`: what is installed goes through apt's cache, as it does from a mirror.
SOURCES = """Types: deb
URIs: copy:/{place}
Suites: {suite}
Components: main
Trusted: yes
"""
RELEASE = """Origin: Debian
Suite: {suite}
Codename: {suite}
Date: Thu, 01 Jan 2026 00:00:00 UTC
Architectures: {arch}
Components: main
SHA256:
 {digest} {size} main/binary-{arch}/Packages
"""


def make(root: Path, suite: str, arch: str) -> None:
    release = suite.partition("-")[0]
    pool = root / PLACE / "pool"
    pool.mkdir(parents=True)
    for package in _download(root, PACKAGES + MORE.get((suite, arch), [])):
        package.rename(pool / package.name)
    index = "\n".join(_entry(package) for package in sorted(pool.iterdir())).encode()
    folder = root / PLACE / "dists" / release
    (folder / "main" / f"binary-{arch}").mkdir(parents=True)
    (folder / "main" / f"binary-{arch}" / "Packages").write_bytes(index)
    (folder / "Release").write_text(RELEASE.format(suite=release, arch=arch, digest=hashlib.sha256(index).hexdigest(), size=len(index)))
    for sources in (root / "etc/apt/sources.list.d").iterdir():
        sources.unlink()
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(SOURCES.format(place=PLACE, suite=release))


def _download(root: Path, packages: list[str]) -> list[Path]:
    """What of it the image does not have yet. apt is the host's: for arm64, too, nothing is emulated."""
    apt = ["apt-get", "--yes", "--download-only", "--option=APT::Install-Recommends=true", "install", *packages]
    subprocess.run(apt, env={**os.environ, "APT_CONFIG": os.environ["MMDEBSTRAP_APT_CONFIG"]}, check=True)
    return sorted((root / "var/cache/apt/archives").glob("*.deb"))


def _entry(package: Path) -> str:
    """A package in the index."""
    control = subprocess.run(["dpkg-deb", "--field", str(package)], capture_output=True, text=True, check=True).stdout
    content = package.read_bytes()
    return f"{control.rstrip()}\nFilename: pool/{package.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
