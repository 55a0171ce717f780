"""What `malloclint inspect` says of a target, held against what its allocators say there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from subject import Subject

KIB = 1 << 10
# What describes an arena, and what it begins with: glibc counts that as in use.
ARENA = 2304
# Beyond the blocks that `manythreads` leaves in the caches of its threads: what Python does to begin and end in each of them.
CACHED_BESIDES = 8 * KIB


@dataclass(frozen=True)
class Trial:
    """A shape under an allocator; `verdict` is the one it has to be, where only one is right, and `says` is in what it says of settings."""

    name: str
    shape: str
    verdict: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ("MALLOC_ARENA_MAX unlimited:", "drifting")
    # It runs where memory is short: of files nothing is in memory but what was used just now.
    cold: bool = False

    def jemalloc(self) -> bool:
        return "LD_PRELOAD" in self.variables


@dataclass(frozen=True)
class Figure:
    """A figure, and between what it has to be: `low` and `high` differ only where nobody says it exactly."""

    name: str
    found: float
    low: float
    high: float
    share: float
    slack: float

    def off(self) -> float:
        """By how much it lies outside, signed."""
        return max(self.found - self.high, 0.0) + min(self.found - self.low, 0.0)

    def is_right(self) -> bool:
        return abs(self.off()) <= self.share * abs(self.high) + self.slack

    def text(self) -> str:
        if self.slack == 0 and self.share == 0:
            return f"{self.name} {self.found:g}" if self.is_right() else f"{self.name} {self.found:g} (not {self.high:g})!"
        percent = self.off() * 100 / max(abs(self.high), 1.0)
        if self.is_right():
            # Of what is next to nothing a share says nothing.
            return f"{self.name} {percent:+.2f}" if abs(percent) < 10 else f"{self.name} ~0"
        return f"{self.name} {percent:+.2f} ({self.found / KIB:.0f} not {self.high / KIB:.0f} KiB)!"


@dataclass(frozen=True)
class Outcome:
    """What one target came to."""

    versions: str
    figures: list[Figure]
    verdict: str
    wrong: list[str]
    # What was found, for those who look for the reason.
    found: str = ""

    def passed(self) -> bool:
        return not self.wrong and all(figure.is_right() for figure in self.figures)


def exact(name: str, found: float, said: float) -> Figure:
    return Figure(name, found, said, said, 0.0, 0.0)


def near(name: str, found: float, said: float, share: float = 0.005, slack: float = 64 * KIB) -> Figure:
    return Figure(name, found, said, said, share, slack)


def compare(subject: Subject, malloclint: Path, trial: Trial) -> Outcome:
    """Asks both. What changes the target comes last."""
    subject.settle()
    if trial.cold:
        subject.cool()
    found = subject.inspect(malloclint)
    refused = found["verdict"] == "unknown" and bool(found["reason"])
    wrong = list(_wrong(subject, found, trial, refused))
    if trial.jemalloc():
        figures = [*_jemalloc(subject, found), *_pymalloc(subject, found)]
    else:
        # To ask glibc takes objects, for which there may be need of another arena of Python's.
        figures = list(_pymalloc(subject, found))
        # What is not explained is what is left. The kernel's counters are behind by up to 64 pages for each kind and processor.
        counters = 3 * 64 * 4 * KIB
        figures.append(near("sum", sum(found["memory"].values()) - found["checks"]["untouched"], found["rss"], slack=counters))
        figures = [*_glibc(subject, found), *figures]
    known = subject.known
    reason = f" ({found['reason']})" if refused else ""
    return Outcome(f"glibc {known['glibc']}, Python {known['python']}", figures, found["verdict"] + reason, wrong, f"{found['rss']} {found['memory']} {found['checks']}")


def _wrong(subject: Subject, found: dict[str, Any], trial: Trial, refused: bool) -> Iterator[str]:
    """What is no matter of degree."""
    known, allocator, jemalloc = subject.known, found["allocator"], trial.jemalloc()
    if allocator["name"] != ("jemalloc" if jemalloc else "glibc"):
        yield f"allocator {allocator['name']}"
    if not jemalloc and not refused and allocator["glibc"] != known["glibc"]:
        yield f"glibc {allocator['glibc']}"
    if found["python"] != known["python"].rpartition(".")[0]:
        yield f"Python {found['python']}"
    if refused:
        yield "no verdict"
    elif trial.verdict and found["verdict"] != trial.verdict:
        yield f"not {trial.verdict}"
    settings = "; ".join(found["settings"])
    if not jemalloc and not refused and not all(text in settings for text in trial.says):
        yield f"settings: {settings}"


def _glibc(subject: Subject, found: dict[str, Any]) -> Iterator[Figure]:
    memory, known = found["memory"], subject.known
    size = lambda *names: float(sum(memory.get(f"malloc_{name}", 0) for name in names))
    said, top = subject.ask("malloc_info"), subject.ask("top")
    scattered = known.get("scattered", False)
    # Nobody says what of somebody else's memory between blocks looks like one.
    live = said["live"] - ARENA * said["arenas"]
    yield Figure("live", size("live", "cached"), live - known.get("foreign", 0), live, 0.005, 64 * KIB)
    # What is free and not in memory is the ends of arenas, for the most part. Where that of a main arena in parts lies nobody says.
    start = top["end"] - (0 if scattered else top["size"])
    main, others = subject.absent()
    end = top["end"] - start - subject.resident(start, top["end"])
    least = said["free"] - main - others - top["size"] * scattered
    slack = 64 * KIB + 4 * KIB * said["arenas"]
    yield Figure("free", size("free_pages", "tops", "free_small"), least, said["free"] - end - others, 0.005, slack)
    yield near("mapped", size("mapped"), said["mapped"])
    if "cached" in known:
        most = known["cached"] + CACHED_BESIDES * found["threads"]
        yield Figure("cached", size("cached"), known["cached"], most, 0.005, 64 * KIB)
    yield exact("arenas", found["allocator"]["arenas"], said["arenas"])
    # It gives back the end of the main arena, too, but for one that `brk` does not move.
    yield near("trim", found["checks"]["trimmable"], subject.ask("trim"), 0.01)


def _jemalloc(subject: Subject, found: dict[str, Any]) -> Iterator[Figure]:
    memory, said = found["memory"], subject.ask("mallctl")
    size = lambda *names: float(sum(memory.get(f"jemalloc_{name}", 0) for name in names))
    # To ask takes objects and gives some back; on arm64 a page of its own has 64 KiB.
    slack = max(64 * KIB, 4 * said["page"])
    yield near("live", size("live"), said["live"], slack=slack)
    yield near("active", size("live", "between"), said["active"], slack=slack)
    # It gives some back while it is asked.
    yield near("dirty", size("dirty"), said["dirty"], slack=2 * slack)
    yield near("retained", found["checks"]["jemalloc_retained"], said["retained"], slack=slack)


def _pymalloc(subject: Subject, found: dict[str, Any]) -> Iterator[Figure]:
    said = subject.ask("pymalloc")
    yield exact("py.arenas", found["checks"]["pymalloc_arenas"], said["arenas"])
    yield near("py.live", found["memory"].get("pymalloc_live", 0), said["live"])
