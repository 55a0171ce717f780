"""Trees of Debian's packages, made by mmdebstrap from the mirror that this machine uses itself."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import process

# What of the host's configuration of apt decides whether its mirror is accepted.
ACCEPTS = re.compile(r"Acquire::(Check-|https?\b|Proxy)|\bProxy\b")


class Unmade(Exception):
    """A tree could not be made."""


def make(target: Path, suite: str, arch: str, options: list[str]) -> None:
    """An archive, or a folder where the name has no ending. It is there as a whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"part-{target.name}")
    _remove(part)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            done = process.run(_command(part, suite, arch, options, Path(scratch)))
        if done.code != 0:
            raise Unmade(f"mmdebstrap for {suite} {arch} failed:\n{done.both()[-3000:]}")
        part.replace(target)
    finally:
        _remove(part)


def _command(part: Path, suite: str, arch: str, options: list[str], scratch: Path) -> list[str]:
    command = ["mmdebstrap", "--mode=root", f"--arch={arch}", '--aptopt=Apt::Install-Recommends "false"']
    command += [f"--aptopt={file}" for file in accepting()]
    command += [*options, suite, str(part)]
    sources = host_sources(suite)
    if sources:
        file = scratch / "debian.sources"
        file.write_text(sources)
        command.append(str(file))
    return command


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def accepting() -> list[Path]:
    """The host's files of apt's configuration without which its mirror would be refused or not found."""
    files = sorted(Path("/etc/apt/apt.conf.d").glob("*"))
    return [file for file in files if file.is_file() and ACCEPTS.search(file.read_text(errors="replace"))]


def host_sources(suite: str) -> str | None:
    """The host's own sources, for another release of Debian; nothing where the host is not a Debian: mmdebstrap knows a mirror."""
    release = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE)
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if not re.search(r"^ID=debian$", release, re.MULTILINE) or not found or not sources.exists():
        return None
    lines = [line for line in sources.read_text().splitlines() if not line.startswith("#")]
    return re.sub(rf"\b{found.group(1)}\b", suite, "\n".join(lines)) + "\n"
