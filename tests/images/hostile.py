"""Hands `malloclint image check` images that want to break it, and holds what comes out against what must: a refusal of one line, or a verdict."""

from __future__ import annotations

import argparse
import ctypes
import gzip
import hashlib
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 512
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# What no case may take: bytes of memory and of addresses, bytes of a line for people.
MEMORY, ADDRESSES, LINE = 192 * MIB, 4 * GIB, 4 * KIB
AT_A_TIME = 2
# It stands in what lies outside of the image, and nowhere else.
CANARY = "canary-7f3a91"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
TAG = "org.opencontainers.image.ref.name"
# What is found in the good image: only who read its files and its configuration finds it.
FOUND = "[glibc-tunable-dead]"

Chunks = Iterable[bytes]
Json = dict[str, Any]
Maker = Callable[["Place"], str]


@dataclass(frozen=True)
class Case:
    """An image, and what must come of it."""

    name: str
    make: Maker
    # A part of the message; without one the image is read.
    refused: str | None
    # A part of what is found in it; without one nothing is.
    found: str | None
    memory: int
    # It may open what lies outside, but not show it.
    opens: bool


CASES: list[Case] = []


def refused(why: str, memory: int = MEMORY, opens: bool = False) -> Callable[[Maker], Maker]:
    """The image is refused, with this in the message."""
    return _case(lambda make: Case(_name(make), make, why, None, memory, opens))


def read(found: str | None = FOUND) -> Callable[[Maker], Maker]:
    """The image is read, and this is found in it."""
    return _case(lambda make: Case(_name(make), make, None, found, MEMORY, False))


def _case(case: Callable[[Maker], Case]) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        CASES.append(case(make))
        return make

    return add


def _name(make: Maker) -> str:
    return make.__name__.replace("_", "-")


# Archives of tar. Python's own writer would write nothing of what follows.


def header(path: str | bytes, kind: bytes = b"0", size: int | bytes = 0, link: str | bytes = b"") -> bytes:
    """A header of any size, its own field also as bytes."""
    block = bytearray(BLOCK)
    block[:100] = _raw(path)[:100].ljust(100, b"\0")
    block[100:124] = b"0000755\0" + b"0000000\0" * 2
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    block[136:156] = b"00000000000\0" + b" " * 8
    block[156:157] = kind
    block[157:257] = _raw(link)[:100].ljust(100, b"\0")
    block[257:265] = b"ustar\00000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(path: str | bytes, data: bytes = b"", kind: bytes = b"0", link: str | bytes = b"") -> bytes:
    """An entry, its names in a header of their own where they need one."""
    long = {"path": _raw(path), "linkpath": _raw(link)}
    records = pax({key: value for key, value in long.items() if len(value) > 99})
    return records + header(path, kind, len(data), link) + _filled(data)


def pax(records: dict[str, bytes]) -> bytes:
    if not records:
        return b""
    text = b""
    for key, value in records.items():
        rest = b" " + key.encode() + b"=" + value + b"\n"
        length = len(rest) + len(str(len(rest)))
        length += len(str(length)) - len(str(len(rest)))
        text += str(length).encode() + rest
    return header("pax", b"x", len(text)) + _filled(text)


def symlink(path: str | bytes, target: str | bytes) -> bytes:
    return member(path, kind=b"2", link=target)


def hardlink(path: str | bytes, target: str | bytes) -> bytes:
    return member(path, kind=b"1", link=target)


def tar(*members: bytes) -> list[bytes]:
    return [*members, bytes(2 * BLOCK)]


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


# What is compressed.


def squeezed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


ZEROS = squeezed(bytes(16 * MIB))


