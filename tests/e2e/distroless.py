"""A file system made of some of the packages of another one: no apt, no dpkg, no shell."""

from __future__ import annotations

import tarfile
from typing import BinaryIO

# As GoogleContainerTools/distroless has them, base/ and python3/python.bzl (which stands on cc: with the C++ library).
BASE = ["base-files", "ca-certificates", "libc6", "libssl3", "netbase", "tzdata"]
PYTHON = """libgcc-s1 libstdc++6 libbz2-1.0 libcom-err2 libcrypt1 libdb5.3 libexpat1 libffi8 libgssapi-krb5-2 libk5crypto3
libkeyutils1 libkrb5-3 libkrb5support0 liblzma5 libncursesw6 libnsl2 libpython3.11-minimal libpython3.11-stdlib libreadline8
libsqlite3-0 libtinfo6 libtirpc3 libuuid1 python3.11-minimal python3-minimal zlib1g""".split()
# Files that packages make when they are installed, and what links the merged /usr together.
MADE = ["/bin", "/lib", "/lib64", "/sbin", "/etc/passwd", "/etc/group", "/etc/ssl/certs/ca-certificates.crt", "/tmp", "/home"]


def select(tar: tarfile.TarFile, packages: list[str], target: BinaryIO) -> None:
    """Writes an archive of what belongs to those packages, with the folders above it."""
    wanted = set(MADE)
    for package in packages:
        wanted.update(_files_of(tar, package))
    wanted = {_merged(path) for path in wanted}
    with tarfile.open(fileobj=target, mode="w") as chosen:
        for member in tar:
            if "/" + member.name.lstrip("./") in wanted and not member.isdev():
                chosen.addfile(member, tar.extractfile(member) if member.isreg() else None)


def _files_of(tar: tarfile.TarFile, package: str) -> list[str]:
    suffixes = ["", ":amd64", ":arm64"]
    for name in (f"./var/lib/dpkg/info/{package}{suffix}.list" for suffix in suffixes):
        try:
            file = tar.extractfile(name)
        except KeyError:
            continue
        return file.read().decode().split("\n") if file else []
    return []


def _merged(path: str) -> str:
    """Packages still name /lib and /bin, which are links to those in /usr."""
    top = path.split("/")[1:2]
    below = path.count("/") > 1
    return "/usr" + path if below and top and top[0] in ("bin", "lib", "lib64", "sbin") else path
