"""Packs files into archives of tar."""

from __future__ import annotations

import io
import tarfile
from typing import Mapping, Sequence


def entry(path: str, **said: object) -> tarfile.TarInfo:
    """What stands in front of a file; `said`: what else, in the words of tarfile."""
    made = tarfile.TarInfo(path)
    made.mode = 0o755
    for name, value in said.items():
        setattr(made, name, value)
    return made


def pack(files: Mapping[str, bytes], links: Mapping[str, str] | None = None, folders: Sequence[str] = ()) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in folders:
            tar.addfile(entry(folder, type=tarfile.DIRTYPE))
        for path, content in files.items():
            tar.addfile(entry(path, size=len(content)), io.BytesIO(content))
        for path, target in (links or {}).items():
            tar.addfile(entry(path, type=tarfile.SYMTYPE, linkname=target))
    return packed.getvalue()