def zeros(size: int) -> Iterator[bytes]:
    """So many zeros as members of gzip, 16 MiB each."""
    yield from (ZEROS for _ in range(size // (16 * MIB)))


def squeezed_tar(*members: bytes | Chunks) -> Iterator[bytes]:
    """A compressed archive; what is no bytes is compressed already."""
    for one in members:
        yield from [squeezed(one)] if isinstance(one, bytes) else one
    yield squeezed(bytes(2 * BLOCK))


def zstd(*blocks: bytes | tuple[bytes, int], window: int = 0x50, flags: int = 0) -> bytes:
    """A frame (RFC 8878) of blocks as they are, and of one byte so many times. `window`: 1 MiB, if nothing else is said."""
    parts: list[tuple[int, int, bytes]] = []
    for block in blocks:
        if isinstance(block, bytes):
            parts += [(0, len(block[at : at + 128 * KIB]), block[at : at + 128 * KIB]) for at in range(0, len(block), 128 * KIB)]
        else:
            byte, times = block
            parts += [(1, min(128 * KIB, times - at), byte) for at in range(0, times, 128 * KIB)]
    parts.append((0, 0, b""))
    frame = [b"\x28\xb5\x2f\xfd", bytes([flags, window])]
    for number, (kind, size, data) in enumerate(parts, 1):
        frame.append((size << 3 | kind << 1 | (number == len(parts))).to_bytes(3, "little") + data)
    return b"".join(frame)


# Images.


def elf(machine: int = 62) -> bytes:
    """The head of a library that needs nothing."""
    head = bytearray(64)
    head[:8] = b"\x7fELF\x02\x01\x01\0"
    head[16], head[18], head[20], head[52] = 3, machine, 1, 64
    return bytes(head)


LIBRARY = "usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
INSTALLED = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"
STATUS = INSTALLED.format("libc6", "2.36-9") + INSTALLED.format("libjemalloc2", "5.3.0-1")
# Debian 12 with Python and jemalloc, as far as it is read.
BASE = [
    symlink("lib", "usr/lib"),
    symlink("etc/os-release", "../usr/lib/os-release"),
    member("usr/lib/os-release", b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'),
    member("var/lib/dpkg/status", STATUS.encode()),
    member("usr/lib/x86_64-linux-gnu/libc.so.6", elf()),
    member(LIBRARY, elf()),
    member("usr/bin/python3.11", elf()),
    symlink("usr/bin/python3", "python3.11"),
]
SERVER = ["python3", "-m", "gunicorn", "app:app", "--threads", "8"]
ENV = ["PATH=/usr/bin:/bin", "LD_PRELOAD=libjemalloc.so.2", "MALLOC_ARENA_MAX=2", "MALLOC_CONF=narenas:4"]


def configured(**changes: Any) -> Json:
    """What a container starts with."""
    return {"Env": ENV, "Cmd": SERVER, **changes}


def started(*env: str) -> Json:
    """The same by a script that is to be read."""
    return configured(Entrypoint=["/start.sh"], Env=[*ENV, *env])


def hexed(chunks: Chunks) -> str:
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return state.hexdigest()


NO_DIGEST = "sha256:" + "0" * 64


class Place:
    """The folder of a case: `here` it is run, and from `outside` nothing may be read."""

    def __init__(self, folder: Path) -> None:
        self.here, self.outside, self.home = folder / "here", folder / "outside", folder / "home"
        self.layout = self.here / "app"
        self.tags: list[Json] = []

    def prepare(self) -> Place:
        for one in (self.here, self.outside, self.home):
            one.mkdir(parents=True)
        texts = {
            "text": f"ID={CANARY}\nPRETTY_NAME={CANARY}\nPackage: {CANARY}\n",
            "preload": f"/{CANARY}/libjemalloc.so.2\n",
            "start.sh": f"#!/bin/sh\nexport MALLOC_ARENA_MAX={CANARY} MALLOC_CONF={CANARY}\nexec python3\n",
            "index.json": json.dumps({"schemaVersion": CANARY, "manifests": CANARY}),
        }
        for name, text in texts.items():
            (self.outside / name).write_text(text)
        return self

    def outwards(self, name: str) -> list[str]:
        """What lies outside, from the top and by as many folders upwards as anybody has."""
        path = str(self.outside / name)
        return [path, "../" * 40 + path[1:]]

    def blob(self, chunks: bytes | Chunks, kind: str, name: str | None = None) -> Json:
        """Stores a blob, maybe by a digest that is not its own; what names it."""
        folder = self.layout / "blobs" / "sha256"
        folder.mkdir(parents=True, exist_ok=True)
        state, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            for chunk in [chunks] if isinstance(chunks, bytes) else chunks:
                file.write(chunk)
                state.update(chunk)
                size += len(chunk)
        name = name or state.hexdigest()
        os.replace(file.name, folder / name)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": size}

    def json(self, what: Any, kind: str, name: str | None = None) -> Json:
        return self.blob(what if isinstance(what, bytes) else json.dumps(what).encode(), kind, name)

    def config(self, config: Any, layers: int, **changes: Any) -> Json:
        rootfs = {"type": "layers", "diff_ids": [NO_DIGEST] * layers}
        return self.json({"architecture": "amd64", "os": "linux", "config": config, "rootfs": rootfs, **changes}, CONFIG)

    def manifest(self, config: Json, layers: list[Json], **changes: Any) -> Json:
        return self.json({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, **changes}, MANIFEST)

    def image(self, *layers: bytes | Chunks, config: Any = None, **changes: Any) -> Json:
        """Stores an image of the base and these layers; what names its manifest."""
        stored = [self.blob(layer, LAYER) for layer in (tar(*BASE), *layers)]
        return self.manifest(self.config(config or configured(), len(stored), **changes), stored)

    def tag(self, descriptor: Json, tag: str = "1") -> str:
        """Names it; what it is called."""
        self.tags.append({**descriptor, "annotations": {TAG: tag}})
        self.index({"schemaVersion": 2, "manifests": self.tags})
        return f"oci:app:{tag}"

    def index(self, what: Any) -> str:
        """Writes the index of the layout itself."""
        self.layout.mkdir(exist_ok=True)
        (self.layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (self.layout / "index.json").write_bytes(what if isinstance(what, bytes) else json.dumps(what).encode())
        return "oci:app"

    def of(self, *layers: bytes | Chunks, config: Any = None, **changes: Any) -> str:
        """An image of the base and these layers; what it is called."""
        return self.tag(self.image(*layers, config=config, **changes))

    def over(self, *members: bytes, config: Any = None) -> str:
        """An image of the base and a layer of these entries."""
        return self.of(tar(*members), config=config)

    def stored(self, descriptor: Json) -> Path:
        """The file of a blob."""
        return self.layout / "blobs" / str(descriptor["digest"]).replace(":", "/")

    def archive(self, *members: bytes | Chunks, kind: str = "docker-archive") -> str:
        """An archive as a store."""
        with (self.here / "app.tar").open("wb") as file:
            for one in members:
                file.writelines([one] if isinstance(one, bytes) else one)
            file.write(bytes(2 * BLOCK))
        return f"{kind}:app.tar"

    def saved(self, *members: bytes | Chunks, config: str = "config.json", layers: Iterable[str] = ("layer.tar",)) -> str:
        """What `docker save` writes, and these members behind it."""
        bottom = b"".join(tar(*BASE))
        count = len(list(layers))
        rootfs = {"type": "layers", "diff_ids": ["sha256:" + hexed([bottom])] * count}
        told = {"architecture": "amd64", "os": "linux", "config": configured(), "rootfs": rootfs}
        named = [{"Config": config, "RepoTags": ["acme/app:1"], "Layers": list(layers)}]
        own = [member("manifest.json", json.dumps(named).encode()), member("config.json", json.dumps(told).encode()), member("layer.tar", bottom)]
        return self.archive(*own, *members)


# Paths that lead out.

OUT = "leads out of the image"


@refused(OUT)
def a_name_with_dots(at: Place) -> str:
    return at.over(member("../../../../../../etc/cron.d/x", b"x"))


@refused(OUT)
def a_name_that_goes_in_and_out(at: Place) -> str:
    return at.over(member("usr/../../etc/x", b"x"))


@read()
def a_name_from_the_top(at: Place) -> str:
    """As tar has it: without the slash."""
    return at.over(member(str(at.outside / "written"), b"x"), member("//etc//x", b"x"), member("..\\..\\etc\\x", b"x"), member("C:/x", b"x"))


@read()
def a_file_through_a_folder_that_leads_out(at: Place) -> str:
    links = [symlink(f"out{number}", target) for number, target in enumerate(at.outwards(""))]
    return at.over(*links, member("out0/written", b"x"), member("out1/written", b"x"), member("out0/.wh.text"), member("out1/.wh..wh..opq"))


@refused(OUT)
def a_hard_link_with_dots(at: Place) -> str:
    return at.over(hardlink("etc/os-release", "../../../../etc/passwd"))


@read()
def a_hard_link_from_the_top(at: Place) -> str:
    return at.over(hardlink("etc/ld.so.preload", str(at.outside / "preload")), hardlink("start.sh", "/etc/passwd"))


@refused(OUT)
def a_whiteout_with_dots(at: Place) -> str:
    return at.over(member("../../.wh.etc"))


@read()
def a_whiteout_of_dots(at: Place) -> str:
    """`.wh..` would be the folder itself, `.wh...` the one above."""
    return at.over(*(member(name) for name in (".wh..", ".wh...", "usr/.wh..", "usr/.wh...", "usr/lib/.wh....", ".wh.", ".wh..wh.", ".wh..wh.usr")))


@read()
def the_top_as_a_file(at: Place) -> str:
    """Nothing would be left of what lies below: engines pass it over."""
    return at.over(member("./", kind=b"2", link="usr"), member(".", b"x"), member("usr/..", b"x"), header("/", b"3"))


@read()
def links_to_files_outside(at: Place) -> str:
    preload, status = at.outwards("preload")[0], at.outwards("text")[1]
    links = [symlink("etc/ld.so.preload", preload), symlink("var/lib/dpkg/status.d/x", status), symlink("etc/ld.so.conf", status)]
    return at.over(*links, symlink("etc/passwd", "/etc/passwd"), symlink("start.sh", at.outwards("start.sh")[0]), config=configured(Cmd=["/start.sh", *SERVER]))


@read("[preload-not-installed]")
def files_of_the_system_as_links_outside(at: Place) -> str:
    targets = at.outwards("text")
    return at.over(symlink("usr/lib/os-release", targets[0]), symlink("etc/os-release", targets[1]), symlink(LIBRARY, "/proc/self/exe"))


@read()
def a_start_script_outside(at: Place) -> str:
    path, up = at.outwards("start.sh")
    return at.of(config=configured(Entrypoint=[path], Cmd=[up, *SERVER], WorkingDir="../../../../.."))


@read()
def sources_of_a_script_outside(at: Place) -> str:
    path, up = at.outwards("start.sh")
    text = f'#!/bin/sh\n. {path}\n. {up}\nsource /proc/self/environ\n. /dev/stdin\nexec $(cat {path}) "$@"\n'
    return at.over(member("start.sh", text.encode()), config=started())


# Links that go around.


@read()
def links_that_go_around(at: Place) -> str:
    targets = {"a": "b", "b": "a", "c": "c", "d": "d/d", "e": ".", "f": "../f/..", "etc/ld.so.preload": "../a/x"}
    around = [symlink(name, target) for name, target in targets.items()]
    through = [member(f"{name}/x", b"#!/bin/sh\n") for name in "abcdef"]
    return at.over(*around, *through, member("e/e/e/e/y"), member("a/.wh.x"), member("c/.wh..wh..opq"), hardlink("g", "a"), hardlink("h", "h"))


@read()
def links_that_lead_on_too_often(at: Place) -> str:
    chain = [symlink(f"l{number}", f"l{number + 1}") for number in range(2000)]
    return at.over(*chain, symlink("l2000", "etc"), member("l0/x", b"x"), symlink("etc/ld.so.preload", "/l0/preload"))


@read()
def links_that_fan_out(at: Place) -> str:
    fans = [symlink(f"f{number}", "/".join([f"f{number + 1}/.."] * 400 + [f"f{number + 1}"])) for number in range(60)]
    return at.over(*fans, symlink("f60", "etc"), *(member(f"f{number % 60}/x{number}", b"x") for number in range(200)))


@read()
def links_that_lead_to_a_library(at: Place) -> str:
    """Many, each by a long way round: a name of the library by each would be millions of bytes."""
    way = "/usr" + "/lib/.." * 500 + "/lib"
    return at.over(*(symlink(f"n/{number}", way) for number in range(10_000)), *(symlink(f"m/{number}/lib", f"/n/{number}") for number in range(10_000)))


@read()
def links_that_grow(at: Place) -> str:
    """Each of 40 leads 2,000 folders down, behind the next one."""
    grow = [symlink(f"l{number}", f"l{number + 1}/" + "b/" * 2000) for number in range(39)]
    return at.over(*grow, *(member(f"l0/{number}", b"x") for number in range(40)))


@read()
def paths_of_200_folders(at: Place) -> str:
    folders = ("d" * 19 + "/") * 199
    return at.over(*(member(f"{folders}{number}", b"x") for number in range(1500)))


# What is no file.


@read()
def devices_and_pipes(at: Place) -> str:
    kinds = {"dev/c": b"3", "dev/b": b"4", "dev/p": b"6", "dev/s": b"s", "etc/ld.so.preload": b"6", "etc/ld.so.conf": b"3", "start.sh": b"6"}
    others = [header(name, kind, size=b"77777777777\0") for name, kind in kinds.items() if kind in b"346"]
    return at.over(*others, member("dev/s", kind=b"s"), member("etc/ld.so.conf.d/x.conf", kind=b"7"), config=started())


# Archives that are cut, damaged, or lie.


@refused("too early")
def a_size_of_8_eib(at: Place) -> str:
    return at.over(header("huge", size=b"\x80\0\0\0" + b"\x7f" + b"\xff" * 7))


@refused("too early")
def a_size_below_zero(at: Place) -> str:
    return at.over(header("huge", size=b"\xff" * 12))


@refused("too early")
def a_size_that_is_not_there(at: Place) -> str:
    return at.over(header(LIBRARY, size=40 * MIB))


@refused("numeric field")
def a_size_that_is_no_number(at: Place) -> str:
    return at.over(header("x", size=b"1234abcd\0\0\0\0"))


@refused("has no size")
def a_size_below_zero_in_words(at: Place) -> str:
    return at.over(pax({"size": b"-1"}), member("x", b"x"))


@refused("has no size")
def a_size_beyond_numbers_in_words(at: Place) -> str:
    return at.over(pax({"size": b"99999999999999999999"}), member("x", b"x"))


@refused("too early")
def a_size_of_16_eib_in_words(at: Place) -> str:
    return at.over(pax({"size": b"18446744073709551615"}), member("etc/os-release", b"x"))


@refused("too early")
def a_file_whose_holes_have_no_end(at: Place) -> str:
    sparse = bytearray(header("x", b"S"))
    sparse[257:265], sparse[482] = b"ustar  \0", 1
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    more = squeezed((bytes(504) + b"\1" + bytes(7)) * 32768)
    return at.of([squeezed(bytes(sparse)), *[more] * 4])


@read()
def words_about_an_entry_50000_times(at: Place) -> str:
    return at.of(tar(pax({"path": b"y"}) * 50_000, member("x")))


@refused("malformed pax")
def words_about_an_entry_that_are_none(at: Place) -> str:
    text = b"99999999999 path=x\n" * 20
    return at.over(header("pax", b"x", len(text)), _filled(text), member("x"))


@refused("longer than any name")
def words_of_1_gib_about_an_entry(at: Place) -> str:
    return at.of(squeezed_tar(header("pax", b"x", GIB), zeros(64 * MIB)))


@refused("longer than any name")
def a_long_name_of_1_gib(at: Place) -> str:
    return at.of(squeezed_tar(header("././@LongLink", b"L", GIB), zeros(64 * MIB)))


@refused("longer than 4096")
def a_name_of_5000_bytes(at: Place) -> str:
    return at.over(member("n" * 5000, b"x"))


@refused("longer than 4096")
def a_link_to_a_name_of_5000_bytes(at: Place) -> str:
    return at.over(symlink("etc/ld.so.preload", "/" + "n/" * 2500))


@read()
def a_name_of_4000_bytes(at: Place) -> str:
    return at.over(member("n" * 4000, b"#!/bin/sh\n"))


@refused("more folders than any")
def a_path_of_300_folders(at: Place) -> str:
    return at.over(member("d/" * 300 + "x", b"x"))


@refused("damaged")
def a_header_with_another_sum(at: Place) -> str:
    bent = bytearray(member("x", b"x"))
    bent[3] ^= 1
    return at.over(bytes(bent))


@refused("too early")
def an_archive_that_is_cut_in_a_file(at: Place) -> str:
    return at.of([*BASE, member("etc/x", bytes(4000))[:2000]])


@refused("too early")
def an_archive_that_is_cut_in_a_header(at: Place) -> str:
    return at.of([*BASE, header("x")[:200]])


@read()
def rubbish_behind_an_archive(at: Place) -> str:
    """Behind its end nothing counts, as tar has it."""
    return at.of([*tar(member("x")), os.urandom(5000), *tar(member("../../x"))])


@refused("no archive of tar")
def no_archive_at_all(at: Place) -> str:
    return at.of(b"no archive" * 1000)


@refused("no archive of tar")
def a_layer_that_is_compressed_twice(at: Place) -> str:
    return at.of(squeezed(squeezed(os.urandom(4 * KIB))))


@refused("layer 2 of 2")
def a_layer_that_is_cut(at: Place) -> str:
    return at.of(squeezed(b"".join(tar(member("x", os.urandom(5000)))))[:-2000])


@refused("corrupt gzip")
def a_layer_with_another_checksum(at: Place) -> str:
    bent = bytearray(squeezed(b"".join(tar(member("x", os.urandom(5000))))))
    bent[-6] ^= 1
    return at.of(bytes(bent))


@refused("invalid gzip")
def rubbish_behind_a_compressed_layer(at: Place) -> str:
    return at.of(squeezed(b"".join(tar(member("x")))) + b"rubbish" * 10)


@refused("layer 2 of 2")
def a_compressed_layer_of_a_long_name(at: Place) -> str:
    """Of its own, in the header of gzip."""
    return at.of(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * MIB)


@refused("compressed as no layer is")
def a_layer_of_bzip2(at: Place) -> str:
    return at.of(b"BZh91AY&SY" + bytes(100))


@refused("compressed as no layer is")
def a_layer_of_xz(at: Place) -> str:
    return at.of(b"\xfd7zXZ\0" + bytes(100))


# Zstandard.


@refused("layer 2 of 2")
def zstd_with_a_window_of_8_gib(at: Place) -> str:
    return at.of(zstd(b"".join(tar(member("x"))), window=(33 - 10) << 3))


@read()
def zstd_with_a_window_of_64_mib(at: Place) -> str:
    """Two layers at a time: each holds its own."""
    frame = zstd(header("x", size=192 * MIB), (b"\0", 192 * MIB), bytes(2 * BLOCK), window=(26 - 10) << 3)
    return at.of(frame, frame)


@refused("layer 2 of 2")
def zstd_that_is_cut(at: Place) -> str:
    return at.of(zstd(b"".join(tar(member("x", bytes(4000)))))[:-2000])


@refused("layer 2 of 2")
def zstd_with_another_checksum(at: Place) -> str:
    return at.of(zstd(b"".join(tar(member("x"))), flags=4) + b"\1\2\3\4")


@refused("layer 2 of 2")
def zstd_with_a_dictionary(at: Place) -> str:
    frame = zstd(b"".join(tar(member("x"))), flags=1)
    return at.of(frame[:6] + b"\7" + frame[6:])


@refused("zstd")
def zstd_with_rubbish_behind(at: Place) -> str:
    return at.of(zstd(b"".join(tar(member("x")))) + b"rubbish" * 10)


@refused("layer 2 of 2")
def zstd_of_another_size_than_it_says(at: Place) -> str:
    frame = zstd(b"".join(tar(member("x"))), flags=0x80)
    return at.of(frame[:6] + (7 * GIB // 2).to_bytes(4, "little") + frame[6:])


@refused("layer 2 of 2")
def zstd_with_a_block_of_no_kind(at: Place) -> str:
    return at.of(zstd()[:6] + b"\x07\0\0")


@refused("layer 2 of 2")
def zstd_to_be_passed_over_beyond_its_end(at: Place) -> str:
    return at.of(b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + bytes(100))


@read()
def zstd_of_200000_empty_frames(at: Place) -> str:
    empty = zstd(window=(26 - 10) << 3)
    return at.of([zstd(b"".join(tar(member("x")))), empty * 100_000, b"\x50\x2a\x4d\x18\0\0\0\0" * 100_000])


# What becomes far more than it is.

FAR_MORE = "far more than a layer holds"


def nearly_much(name: str = "zeros") -> Iterator[bytes]:
    """A layer that is just not refused: 1 GiB in a megabyte."""
    return squeezed_tar(header(name, size=GIB - 16 * MIB), zeros(GIB - 16 * MIB))


@refused(FAR_MORE)
def zeros_of_4_gib(at: Place) -> str:
    return at.of(squeezed_tar(header("zeros", size=4 * GIB), zeros(4 * GIB)))


@refused(FAR_MORE)
def zeros_of_4_gib_of_zstd(at: Place) -> str:
    return at.of(zstd(header("zeros", size=4 * GIB), (b"\0", 4 * GIB)))


@refused(FAR_MORE)
def zeros_behind_the_end(at: Place) -> str:
    return at.of([*squeezed_tar(member("x")), *zeros(4 * GIB)])


@read()
def members_of_gzip_without_anything(at: Place) -> str:
    return at.of([*squeezed_tar(member("x")), squeezed(b"") * 500_000])


@refused("more files than anybody counts", memory=512 * MIB)
def more_than_two_million_files(at: Place) -> str:
    """Until then each of them is known."""
    some = squeezed(b"".join(header(f"{number}") for number in range(4096)))
    return at.of(*(squeezed_tar([some] * (257 + more)) for more in range(2)))


@refused("more files than anybody counts", memory=800 * MIB)
def names_of_more_than_256_mib(at: Place) -> str:
    """Until then they are held, and more than once."""
    some = squeezed(b"".join(member(f"{number:04}" + "n" * 4000) for number in range(1024)))
    return at.of(squeezed_tar([some] * 66))


@read()
def names_of_32_mib(at: Place) -> str:
    some = [squeezed(b"".join(member(f"{part}-{number:04}" + "n" * 4000) for number in range(1024))) for part in range(8)]
    return at.of(squeezed_tar(some))


@refused("more than 1024 layers")
def layers_1025_times(at: Place) -> str:
    stored = [at.blob(tar(*BASE), LAYER)] * 1025
    return at.tag(at.manifest(at.config(configured(), len(stored)), stored))


@read()
def one_layer_200_times(at: Place) -> str:
    """200 GiB of zeros in a megabyte: read once, if at all."""
    stored = [at.blob(tar(*BASE), LAYER), *[at.blob(nearly_much(), LAYER)] * 200]
    return at.tag(at.manifest(at.config(configured(), len(stored)), stored))


@read()
def one_layer_of_100_images(at: Place) -> str:
    """It is read once for all of them."""
    stored = [at.blob(layer, LAYER) for layer in (tar(*BASE), nearly_much())]
    images = [at.manifest(at.config(configured(User=str(number)), 2), stored) for number in range(100)]
    return at.tag(at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": images}, INDEX))


@refused(FAR_MORE)
def layers_of_1_gib_each(at: Place) -> str:
    """None of them alone is refused: of 1,024 a gigabyte would become a thousand."""
    return at.of(*(nearly_much(f"zeros{number}") for number in range(10)))


@read()
def sources_of_a_script_behind_4_gib(at: Place) -> str:
    """Each of 200 is asked for: the layer is not read again for each of them."""
    names = [f"part{number}" for number in range(200)]
    script = "#!/bin/sh\n" + "".join(f". /{name}\n" for name in names) + 'exec "$@"\n'
    behind = b"".join(member(name, b"export X=1\n") for name in names)
    # What does not shrink makes room for what does.
    rest = member("rest", os.urandom(20 * MIB))
    return at.of(squeezed_tar(member("start.sh", script.encode()), rest, header("zeros", size=4 * GIB), zeros(4 * GIB), behind), config=started())


# Manifests and indexes that lie.


@refused("comes to another digest")
def a_layer_of_another_digest(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER, name="1" * 64)
    return at.tag(at.manifest(at.config(configured(), 1), [stored]))


@refused("has not the size")
def a_layer_that_is_larger(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER)
    return at.tag(at.manifest(at.config(configured(), 1), [{**stored, "size": stored["size"] - BLOCK}]))


@refused("has not the size")
def a_layer_that_is_smaller(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER)
    return at.tag(at.manifest(at.config(configured(), 1), [{**stored, "size": 1 << 62}]))


@refused("is not there")
def a_layer_that_is_not_there(at: Place) -> str:
    return at.tag(at.manifest(at.config(configured(), 1), [{"mediaType": LAYER, "digest": NO_DIGEST, "size": 7}]))


@refused("is not there")
def a_layer_that_is_elsewhere(at: Place) -> str:
    """Nobody is asked for it."""
    foreign = {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "digest": NO_DIGEST, "size": 7, "urls": ["http://127.0.0.1:9/layer"]}
    return at.tag(at.manifest(at.config(configured(), 1), [foreign]))


@refused("comes to another digest")
def a_configuration_of_another_digest(at: Place) -> str:
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
    return at.tag(at.manifest(at.json(config, CONFIG, name="2" * 64), []))


@refused("no digest of SHA-256")
def a_digest_with_dots_in_the_index(at: Place) -> str:
    return at.tag({**at.image(), "digest": "sha256:../../../../../../../etc/passwd"})


@refused("digest")
def a_digest_with_dots_in_a_manifest(at: Place) -> str:
    path = at.outwards("text")[1]
    return at.tag(at.manifest(at.config(configured(), 1), [{"mediaType": LAYER, "digest": f"sha256:{path}", "size": 7}]))


@refused("digest")
def a_digest_with_dots_of_a_configuration(at: Place) -> str:
    return at.tag(at.manifest({"mediaType": CONFIG, "digest": "sha256:../../index.json", "size": 7}, []))


@refused("no digest of SHA-256")
def a_digest_of_md5(at: Place) -> str:
    return at.tag({**at.image(), "digest": "md5:" + "0" * 32})


@refused("digest")
def a_layer_by_a_digest_of_a_folder(at: Place) -> str:
    return at.tag(at.manifest(at.config(configured(), 1), [{"mediaType": LAYER, "digest": "../blobs:" + "0" * 64, "size": 7}]))


@refused("no digest of SHA-256")
def a_digest_in_capitals(at: Place) -> str:
    return at.tag({**at.image(), "digest": "SHA256:" + "A" * 64})


@refused("another digest")
def an_index_in_itself(at: Place) -> str:
    """Without a lie there is none."""
    name = "3" * 64
    inner = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": INDEX, "digest": f"sha256:{name}", "size": 1234}]}
    text = json.dumps(inner).encode().ljust(1234)
    return at.tag(at.blob(text, INDEX, name))


@refused("not followed any further")
def indexes_50_deep(at: Place) -> str:
    child = at.image()
    for _ in range(50):
        child = at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}, INDEX)
    return at.tag(child)


@refused("more than")
def indexes_that_fan_out(at: Place) -> str:
    """1,000 times 1,000 times 1,000 times an index of nothing, in four files."""
    child = at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}, INDEX)
    for _ in range(3):
        child = at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child] * 1000}, INDEX)
    return at.tag(child)


