"""A root as Alpine's: its names, its database of packages, musl's own loader, and programs that were built for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import archive
import compiler

MUSL = Path("/usr/lib/x86_64-linux-musl/libc.so")
LOADER = "lib/ld-musl-x86_64.so.1"
RELEASE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n'
# Prints its memory, whatever it is told.
PROGRAM = r"""
#include <stdio.h>
int main(void) {
    char part[4096];
    size_t length;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && (length = fread(part, 1, sizeof part, maps))) fwrite(part, 1, length, stdout);
    return 0;
}
"""
# What Alpine's library is called by those that need it.
NEEDED = "libc.musl-x86_64.so.1"
LIBRARY = 'extern int puts(const char *); int je_stands_in(void) { return puts(""); }'


@dataclass(frozen=True)
class Parts:
    """Files that need a compiler."""

    loader: bytes
    program: bytes
    jemalloc: bytes


def build() -> Parts:
    """The host's musl, and what is built with it."""
    needed = compiler.library("int puts(const char *text) { return text != 0; }", f"-Wl,-soname,{NEEDED}")
    jemalloc = compiler.library(LIBRARY, "-Wl,-soname,libjemalloc.so.2", with_library=needed)
    return Parts(MUSL.read_bytes(), compiler.build("musl-gcc", PROGRAM, "-O1", "-s"), jemalloc)


def root(parts: Parts, jemalloc: bytes | None) -> bytes:
    """The archive of a root."""
    packages = {"musl": "1.2.5-r0", "busybox": "1.36.1-r29", "python3": "3.12.7-r0", **({"jemalloc": "5.3.0-r5"} if jemalloc else {})}
    files = {
        "etc/os-release": RELEASE.encode(),
        "etc/alpine-release": b"3.20.3\n",
        "lib/apk/db/installed": "".join(f"P:{name}\nV:{version}\nA:x86_64\n\n" for name, version in packages.items()).encode(),
        LOADER: parts.loader,
        "usr/bin/python3.12": parts.program,
        **({"usr/lib/libjemalloc.so.2": jemalloc} if jemalloc else {}),
    }
    links = {f"lib/{NEEDED}": LOADER.rpartition("/")[2], "usr/bin/python3": "python3.12"}
    folders = ["bin", "etc", "lib", "lib/apk", "lib/apk/db", "proc", "tmp", "usr", "usr/bin", "usr/lib"]
    return archive.pack(files, links, folders)
