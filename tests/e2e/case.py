"""The cases: a folder each, with a Dockerfile, what it copies, and `case.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"


@dataclass
class Case:
    """What is expected of a Dockerfile before and after it is fixed."""

    name: str
    about: str
    seen: str
    before: dict
    platforms: list[str]
    after: str = "jemalloc"
    args: list[str] = field(default_factory=list)
    # Parts of LD_PRELOAD that must survive.
    keep: list[str] = field(default_factory=list)
    # MALLOC_CONF, where the Dockerfile's own must survive; empty where nothing asks for one. Else any that is set will do.
    conf: str | None = None
    # Children that its Python forks have jemalloc's background thread afterwards.
    forked: bool = False
    # How the image's Python is started; what stands before it is the image's entrypoint where `entrypoint` says so.
    python: list[str] = field(default_factory=lambda: ["python3"])
    entrypoint: bool = False
    source: Path | None = None

    @property
    def folder(self) -> Path:
        return self.source or FOLDER / self.name

    def expected(self, arch: str) -> dict:
        """What holds before the fix; `arm64` inside it is what differs there."""
        return {**self.before, **self.before.get(arch, {})}


def load(only: str | None, platform: str | None) -> list[tuple[Case, str]]:
    """Each case with each of its platforms, amd64 first."""
    cases = [_read(folder) for folder in sorted(FOLDER.iterdir()) if (folder / "case.json").exists()]
    pairs = [(case, arch) for arch in ("amd64", "arm64") for case in cases if arch in case.platforms]
    return [(case, arch) for case, arch in pairs if only in (None, case.name) and platform in (None, arch)]


def _read(folder: Path) -> Case:
    try:
        return Case(name=folder.name, **json.loads((folder / "case.json").read_text()))
    except (TypeError, ValueError) as error:
        raise SystemExit(f"error: {folder.name}/case.json: {error}") from error