@refused("more than 256 images")
def an_index_of_30000_images(at: Place) -> str:
    image = at.image()
    return at.tag(at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [image] * 30_000}, INDEX))


@refused("80000 images are there")
def an_index_of_the_layout_of_80000_images(at: Place) -> str:
    entry = b'{"digest":"%s","size":1}' % NO_DIGEST.encode()
    return at.index(b'{"manifests":[' + b",".join([entry] * 80_000) + b"]}")


@refused("has more than 8388608 bytes")
def an_index_of_the_layout_of_100000_images(at: Place) -> str:
    entry = b'{"digest":"%s","size":1}' % NO_DIGEST.encode()
    return at.index(b'{"manifests":[' + b",".join([entry] * 100_000) + b"]}")


@refused("no image")
def an_index_of_the_layout_of_nothing(at: Place) -> str:
    return at.index({"manifests": []})


@refused("name one by its tag")
def an_index_of_tags(at: Place) -> str:
    image = at.image()
    return at.index({"manifests": [{**image, "annotations": {TAG: f"tag-{number}"}} for number in range(20_000)]})


@refused("configuration")
def an_image_of_a_large_configuration_250_times(at: Place) -> str:
    """5 MiB are 30 when they are understood: not all of them at once."""
    image = at.image(config=configured(Volumes={f"/{number}": {} for number in range(400_000)}))
    return at.tag(at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [image] * 250}, INDEX))


