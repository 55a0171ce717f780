"""From single measurements to a table, a picture, and whether the targets are met."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path

import picture

REFERENCE, ARTICLE = "glibc", "article"
# What the profiles are to reach, as ratios to glibc in the same round.
TARGETS = {"idle": 0.5, "cpu": 1.05, "p99": 1.10}
BALANCED = ("balanced", "balanced-hook")
MEMORY = ("base", "peak", "after_burst", "idle", "after_light")
RATIOS = ("idle", "cpu", "rate", "p99")
HEADS = ("setting", "base", "peak", "after burst", "15 s idle", "after light", "idle : glibc", "CPU : glibc", "requests/s : glibc", "p99 : glibc")


def read(raw: Path) -> list[dict]:
    """All records; a last line that was cut is left out."""
    if not raw.exists():
        return []
    lines = raw.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def append(raw: Path, record: dict) -> None:
    whole = raw.read_bytes().rpartition(b"\n") if raw.exists() else (b"", b"", b"")
    with raw.open("ab") as file:
        # What was cut goes: it would spoil this line.
        file.truncate(len(whole[0] + whole[1]))
        file.write(json.dumps(record).encode() + b"\n")


def key(record: dict) -> tuple:
    return record["round"], record["program"], record["candidate"]


def ratios(records: list[dict]) -> dict[tuple, dict[str, list[float]]]:
    """For each program and candidate what it needs of what glibc needed in the same round."""
    found: dict[tuple, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    by_key = {key(record): record for record in records}
    for record in records:
        base = by_key.get((record["round"], record["program"], REFERENCE))
        for name in RATIOS if base else ():
            found[record["program"], record["candidate"]][name].append(record[name] / base[name])
    return found


def write(raw: Path, to: Path) -> None:
    """Writes `to`.md and `to`.svg."""
    header, *records = read(raw)
    found = ratios(records)
    parts = [_about(header, records)]
    for program, about in header["programs"].items():
        own = [record for record in records if record["program"] == program]
        if own:
            parts.append(f"## {about}\n\n{_table(own, found, header)}")
    parts.append(_targets(found))
    to.with_suffix(".md").write_text("\n\n".join(parts) + "\n")
    to.with_suffix(".svg").write_text(picture.draw(header, found))
    print(f"{to.with_suffix('.md')} and .svg: {len(records)} measurements")


def _about(header: dict, records: list[dict]) -> str:
    machine = header["machine"]
    rounds = len({record["round"] for record in records})
    busy = sum(record["busy"] for record in records)
    lines = [
        "# Allocators under Python servers",
        f"Python {header['python']}, {machine['libc']}, {machine['cores']} x {machine['cpu']}, Linux {machine['kernel']}; "
        + ", ".join(f"{name} {version}" for name, version in header["libraries"].items())
        + f". {'1 round' if rounds == 1 else f'{rounds} rounds'}, interleaved.",
        "Memory is the PSS of all processes in MB, the median of the rounds. Ratios are taken within a round: their median, and in brackets the least and the most.",
    ]
    if header["phases"]["share"] < 1:
        lines.append("**A short run, to see that everything works: the figures say nothing.**")
    if busy:
        lines.append(f"**Other programs were at work before {busy} of {len(records)} measurements: the figures are preliminary.**")
    return "\n\n".join(lines)


def _table(own: list[dict], found: dict, header: dict) -> str:
    program = own[0]["program"]
    rows = ["| " + " | ".join(HEADS) + " |", "|---" * len(HEADS) + "|"]
    for candidate, about in header["candidates"].items():
        records = [record for record in own if record["candidate"] == candidate]
        if not records:
            continue
        memory = [f"{statistics.median(record[name] for record in records) / 1e6:.0f}" for name in MEMORY]
        spread = [_spread(found[program, candidate][name]) for name in RATIOS]
        rows.append("| " + " | ".join([about, *memory, *spread]) + " |")
    return "\n".join(rows)


def _spread(values: list[float]) -> str:
    if not values:
        return "?"
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f}-{max(values):.2f})"


def _targets(found: dict) -> str:
    """Whether the profiles keep what is promised of them."""
    rows = ["## Targets", "", "| program | profile | " + " | ".join(f"{name} <= {limit:.2f}" for name, limit in TARGETS.items()) + " | less memory than the article's | less CPU |", "|---" * 7 + "|"]
    for (program, candidate), values in found.items():
        if candidate not in BALANCED:
            continue
        reached = []
        for name, limit in TARGETS.items():
            middle = statistics.median(values[name])
            reached.append(f"{'yes' if middle <= limit else '**no**'} ({middle:.2f})")
        article = found.get((program, ARTICLE))
        for name in ("idle", "cpu"):
            better = article and statistics.median(values[name]) < statistics.median(article[name])
            reached.append("?" if not article else "yes" if better else "**no**")
        rows.append(f"| {program} | {candidate} | " + " | ".join(reached) + " |")
    return "\n".join(rows)
