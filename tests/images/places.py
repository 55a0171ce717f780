"""Every place that an image can be in, each made by the program that users have for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator

from tools import Tools

# By the names of variants.
References = dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where the variants of a subject are, and what whoever asks for them is told."""

    name: str
    references: References
    environment: dict[str, str] = field(default_factory=dict)
    # What starts the program there.
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Saved:
    """What `docker save` wrote: all variants of a subject, by their names there."""

    archive: Path
    images: dict[str, str]

    def references(self) -> References:
        return {variant: f"docker-archive:{self.archive}:{image}" for variant, image in self.images.items()}


class Maker:
    """Brings what was saved to all other places on the disk."""

    def __init__(self, tools: Tools, saved: Saved, folder: Path) -> None:
        self.saved = saved
        self._tools, self._folder = tools, folder
        self.layout = folder / "skopeo"

    def fill(self) -> None:
        """The layout that others start from."""
        if not self.layout.exists():
            self._skopeo_layout()

    def places(self) -> Iterator[Place]:
        yield Place("docker save, docker-archive", self.saved.references())
        yield self._skopeo_layout()
        yield from (self._by_skopeo(kind) for kind in ("oci-archive", "docker-archive"))
        yield self._zstd()
        yield self._umoci()
        yield from self._buildah()

    def _each(self, copy: Callable[[str, str], str]) -> References:
        """`copy`: given a variant and where it is, brings it to a new place."""
        return {variant: copy(variant, source) for variant, source in self.saved.references().items()}

    def _skopeo_layout(self) -> Place:
        def copy(variant: str, source: str) -> str:
            self._tools.skopeo(source, f"oci:{self.layout}:{variant}")
            return f"oci:{self.layout}:{variant}"

        return Place("skopeo, oci", self._each(copy))

    def _by_skopeo(self, kind: str) -> Place:
        def copy(variant: str, _source: str) -> str:
            target = f"{kind}:{self._folder}/skopeo-{kind}-{variant}.tar"
            self._tools.skopeo(f"oci:{self.layout}:{variant}", f"{target}:localhost/copied:{variant}")
            return target

        return Place(f"skopeo, {kind}", self._each(copy))

    def _zstd(self) -> Place:
        layout = self._folder / "zstd"

        def copy(variant: str, source: str) -> str:
            self._tools.skopeo(source, f"oci:{layout}:{variant}", "--dest-compress-format=zstd")
            return f"oci:{layout}:{variant}"

        return Place("skopeo, oci, zstd", self._each(copy))

    def _umoci(self) -> Place:
        target = self._folder / "umoci"

        def copy(variant: str, _source: str) -> str:
            self._tools.repack(self.layout, variant, target, self._folder / f"umoci-{variant}")
            return f"oci:{target}:{variant}"

        return Place("umoci, oci", self._each(copy))

    def _buildah(self) -> Iterator[Place]:
        """It writes everything from a store of its own."""
        images = self._each(lambda _variant, source: self._tools.pull(source))
        for kind in ("oci", "oci-archive", "docker-archive"):
            ending = "" if kind == "oci" else ".tar"
            references = {}
            for variant, image in images.items():
                target = f"{kind}:{self._folder}/buildah-{kind}{'' if kind == 'oci' else '-' + variant}{ending}"
                name = f"localhost/pushed:{variant}" if kind == "docker-archive" else variant
                self._tools.push(image, f"{target}:{name}")
                references[variant] = f"{target}:{variant}" if kind == "oci" else target
            yield Place(f"buildah, {kind}", references)