@refused("has more than 8388608 bytes")
def an_index_of_100_mib(at: Place) -> str:
    name = at.index(b'{"manifests": [')
    os.truncate(at.layout / "index.json", 100 * MIB)
    return name


@refused("no manifest or configuration has more")
def a_manifest_of_100_mib(at: Place) -> str:
    stored = at.image()
    os.truncate(at.stored(stored), 100 * MIB)
    return at.tag({**stored, "size": 100 * MIB})


@refused("version 1")
def a_manifest_of_version_1(at: Place) -> str:
    layers = [{"blobSum": NO_DIGEST}]
    return at.tag(at.json({"schemaVersion": 1, "name": "acme/app", "tag": "1", "architecture": "amd64", "fsLayers": layers, "history": []}, MANIFEST))


@refused("encrypted")
def a_layer_that_is_encrypted(at: Place) -> str:
    stored = {**at.blob(os.urandom(500), LAYER), "mediaType": f"{LAYER}+gzip+encrypted"}
    return at.tag(at.manifest(at.config(configured(), 1), [stored]))


@refused("no image")
def an_artifact(at: Place) -> str:
    return at.tag(at.manifest(at.json({}, "application/vnd.cncf.helm.config.v1+json"), []))


@refused("the configuration names 2 layers, and 1 are there")
def more_digests_than_layers(at: Place) -> str:
    return at.tag(at.manifest(at.config(configured(), 2), [at.blob(tar(*BASE), LAYER)]))


