"""Layers by the hundreds, made by chance: libraries come, go, move behind links, and are hidden, in every way that the format of layers has."""

from __future__ import annotations

import io
import random
import tarfile
from dataclasses import dataclass, field

import archive

# Folders that nothing takes away as a whole, and such that come and go.
STEADY = ["usr/lib", "usr/lib/x86_64-linux-gnu", "usr/local/lib"]
# Longer than what the header of an entry holds.
LONG = "opt/" + "/".join(["a-folder-with-a-name-of-some-length"] * 5)
FOLDERS = [LONG, "opt/app/lib", "opt/app/lib/deep/below", "opt/app/other", "opt/lib", "srv/one/lib", "srv/one/two/lib", "srv/one/two/three/lib"]
FOLDERS += ["home/app/.venv/lib", "var/lib/app"]
NAMES = ["libjemalloc.so.2", "libjemalloc.so.1", "libjemalloc.so", "libjemalloc-5.so", "libjemalloc_own.so.2"]
PATHS = [f"{folder}/{name}" for folder in STEADY + FOLDERS for name in NAMES]
# What another name of the same file ends in.
SAME = ".0"


@dataclass
class Contents:
    """What a library may be: one that the loader takes, one of another architecture, and none."""

    right: bytes
    foreign: bytes
    none: bytes = b"not a library\n"

    def any(self, dice: random.Random) -> bytes:
        return dice.choices([self.right, self.foreign, self.none], [6, 1, 1])[0]


@dataclass
class Layer:
    """The entries of one layer, in the order in which they are written."""

    dice: random.Random
    entries: list[tuple[tarfile.TarInfo, bytes]] = field(default_factory=list)

    def add(self, path: str, content: bytes = b"", **said: object) -> None:
        entry = archive.entry(path, size=len(content), **said)
        self.entries.append((entry, content))

    def folder(self, path: str) -> None:
        if all(entry.name != path for entry, _ in self.entries):
            self.add(path, type=tarfile.DIRTYPE)

    def archive(self) -> bytes:
        """As one of the tools that there are writes it."""
        dots = self.dice.choice(["", "./"])
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=self.dice.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])) as tar:
            for entry, content in self.entries:
                entry.name = dots + entry.name
                if entry.type == tarfile.LNKTYPE:
                    entry.linkname = dots + entry.linkname
                tar.addfile(entry, io.BytesIO(content))
        return packed.getvalue()


