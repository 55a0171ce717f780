"""Small programs and libraries, built for real loaders."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

# Where the ELF header says for which machine a file was made, and what it says of these (elf(5)).
MACHINE = slice(18, 20)
MACHINES = {"amd64": b"\x3e\x00", "arm64": b"\xb7\x00"}


def build(compiler: str, source: str, *options: str, with_library: bytes | None = None) -> bytes:
    """What comes of a source in C; `with_library`: one that it is linked with."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "source.c").write_text(source)
        linked = []
        if with_library is not None:
            (folder / "libneeded.so").write_bytes(with_library)
            linked = ["-L", scratch, "-lneeded"]
        subprocess.run([compiler, *options, "-o", str(folder / "made"), str(folder / "source.c"), *linked], check=True)
        return (folder / "made").read_bytes()


def library(source: str, *options: str, with_library: bytes | None = None) -> bytes:
    """A library that needs nothing but what it is linked with."""
    return build("gcc", source, "-shared", "-nostdlib", "-fPIC", "-s", *options, with_library=with_library)


def foreign(content: bytes, arch: str) -> bytes:
    """The same file, made for another machine as far as its header says so."""
    other = next(machine for name, machine in MACHINES.items() if name != arch)
    return content[: MACHINE.start] + other + content[MACHINE.stop :]