@refused("the configuration names 0 layers, and 1 are there")
def layers_without_digests(at: Place) -> str:
    return at.tag(at.manifest(at.config(configured(), 0), [at.blob(tar(*BASE), LAYER)]))


# JSON.

DEEP = b"[" * 500_000 + b"]" * 500_000


@refused("recursion limit")
def an_index_of_the_layout_that_is_deep(at: Place) -> str:
    return at.index(b'{"manifests":[{"x":' + DEEP + b"}]}")


@refused("invalid type")
def a_manifest_that_is_deep(at: Place) -> str:
    return at.tag(at.json(b'{"schemaVersion":2,"annotations":' + DEEP + b',"layers":' + DEEP + b"}", MANIFEST))


@read()
def a_configuration_that_is_deep(at: Place) -> str:
    """Where nobody looks."""
    layer = at.blob(tar(*BASE), LAYER)
    text = at.stored(at.config(configured(), 1)).read_bytes()
    return at.tag(at.manifest(at.json(text[:-1] + b',"history":' + DEEP + b"}", CONFIG), [layer]))


@refused("index.json: ")
def an_index_of_the_layout_without_a_byte(at: Place) -> str:
    return at.index(b"")


@refused("duplicate field")
def an_index_of_the_layout_with_a_key_twice(at: Place) -> str:
    return at.index(b'{"manifests": [], "manifests": [%s]}' % json.dumps(at.image()).encode())


@refused("duplicate field")
def a_manifest_with_a_key_twice(at: Place) -> str:
    stored = at.image()
    text = at.stored(stored).read_bytes()
    return at.tag(at.json(text[:-1] + b', "layers": []}', MANIFEST))


@refused("duplicate field")
def a_configuration_with_a_key_twice(at: Place) -> str:
    config = at.config(configured(), 0)
    text = at.stored(config).read_bytes()
    return at.tag(at.manifest(at.json(text[:-1] + b', "config": {}}', CONFIG), []))


@refused("the configuration: invalid type")
def a_configuration_of_other_types(at: Place) -> str:
    return at.of(config=configured(Env={"PATH": "/bin"}))


@refused("the configuration: invalid type")
def a_configuration_whose_texts_are_numbers(at: Place) -> str:
    return at.of(config=configured(Cmd=[1, 2, None]))


@refused("the configuration: ")
def a_configuration_that_is_no_utf_8(at: Place) -> str:
    return at.tag(at.manifest(at.json(b'{"architecture":"amd64","os":"li\xff\xfenux","rootfs":{}}', CONFIG), []))


@read(found=None)
def a_configuration_of_nothing(at: Place) -> str:
    return at.of(config=dict.fromkeys(("Env", "User", "WorkingDir", "Entrypoint", "Cmd", "Shell", "ExposedPorts", "Volumes", "Healthcheck")))


@refused("invalid")
def a_size_that_is_no_size(at: Place) -> str:
    return at.tag({**at.image(), "size": -1})


@refused("number out of range")
def a_size_beyond_numbers(at: Place) -> str:
    return at.index(b'{"manifests": [{"digest": "%s", "size": 1e999}]}' % NO_DIGEST.encode())


@refused("no digest")
def a_digest_of_4_mib(at: Place) -> str:
    """It is not shown whole."""
    return at.tag({**at.image(), "digest": "sha256:" + "x" * (4 * MIB)})


@refused("the configuration: invalid type")
def a_text_of_4_mib_where_none_may_be(at: Place) -> str:
    return at.of(config=configured(Env="x" * (4 * MIB)))


# What a terminal, or who reads a log, would take for an order.

ORDERS = "\x1b[2J\x1b]0;owned\x07\n::error::owned\r\n##vso[task.complete]\u202eowned\u2028\x9b31m\x00"


@refused("no image there has the tag")
def orders_in_tags(at: Place) -> str:
    at.tag(at.image(), ORDERS)
    return "oci:app:other"


@refused(OUT)
def orders_in_names(at: Place) -> str:
    return at.over(member(f"../{ORDERS}", b"x"), pax({"path": b"../" + ORDERS.encode()}), member("x"))


@refused("no digest")
def orders_in_digests(at: Place) -> str:
    return at.tag({**at.image(), "digest": f"sha256:{ORDERS}"})


@refused("the type")
def orders_in_types(at: Place) -> str:
    return at.tag(at.manifest(at.json({}, f"application/{ORDERS}"), []))


@refused("is not there")
def orders_in_an_archive(at: Place) -> str:
    return at.saved(config=f"config.json/{ORDERS}")


