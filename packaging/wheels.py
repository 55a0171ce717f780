"""What is done to a wheel after maturin has built it."""

import base64
import hashlib
import pathlib
import zipfile
from typing import List, Tuple

Entry = Tuple[zipfile.ZipInfo, bytes]


def add_platform(wheel: pathlib.Path, platform: str) -> pathlib.Path:
    """Says of a wheel that it is for one more platform, in its name and inside; gives the new path."""
    stem, platforms = wheel.stem.rsplit("-", 1)
    if platform in platforms.split("."):
        return wheel
    entries = _read(wheel)
    tag = "-".join(stem.split("-")[-2:])

    def tagged(info: zipfile.ZipInfo, data: bytes) -> bytes:
        if not info.filename.endswith(".dist-info/WHEEL"):
            return data
        return data.rstrip(b"\n") + f"\nTag: {tag}-{platform}\n".encode()

    entries = [(info, tagged(info, data)) for info, data in entries]
    entries = [(info, _record(entries) if info.filename.endswith(".dist-info/RECORD") else data) for info, data in entries]
    path = wheel.with_name(f"{stem}-{platforms}.{platform}.whl")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for info, data in entries:
            archive.writestr(info, data)
    wheel.unlink()
    return path


def program(wheel: pathlib.Path) -> Tuple[str, bytes]:
    """The name of the program in the wheel, and the program."""
    for info, data in _read(wheel):
        if ".data/scripts/" in info.filename:
            return info.filename.rsplit("/", 1)[-1], data
    raise SystemExit(f"{wheel.name} has no program")


def _read(wheel: pathlib.Path) -> List[Entry]:
    with zipfile.ZipFile(wheel) as archive:
        return [(info, archive.read(info)) for info in archive.infolist()]


def _record(entries: List[Entry]) -> bytes:
    lines = []
    for info, data in entries:
        if info.filename.endswith(".dist-info/RECORD"):
            lines.append(f"{info.filename},,")
        else:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{info.filename},sha256={digest},{len(data)}")
    return ("\n".join(lines) + "\n").encode()
