"""The cases: a folder each, with a Dockerfile, what it copies, and `case.json`. And the sample of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"

# What `fix` does, and what it has to read: the sample shows each of them at least once. A case of the sample says in
# `shows` which; it was taken where it shows most, and on arm64 where the file names an architecture, or its path is asked for.
KINDS = {
    "new RUN", "joins a RUN", "sorted list", "heredoc", "cache mounts", "multi-stage", "stage of a stage", "copied library",
    "distroless", "user switch", "install as non-root", "new ENV", "joins ENV", "old ENV", "preload fixed", "preload kept",
    "conf kept", "absolute path", "hook", "CRLF", "byte order mark", "escape directive", "entrypoint", "Debian 13",
    "two platforms", "init container", "memory at rest",
}


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
    # The platforms on which it belongs to the sample, and what it shows there.
    sample: list[str] = field(default_factory=list)
    shows: list[str] = field(default_factory=list)
    source: Path | None = None

    @property
    def folder(self) -> Path:
        return self.source or FOLDER / self.name

    def expected(self, arch: str) -> dict:
        """What holds before the fix; `arm64` inside it is what differs there."""
        return {**self.before, **self.before.get(arch, {})}


def load() -> list[Case]:
    """All that have a folder here."""
    return [_read(folder) for folder in sorted(FOLDER.iterdir()) if (folder / "case.json").exists()]


def choose(cases: list[Case], arch: str, only: str | None, whole: bool) -> list[Case]:
    """What is to be proved on an architecture: one case by its name, all, or the sample."""
    here = [case for case in cases if arch in case.platforms]
    if only is not None:
        return [case for case in here if case.name == only]
    return here if whole else [case for case in here if arch in case.sample]


def check_sample(cases: list[Case]) -> None:
    """Nothing that `fix` does may drop out of the sample unseen."""
    shown = {kind for case in cases if case.sample for kind in case.shows}
    strange = shown - KINDS | {case.name for case in cases if not set(case.sample) <= set(case.platforms)}
    if shown != KINDS or strange:
        raise SystemExit(f"error: the sample does not show: {sorted(KINDS - shown)}; it has what is not known: {sorted(strange)}")


def _read(folder: Path) -> Case:
    try:
        return Case(name=folder.name, **json.loads((folder / "case.json").read_text()))
    except (TypeError, ValueError) as error:
        raise SystemExit(f"error: {folder.name}/case.json: {error}") from error