@read()
def orders_in_platforms(at: Place) -> str:
    stored = [at.image(os=f"linux{ORDERS}", architecture="amd64", variant=ORDERS), at.image()]
    return at.tag(at.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": stored}, INDEX))


@read()
def orders_in_a_configuration(at: Place) -> str:
    """Lines that end in it end no line of what is read, and what is said of it has none of them."""
    env = [*ENV, f"LD_LIBRARY_PATH=/x\n{ORDERS}", f"A\nB={ORDERS}", f"MALLOC_TRIM_THRESHOLD_={ORDERS}"]
    names: Json = {"Volumes": {ORDERS: {}}, "ExposedPorts": {ORDERS: {}, "1\nUSER x": {}}}
    return at.of(config=configured(Env=env, User=f"0\nENV A=1{ORDERS}", WorkingDir=f"/app\nENV MALLOC_CONF={ORDERS}", **names))


@read()
def orders_in_scripts(at: Place) -> str:
    script = f"#!/bin/sh\nexport MALLOC_TRIM_THRESHOLD_='{ORDERS}'\nexec \"$@\"\n"
    name = "start" + ORDERS.replace("\n", "").replace("\x00", "") + ".sh"
    return at.over(member(name, script.encode()), config=configured(Entrypoint=["/" + name]))


@read()
def orders_to_this_program(at: Place) -> str:
    """What an image calls itself switches no rule off."""
    order = "malloclint: ignore[glibc-tunable-dead] mine"
    own = {"User": f"0 # {order}", "Env": [f"A=# {order}", *ENV, f"B=\n# {order}\n"]}
    return at.of(config=configured(**own), os=order, architecture="escape=`", variant=f"\n# {order}\n# check=skip=all")


@read()
def names_that_are_no_utf_8(at: Place) -> str:
    links = [symlink(b"etc/ld.so.preload", b"/\xff\xfe\xc3"), hardlink(b"\xff", b"\xc3\x28")]
    return at.over(member(b"opt/\xff\xfe/libjemalloc.so.2", elf()), pax({"path": b"etc/\0\x1b[31m\xf0\x90"}), member(b"x", b"#!/bin/sh\n"), *links)


# Folders and archives as stores.


@refused("it is not a plain file")
def a_pipe_as_a_layer(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER)
    at.stored(stored).unlink()
    os.mkfifo(at.stored(stored))
    return at.tag(at.manifest(at.config(configured(), 1), [stored]))


@refused("no index.json")
def a_pipe_as_an_index(at: Place) -> str:
    name = at.of()
    (at.layout / "index.json").unlink()
    os.mkfifo(at.layout / "index.json")
    return name


@refused("no index.json")
def a_folder_as_an_index(at: Place) -> str:
    (at.layout / "index.json").mkdir(parents=True)
    return "oci:app"


@refused("it is not a plain file")
def a_folder_as_a_manifest(at: Place) -> str:
    stored = at.image()
    at.stored(stored).unlink()
    at.stored(stored).mkdir()
    return at.tag(stored)


@refused("it is not a plain file")
def a_device_as_a_layer(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER)
    at.stored(stored).unlink()
    at.stored(stored).symlink_to("/dev/zero")
    return at.tag(at.manifest(at.config(configured(), 1), [stored]))


@refused("symbolic links")
def a_layer_as_a_link_to_itself(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER)
    at.stored(stored).unlink()
    at.stored(stored).symlink_to(at.stored(stored).name)
    return at.tag(at.manifest(at.config(configured(), 1), [stored]))


@refused("has not the size", opens=True)
def a_layer_as_a_link_outside(at: Place) -> str:
    stored = at.blob(tar(*BASE), LAYER)
    at.stored(stored).unlink()
    at.stored(stored).symlink_to(at.outside / "text")
    return at.tag(at.manifest(at.config(configured(), 1), [stored]))


@refused("another digest", opens=True)
def a_configuration_as_a_link_outside(at: Place) -> str:
    config = at.config(configured(), 0)
    at.stored(config).unlink()
    at.stored(config).symlink_to(at.outside / "text")
    return at.tag(at.manifest({**config, "size": (at.outside / "text").stat().st_size}, []))


@refused("index.json", opens=True)
def an_index_as_a_link_outside(at: Place) -> str:
    at.layout.mkdir()
    (at.layout / "index.json").symlink_to(at.outside / "index.json")
    return "oci:app"


@refused("`etc/passwd` is not there")
def layers_of_an_archive_outside(at: Place) -> str:
    return at.saved(layers=["../../../../etc/passwd"])


@refused("is not there")
def a_configuration_of_an_archive_outside(at: Place) -> str:
    return at.saved(config=str(at.outside / "text"))


@refused("is not there")
def a_configuration_of_an_archive_as_a_link_outside(at: Place) -> str:
    return at.saved(symlink("config.json", at.outwards("text")[1]))


@refused("is not there")
def layers_of_an_archive_as_links_outside(at: Place) -> str:
    return at.saved(symlink("layer.tar", at.outwards("text")[0]))


@refused("is not there")
def layers_of_an_archive_as_links_that_go_around(at: Place) -> str:
    return at.saved(symlink("a", "b"), symlink("b", "a"), symlink("layer.tar", "a"))


@refused("no manifest.json")
def an_archive_of_devices(at: Place) -> str:
    return at.archive(header("manifest.json", b"3"), header("config.json", b"6"), header("x/manifest.json", b"5"))


@refused(OUT)
def an_archive_whose_names_lead_out(at: Place) -> str:
    return at.saved(member("../../x", b"x"))


@refused("comes to another digest")
def an_archive_whose_layer_is_another(at: Place) -> str:
    return at.saved(member("layer.tar", b"".join(tar(*BASE, member("x")))))


@refused("manifest.json: ")
def an_archive_whose_list_is_none(at: Place) -> str:
    return at.archive(member("manifest.json", b'{"Config": "config.json"}'))


@refused("no image")
def an_archive_of_no_image(at: Place) -> str:
    return at.archive(member("manifest.json", b"[]"))


@refused("manifest.json has more than")
def an_archive_whose_list_has_1_gib(at: Place) -> str:
    name = at.archive(header("manifest.json", size=GIB))
    os.truncate(at.here / "app.tar", GIB + BLOCK)
    return name


@refused("it was cut")
def an_archive_that_is_cut_in_a_layer(at: Place) -> str:
    name = at.saved()
    os.truncate(at.here / "app.tar", (at.here / "app.tar").stat().st_size - 5 * BLOCK)
    return name


@refused("it was cut")
def an_archive_that_is_cut_behind_its_layers(at: Place) -> str:
    name = at.saved(header("x", size=MIB))
    os.truncate(at.here / "app.tar", (at.here / "app.tar").stat().st_size - BLOCK)
    return name


@refused("layer 1 of 1")
def an_archive_whose_list_is_a_layer(at: Place) -> str:
    return at.saved(layers=["manifest.json"])


@refused("the configuration: ")
def an_archive_whose_layer_is_a_configuration(at: Place) -> str:
    return at.saved(config="layer.tar")


@refused("it was cut")
def an_archive_with_a_file_of_8_eib(at: Place) -> str:
    return at.saved(header("x", size=b"\x80\0\0\0" + b"\x7f" + b"\xff" * 7))


@refused("too many files")
def an_archive_of_70000_files(at: Place) -> str:
    return at.saved([header(f"{number}") for number in range(70_000)])


@refused("decompress it first")
def an_archive_that_is_compressed(at: Place) -> str:
    return at.archive(squeezed(b"x"), kind="oci-archive")


@refused("is not there")
def an_archive_whose_name_of_a_configuration_is_long(at: Place) -> str:
    """It is not shown whole."""
    return at.saved(config="x" * (4 * MIB))


@refused("comes to another digest")
def one_layer_of_an_archive_200_times(at: Place) -> str:
    """1 GiB each, and refused at the first."""
    return at.saved(member("zeros.tar", b"".join(nearly_much())), layers=["zeros.tar"] * 200)


# What files of the image say of it.


@read()
def a_library_with_absurd_headers(at: Place) -> str:
    absurd = bytearray(elf())
    absurd[32:48] = b"\xff" * 16
    absurd[54:64] = b"\xff" * 10
    sections = bytearray(elf())
    sections[40:48] = struct.pack("<Q", 64)
    sections[58:64] = struct.pack("<HHH", 64, 0xFFFF, 1)
    # A section of each kind that is read, as long as numbers go: beyond the end, at the end, around the end.
    kinds = [(6, 1 << 63, 1 << 63), (11, 0, 1 << 40), (0x6FFFFFFE, 1 << 62, 7), (7, 64, 2 * GIB), (3, 1, (1 << 64) - 1)]
    table = b"".join(struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, start, size, 0, 0, 0, 0) for kind, start, size in kinds)
    broken = [bytes(absurd), bytes(sections) + table * 13107, bytes(sections) + table, elf()[:20], b"\x7fELF\x01\x02" + b"\xff" * 60, b"\x7fELF"]
    return at.over(*(member(f"opt/{number}/libjemalloc.so.2", data) for number, data in enumerate(broken)))


