"""What is to be measured: programs, candidates, and which of them fit together here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CANDIDATES = HERE / "candidates.toml"
PARTS = HERE / "parts.toml"
PROFILES = HERE.parents[1] / "templates" / "malloc-conf.toml"


@dataclass(frozen=True)
class Program:
    name: str
    about: str
    model: str
    load: str
    command: list[str]
    clients: int
    burst: int
    # The burst of a service whose answers are small; none where it has no such size.
    small: int | None = None

    def requests(self, size: str) -> int:
        """How many heavy requests a burst has: the larger the answers, the fewer."""
        if size == "heavy" or self.small is None:
            return self.burst
        if size == "small":
            return self.small
        least, doublings = map(int, size.split("x"))
        return max(self.burst, min(self.small, self.small * 200 // (least << doublings)))


@dataclass(frozen=True)
class Candidate:
    name: str
    about: str
    env: dict[str, str] = field(default_factory=dict)
    preload: str | None = None
    # The goal of the profile that is taken from templates/malloc-conf.toml.
    profile: str | None = None
    hook: bool = False
    # The least Python that knows the setting.
    python: str | None = None
    source: str | None = None
    # The library's path, once it is there.
    library: Path | None = None

    def environment(self) -> dict[str, str]:
        return {**self.env, **({"LD_PRELOAD": str(self.library)} if self.library else {})}


@dataclass(frozen=True)
class Part:
    """What is measured together."""

    name: str
    about: str
    # `rest`, or `growth`.
    kind: str
    sizes: list[str]
    programs: list[str]
    candidates: list[str]
    rounds: int
    at_once: int
    fresh: bool


def parts() -> dict[str, Part]:
    return {name: Part(name=name, **rest) for name, rest in tomllib.loads(PARTS.read_text()).items()}


def programs() -> list[Program]:
    return [Program(name=name, **rest) for name, rest in tomllib.loads((HERE / "programs.toml").read_text()).items()]


def candidates(file: Path = CANDIDATES) -> list[Candidate]:
    return [Candidate(**rest) for rest in tomllib.loads(file.read_text())["candidate"]]


def packages() -> dict[str, list[str]]:
    return tomllib.loads(CANDIDATES.read_text())["packages"]


def profile(model: str, goal: str, hook: bool, version: str) -> str | None:
    """The value that `fix` sets: the first profile that fits."""
    for entry in tomllib.loads(PROFILES.read_text())["profile"]:
        wanted = entry.get("goal", "balanced") == goal and entry.get("thread", False) == hook
        if wanted and entry.get("model", model) == model and _numbers(entry["from"]) <= _numbers(version) < _numbers(entry.get("below", "99")):
            return entry["value"]
    return None


def unfit(program: Program, candidate: Candidate, python: str) -> str | None:
    """Why a pair is not measured."""
    if candidate.python and _numbers(python) < _numbers(candidate.python):
        return f"it needs Python {candidate.python}, and this is {python}"
    return None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.replace("-", ".").split(".") if part.isdigit()]