class Chance:
    """Makes one layer after the other. It knows what is there only as well as it needs to: that is for others to tell."""

    def __init__(self, seed: int, contents: Contents, strange: bool) -> None:
        """`strange`: also what dockerd does not take, or takes otherwise: what a layer changes behind the links of those below."""
        self._strange = strange
        self._dice = random.Random(seed)
        self._contents = contents
        # All that was ever there.
        self.made: set[str] = set()
        self._there: set[str] = set()
        # Folders that are links, with what they lead to.
        self._links: dict[str, str] = {}

    def layer(self, files: dict[str, bytes]) -> bytes:
        """Those files, and some changes, which do not touch what another one of the same layer did: so no two tools can see them in another order."""
        layer = Layer(self._dice)
        for path, content in files.items():
            layer.add(path, content)
        touched: list[str] = []
        for _ in range(self._dice.randint(4, 10)):
            change, path = self._choose()
            real = self._real(path).removesuffix(SAME)
            if not any(_meet(real, other) for other in touched) and (self._strange or real == path.removesuffix(SAME)):
                touched.append(real)
                change(layer, path)
        if not layer.entries:
            layer.folder("tmp")
        return layer.archive()

    def _choose(self):
        file = self._dice.choice(PATHS)
        folder = self._dice.choice(FOLDERS)
        there = self._dice.choice(sorted(self._there)) if self._there else file
        changes = [(self._put, file, 16), (self._take, there, 5), (self._take_folder, folder, 1), (self._empty, folder, 1), (self._empty_and_fill, folder, 1)]
        changes += [(self._link, file, 2), (self._twice, file, 1), (self._turn, file, 1), (self._link_folder, folder, 1), (self._unlink_folder, folder, 1)]
        changes += [(self._hard, file, 1), (self._replace, there, 2)]
        chosen = self._dice.choices(changes, [weight for _, _, weight in changes])[0]
        return chosen[0], chosen[1]

    def _put(self, layer: Layer, path: str) -> None:
        """Often the folders above have entries of their own."""
        if self._dice.random() < 0.5:
            self._above(layer, path)
        layer.add(path, self._contents.any(self._dice))
        self._make(path)

    def _above(self, layer: Layer, path: str) -> None:
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            above = "/".join(parts[:depth])
            if above not in self._links:
                layer.folder(above)

    def _take(self, layer: Layer, path: str) -> None:
        folder, _, name = path.rpartition("/")
        layer.add(f"{folder}/.wh.{name}")
        self._there.discard(self._real(path))

    def _take_folder(self, layer: Layer, path: str) -> None:
        self._take(layer, path)
        self._forget(path)

    def _empty(self, layer: Layer, path: str) -> None:
        """An opaque folder."""
        if path in self._links:
            return
        layer.folder(path)
        layer.add(f"{path}/.wh..wh..opq")
        self._forget(path)

    def _empty_and_fill(self, layer: Layer, path: str) -> None:
        """What is filled in stays, on whichever side of the mark it stands."""
        if path in self._links:
            return
        layer.folder(path)
        self._forget(path)
        before = self._dice.random() < 0.5
        name = self._dice.choice(NAMES)
        if before:
            self._fill(layer, f"{path}/{name}")
        layer.add(f"{path}/.wh..wh..opq")
        if not before:
            self._fill(layer, f"{path}/{name}")

    def _fill(self, layer: Layer, path: str) -> None:
        layer.add(path, self._contents.any(self._dice))
        self._make(path)

    def _link(self, layer: Layer, path: str) -> None:
        target = self._dice.choice(PATHS)
        if self._dice.random() < 0.5:
            target = "/" + target
        else:
            target = "../" * path.count("/") + target
        layer.add(path, type=tarfile.SYMTYPE, linkname=target)
        self._make(path)

    def _twice(self, layer: Layer, path: str) -> None:
        for _ in range(2 if self._strange else 1):
            layer.add(path, self._contents.any(self._dice))
        self._make(path)

    def _replace(self, layer: Layer, path: str) -> None:
        """Taken and put in one layer: what is put stays, in whatever order they stand there."""
        late = self._strange and self._dice.random() < 0.5
        if not late:
            self._take(layer, path)
        self._put(layer, path)
        if late:
            self._take(layer, path)
        self._make(path)

    def _turn(self, layer: Layer, path: str) -> None:
        """A folder under the name of a library, with one in it."""
        layer.folder(path)
        layer.add(f"{path}/{NAMES[0]}", self._contents.right)
        self._make(f"{path}/{NAMES[0]}")

    def _link_folder(self, layer: Layer, path: str) -> None:
        self._forget(path)
        target = self._dice.choice(STEADY)
        layer.add(path, type=tarfile.SYMTYPE, linkname="/" + target if self._dice.random() < 0.5 else "../" * path.count("/") + target)
        self._links[path] = target

    def _unlink_folder(self, layer: Layer, path: str) -> None:
        """A folder in the place of a link, or just the folder."""
        layer.folder(path)
        layer.add(f"{path}/{NAMES[0]}", self._contents.any(self._dice))
        self._make(f"{path}/{NAMES[0]}")
        self._links.pop(path, None)

    def _hard(self, layer: Layer, path: str) -> None:
        layer.add(path, self._contents.any(self._dice))
        other = f"{path}{SAME}"
        layer.add(other, type=tarfile.LNKTYPE, linkname=path)
        self._make(path, other)

    def _make(self, *paths: str) -> None:
        """Nothing lies below a file."""
        for path in paths:
            self._forget(self._real(path))
            self._there.add(self._real(path))
            self.made.update([path, self._real(path)])

    def _forget(self, folder: str) -> None:
        self._there = {path for path in self._there if not path.startswith(folder + "/")}
        self._links = {path: target for path, target in self._links.items() if not path.startswith(folder + "/")}

    def _real(self, path: str) -> str:
        """Where it is behind the links of its folders, all of which lead to folders that stay."""
        for link, target in self._links.items():
            if path.startswith(link + "/"):
                return target + path[len(link) :]
        return path


def _meet(one: str, other: str) -> bool:
    """Whether one lies in the other."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")