def sectioned(*sections: tuple[int, bytes, int, int]) -> bytes:
    """A library of sections: kind, what is in them, to which other one they lead, and their information."""
    head, data, table = bytearray(elf()), b"", bytes(64)
    for kind, what, link, info in sections:
        table += struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, 64 + len(data), len(what), link, info, 1, 0)
        data += what + bytes(-len(what) % 8)
    head[40:48] = struct.pack("<Q", 64 + len(data))
    head[58:64] = struct.pack("<HHH", 64, len(sections) + 1, 2)
    return bytes(head) + data + table


@read()
def a_library_that_needs_one_long_name_often(at: Place) -> str:
    """A hundred thousand names, each as long as the table: a million million bytes to be looked at."""
    library = sectioned((6, struct.pack("<QQ", 1, 1) * 100_000, 2, 0), (3, b"\0" + b"x" * (8 * MIB) + b"\0", 0, 0))
    return at.over(member("opt/libjemalloc.so.2", library))


@read()
def a_library_with_versions_that_go_around(at: Place) -> str:
    needs = struct.pack("<HHIII", 1, 0xFFFF, 1, 16, 0) + struct.pack("<QII", 0, 1, 16) * 4000
    library = sectioned((0x6FFFFFFE, needs, 2, 60000), (3, b"\0" + b"x" * (8 * MIB) + b"\0", 0, 0))
    return at.over(*(member(f"opt/{number}/libjemalloc.so.2", library) for number in range(10)))


@read()
def libraries_of_48_mib(at: Place) -> str:
    head = squeezed(header("opt/libjemalloc.so.2", size=48 * MIB) + elf() + bytes(16 * MIB - 64))
    return at.of(*(squeezed_tar([head], zeros(32 * MIB)) for _ in range(4)))


def allocators(count: int) -> list[bytes]:
    return [member(f"opt/{number}/libjemalloc.so.2", elf()) for number in range(count)]


@read()
def allocators_by_the_thousand(at: Place) -> str:
    """Of which the loader finds the last one alone."""
    return at.over(*allocators(3000))


@read()
def allocators_and_packages(at: Place) -> str:
    """3,000 of them against 300,000."""
    packages = b"".join(b"Package: a%d\n\n" % number for number in range(300_000))
    return at.over(*allocators(3000), member("var/lib/dpkg/status", packages))


@read()
def allocators_and_names_that_are_preloaded(at: Place) -> str:
    """3,000 of them against 8,000."""
    preload = ":".join(f"/x/{number}" for number in range(8000))
    return at.over(*allocators(3000), config=configured(Env=[*ENV, "LD_PRELOAD=libjemalloc.so.2:" + preload]))


@read()
def libraries_that_need_much(at: Place) -> str:
    names = b"\0" + b"".join(b"lib%d.so\0" % number for number in range(1024))
    starts = [place + 1 for place, byte in enumerate(names[:-1]) if not byte]
    needed = b"".join(struct.pack("<QQ", 1, start) for start in starts)
    library = sectioned((6, needed, 2, 0), (3, names, 0, 0))
    folders = "".join(f"/d{number}\n" for number in range(1000))
    return at.over(*(member(f"opt/{number}/libjemalloc.so.2", library) for number in range(100)), member("etc/ld.so.conf", folders.encode()))


@read()
def a_configuration_of_the_loader_that_includes_itself(at: Place) -> str:
    text = b"include /etc/ld.so.conf\ninclude ld.so.conf\ninclude *\ninclude ../etc/ld.*\ninclude /etc/ld.so.conf.d/*.conf\n"
    return at.over(member("etc/ld.so.conf", text), member("etc/ld.so.conf.d/x.conf", text), member("etc/other.conf", text))


@read()
def a_configuration_of_the_loader_that_includes_much(at: Place) -> str:
    """5,000 times the same 2,000 files."""
    text = b"include ld.so.conf.d/*\n" * 5000
    return at.over(member("etc/ld.so.conf", text), *(member(f"etc/ld.so.conf.d/{number}.conf", b"/x\n") for number in range(2000)))


@read()
def a_configuration_of_the_loader_of_200000_folders(at: Place) -> str:
    return at.over(member("etc/ld.so.conf", b"".join(b"/d%d\n" % number for number in range(200_000))))


@read()
def a_list_of_packages_of_17_mib(at: Place) -> str:
    """Larger than any: as if it were not there."""
    return at.over(member("var/lib/dpkg/status.d/x", b"Package: x\nVersion: 1\n\n" * 750_000))


@read()
def a_list_of_packages_of_one_paragraph(at: Place) -> str:
    return at.over(member("var/lib/dpkg/status.d/x", b"X: y\n" * 3_000_000))


@read()
def a_release_of_1_gib(at: Place) -> str:
    return at.of(squeezed_tar(header("usr/lib/os-release", size=GIB - 16 * MIB), zeros(GIB - 16 * MIB)))


@read()
def a_release_60_times(at: Place) -> str:
    """The same name again and again, 16 MiB each: the last one counts, and no other is kept."""
    huge = [squeezed(header("usr/lib/os-release", size=16 * MIB)), ZEROS]
    return at.of(squeezed_tar(huge * 60, BASE[2]))


@refused("more of its packages than any system")
def lists_of_packages_60_times(at: Place) -> str:
    """Together they are more than anybody keeps."""
    lists = [part for number in range(60) for part in (squeezed(header(f"var/lib/dpkg/status.d/{number}", size=16 * MIB)), ZEROS)]
    return at.of(squeezed_tar(lists))


@read()
def a_script_of_1_gib(at: Place) -> str:
    begin = header("start.sh", size=GIB - 32 * MIB) + b'#!/bin/sh\nexec "$@"\n'.ljust(16 * MIB, b"\n")
    return at.of(squeezed_tar(begin, zeros(GIB - 48 * MIB)), config=started())


@read("/env:1:31: warning[glibc-tunable-dead]")
def a_source_that_is_there_twice(at: Place) -> str:
    """The last one counts."""
    sources = [member("env", b"#\n#\nexport MALLOC_TRIM_THRESHOLD_=1\n"), member("env", b"export MALLOC_TRIM_THRESHOLD_=1\n")]
    return at.over(member("start.sh", b'#!/bin/sh\n. /env\nexec "$@"\n'), *sources, config=started())


