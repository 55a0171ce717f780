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
    "conf kept", "absolute path", "hook as here-document", "hook as one RUN", "CRLF", "byte order mark", "escape directive", "entrypoint", "Debian 13",
    "two platforms", "init container", "tune --docker", "memory at rest", "reference kept", "shared stage", "stage for developers", "needs one thread",
    "breaks of a preload", "gains rights", "replaced at start", "refused",
}


@dataclass
class Program:
    """Run in the image after the fix. With an environment added, it is the proof that the fix is right to keep that away."""

    run: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    # A signal ends it. Not always the one seen elsewhere: abort() ends a container's first process only by what follows its SIGABRT.
    dies: bool = False
    # What it prints.
    says: str = ""
    # The loader complains.
    complains: bool = False
    # Also where it is emulated: there no program gains rights.
    emulated: bool = True


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
    # The form in which the fixed file holds the thread hook (hook.py).
    hook: str | None = None
    # How the image's Python is started; what stands before it is the image's entrypoint where `entrypoint` says so.
    python: list[str] = field(default_factory=lambda: ["python3"])
    entrypoint: bool = False
    # The name of the image that it stands on, which is made of the folder `base`: malloclint knows nothing of it.
    base: str | None = None
    # Its packages are in the large repository.
    large: bool = False
    # `fix` says why, in these words, and changes nothing. Where these settings are made all the same, Python runs on `after`.
    refused: str | None = None
    forced: dict[str, str] = field(default_factory=dict)
    # One line is changed where it stands, and no other.
    in_place: bool = False
    # The loader complains in steps of the build before, and in none after.
    quiet: bool = False
    # LD_PRELOAD as it is afterwards.
    preload: str | None = None
    # Stages that are built, too: each of them runs on `after`.
    targets: list[str] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
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


def choose(cases: list[Case], arch: str, only: list[str], whole: bool) -> list[Case]:
    """What is to be proved on an architecture: cases by their names, all, or the sample."""
    here = [case for case in cases if arch in case.platforms]
    if only:
        return [case for case in here if case.name in only]
    return here if whole else [case for case in here if arch in case.sample]


def check_sample(cases: list[Case]) -> None:
    """Nothing that `fix` does may drop out of the sample unseen."""
    shown = {kind for case in cases if case.sample for kind in case.shows}
    strange = shown - KINDS | {case.name for case in cases if not set(case.sample) <= set(case.platforms)}
    if shown != KINDS or strange:
        raise SystemExit(f"error: the sample does not show: {sorted(KINDS - shown)}; it has what is not known: {sorted(strange)}")


def _read(folder: Path) -> Case:
    try:
        told = json.loads((folder / "case.json").read_text())
        programs = [Program(**program) for program in told.pop("programs", [])]
        return Case(name=folder.name, programs=programs, **told)
    except (TypeError, ValueError) as error:
        raise SystemExit(f"error: {folder.name}/case.json: {error}") from error