@read()
def scripts_that_read_each_other(at: Place) -> str:
    text = '#!/bin/sh\n. /{0}.sh\n. ./{0}.sh\n. /start.sh\nexec /{0}.sh "$@"\n'
    scripts = [member(f"{name}.sh", text.format(other).encode()) for name, other in ("ab", "bc", "ca")]
    return at.over(member("start.sh", b'#!/bin/sh\n. /a.sh\nexec /b.sh "$@"\n'), *scripts, config=started())


@read()
def scripts_that_fan_out(at: Place) -> str:
    """Each reads the next one ten times."""
    scripts = [member(f"{number}.sh", b"#!/bin/sh\n" + b". /%d.sh\n" % (number + 1) * 10) for number in range(12)]
    return at.over(member("start.sh", b'#!/bin/sh\n. /0.sh\nexec "$@"\n'), *scripts, member("12.sh", b"export A=1\n"), config=started())


@read()
def a_command_of_many_brackets(at: Place) -> str:
    return at.of(config=configured(Cmd=["sh", "-c", "(" * 100_000 + "{ $(`" * 50_000]))


@read()
def a_script_of_many_brackets(at: Place) -> str:
    text = b"#!/bin/sh\n" + b"if $( ( {" * 20_000 + b"\n"
    return at.over(member("start.sh", text), config=started())


@refused("the configuration")
def a_configuration_of_a_million_variables(at: Place) -> str:
    """No kernel starts anything with them: they are more than ARG_MAX."""
    return at.of(config=configured(Env=["A=b"] * 1_000_000 + ENV))


@refused("the configuration")
def a_command_of_a_million_words(at: Place) -> str:
    return at.of(config=configured(Cmd=["a"] * 1_000_000))


# The run.


class Watch:
    """Who opens or reads what lies in a folder, as the kernel tells it."""

    OPENED = 0x1 | 0x20

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        # Not waiting, and not inherited.
        self.handle = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.handle < 0 or libc.inotify_add_watch(self.handle, bytes(folder), self.OPENED) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def close(self) -> bool:
        """Whether anybody did."""
        try:
            return bool(os.read(self.handle, 4096))
        except BlockingIOError:
            return False
        finally:
            os.close(self.handle)


@dataclass
class Run:
    """What came out."""

    code: int
    out: bytes
    err: bytes
    seconds: float
    memory: int
    is_late: bool


def run(command: list[str], place: Place, timeout: float) -> Run:
    # With more threads it would take more memory.
    environment = {"HOME": str(place.home), "PATH": "/usr/bin:/bin", "RAYON_NUM_THREADS": "2"}
    begun, late = time.monotonic(), threading.Event()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, cwd=place.here, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

        def end() -> None:
            late.set()
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, end)
        timer.start()
        # It has the peak of this very process.
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Run(child.returncode, out.read(64 * MIB), err.read(64 * MIB), time.monotonic() - begun, used.ru_maxrss * KIB, late.is_set())


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder: sizes, and when it was changed."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in [folder, *folder.rglob("*")]}


TURNS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_order(char: str) -> bool:
    """Whether a terminal would do something at it: controls, and what turns a line around or ends it."""
    return (char != "\n" and unicodedata.category(char) in {"Cc", "Zl", "Zp"}) or char in TURNS


def wrong(case: Case, name: str, seen: Run, was_opened: bool, was_written: bool) -> list[str]:
    """What is not as it should be."""
    text, told = seen.out.decode(errors="replace"), seen.err.decode(errors="replace")
    both, lines = text + told, told.splitlines()
    found = [line for line in text.splitlines() if line.startswith(name)]
    good = [line for line in text.splitlines() if line.startswith(f"{GOOD}:") and FOUND in line]
    # What is found in the good image is not nothing.
    code = 1 if case.refused is None else 2
    faults = [
        (f"{seen.memory // MIB} MiB of memory, not {case.memory // MIB}", seen.memory > case.memory),
        ("what lies outside was opened", was_opened and not case.opens),
        ("something was written", was_written),
        ("what lies outside is shown", CANARY in both or "root:x:0" in both),
        ("orders to a terminal or a runner", any(map(is_order, both)) or "##vso[" in both or any(line.lstrip().startswith("::") for line in both.splitlines())),
        ("a line of more than 4 KiB", any(len(line) > LINE for line in both.splitlines())),
    ]
    if seen.is_late:
        faults.append((f"no end in {seen.seconds:.0f} s", True))
    elif seen.code not in {0, 1, 2} or "panicked" in told:
        faults.append((f"it broke down with {seen.code}: {told[:300]!r}", True))
    else:
        faults += [
            (f"exit code {seen.code}, not {code}", seen.code != code),
            ("the good image beside it is not judged", len(good) != 1),
        ]
        if case.refused is None:
            as_expected = any(case.found in line for line in found) if case.found else not found
            faults += [
                (f"it is refused: {told[:300]!r}", bool(lines)),
                (f"found {[line[:200] for line in found[:3]]}, not {case.found or 'nothing'}", not as_expected and not lines),
            ]
        else:
            faults += [
                (f"not one line says why: {told[:300]!r}", len(lines) != 1 or not told.startswith(f"malloclint: {name}: ")),
                (f"`{case.refused}` is not in: {told[:300]!r}", bool(lines) and case.refused not in told),
                ("something is found in it", bool(found)),
            ]
    return [what for what, is_so in faults if is_so]


# Beside each of them the same command has this image.
GOOD = "oci:good:1"


def build(name: str, folder: Path) -> str:
    """Writes an image in a process of its own: what a process had of memory counts for those that it starts."""
    made = next(case for case in CASES if case.name == name).make(Place(folder).prepare())
    (folder / "here" / "good").symlink_to(folder.parent / "good" / "here" / "app")
    return made


def judge(case: Case, building: Future[str], options: argparse.Namespace, folder: Path) -> tuple[Run, list[str]]:
    name, place = building.result(), Place(folder)
    before = tree(folder)
    watch = Watch(place.outside)
    seen = run([str(options.malloclint), "image", "check", "--isolated", "--format", "concise", name, GOOD], place, options.timeout)
    was_opened = watch.close()
    faults = wrong(case, name, seen, was_opened, tree(folder) != before)
    shutil.rmtree(folder)
    return seen, faults


def main() -> int:
    options = _options()
    if not options.malloclint.is_file():
        print(f"error: {options.malloclint} is not there: build it first")
        return 2
    # What the program may have of addresses it has from this one.
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    cases = [case for case in CASES if not options.only or case.name in options.only]
    failed, slowest, largest = 0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="hostile-") as name, ProcessPoolExecutor(AT_A_TIME) as builders, ThreadPoolExecutor(AT_A_TIME) as runners:
        folder = Path(name)
        Place(folder / "good").prepare().of()
        buildings = [builders.submit(build, case.name, folder / case.name) for case in cases]
        judgements = [runners.submit(judge, case, building, options, folder / case.name) for case, building in zip(cases, buildings)]
        for case, judgement in zip(cases, judgements):
            seen, faults = judgement.result()
            failed += bool(faults)
            slowest, largest = max(slowest, seen.seconds), max(largest, seen.memory)
            if faults:
                print(f"{case.name}: {'; '.join(faults)}", flush=True)
            if options.verbose:
                print(f"  {case.name}: {seen.code}, {seen.seconds:.1f} s, {seen.memory // MIB} MiB: {(seen.err or seen.out)[:200]!r}", flush=True)
    print(f"at most {slowest:.1f} s and {largest // MIB} MiB")
    said = f"{failed} of {len(cases)} hostile images: not" if failed else f"{len(cases)} hostile images: all refused or read"
    print(f"{said} as they should be")
    return int(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--malloclint", type=lambda path: Path(path).resolve(), default=ROOT / "target" / "debug" / "malloclint", help="the program under test")
    parser.add_argument("--only", metavar="NAME", action="append", choices=[case.name for case in CASES], help="this case; may be given several times")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=60, help="for each of them")
    parser.add_argument("--verbose", action="store_true", help="what came of each of them")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
