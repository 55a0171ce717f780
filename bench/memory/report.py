"""From single measurements to a table, a picture, and whether the targets are met."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from pathlib import Path

import curves
import picture

REFERENCE, ARTICLE = "glibc", "article"
# What the profiles are to reach, as ratios to glibc in the same round.
TARGETS = {"idle": 0.5, "cpu": 1.10, "p99": 1.10}
# More than this part of one core used by other processes makes a measurement doubtful; it is repeated.
DISTURBED, TRIES = 0.05, 3
# Light load lasts so long, in seconds.
WHOLE = 1200
BALANCED = ("balanced", "balanced-hook")
MEMORY = ("base", "peak", "after_burst", "idle", "after_light")
RATIOS = ("idle", "cpu", "rate", "p99")
# Where trials ran side by side: memory is what it would be alone, and no time is told.
REST_HEADS = ("setting", "base", "15 s idle", "after light", "base : glibc", "idle : glibc", "after light : glibc")
REST = ("base", "idle", "after_light")
TIMES = ("cpu", "rate", "p99", "p99_light")
HEADS = ("setting", "base", "peak", "after burst", "15 s idle", "after light", "idle : glibc", "CPU : glibc", "requests/s : glibc", "p99 : glibc")


def read(raw: Path) -> list[dict]:
    """All records; a last line that was cut is left out."""
    if not raw.exists():
        return []
    lines = raw.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def settled(records: list[dict]) -> list[dict]:
    """Of repeated measurements the least disturbed one."""
    best: dict[tuple, dict] = {}
    for record in records:
        before = best.setdefault(key(record), record)
        if record["others"] < before["others"]:
            best[key(record)] = record
    return list(best.values())


def unfinished(records: list[dict], wanted: list[tuple]) -> list[tuple]:
    """Which keys are still to be measured: those never measured, and those always disturbed, up to `TRIES` times."""
    tries: dict[tuple, int] = defaultdict(int)
    for record in records:
        tries[key(record)] += 1 if record["others"] > DISTURBED else TRIES
    return [one for one in wanted if tries[one] < TRIES]


def append(raw: Path, record: dict) -> None:
    whole = raw.read_bytes().rpartition(b"\n") if raw.exists() else (b"", b"", b"")
    with raw.open("ab") as file:
        # What was cut goes: it would spoil this line.
        file.truncate(len(whole[0] + whole[1]))
        file.write(json.dumps(record).encode() + b"\n")


def drop(raw: Path, settings: dict[tuple, dict]) -> int:
    """Takes the measurements away whose setting is another one now; how many they were."""
    header, *records = read(raw)
    stale = [record for record in records if settings.get((record["program"], record["candidate"]), record["conf"]) != record["conf"]]
    if stale:
        new = raw.with_suffix(".new")
        new.write_text("".join(json.dumps(record) + "\n" for record in [header, *records] if record not in stale))
        new.replace(raw)
    return len(stale)


def key(record: dict) -> tuple:
    return record["round"], record["program"], record["candidate"], record.get("size", "heavy")


def ratios(records: list[dict]) -> dict[tuple, dict[str, list[float]]]:
    """For each program and candidate what it needs of what glibc needed in the same round."""
    found: dict[tuple, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    by_key = {key(record): record for record in records}
    for record in records:
        base = by_key.get((*key(record)[:2], REFERENCE, *key(record)[3:]))
        for name in (*REST, *RATIOS[1:]) if base else ():
            if name not in record or name not in base:
                continue
            found[record["program"], record["candidate"]][name].append(record[name] / base[name])
    return found


def write(raw: Path, to: Path) -> None:
    """Writes `to`.md and `to`.svg."""
    header, *records = read(raw)
    records = settled(records)
    if header.get("kind") == "growth" or len(header.get("sizes", [])) > 1:
        curves.write(_about(header, records), header, records, to)
        return
    found = ratios(records)
    parts = [_about(header, records)]
    for program, about in header["programs"].items():
        own = [record for record in records if record["program"] == program]
        if own:
            parts.append(f"## {about}\n\n{_table(own, found, header)}")
    if header.get("at_once", 1) == 1:
        parts.append(_targets(found))
    to.with_suffix(".md").write_text("\n\n".join(parts) + "\n")
    to.with_suffix(".svg").write_text(picture.draw(header, found))
    print(f"{to.with_suffix('.md')} and .svg: {len(records)} measurements")


def _about(header: dict, records: list[dict]) -> str:
    machine = header["machine"]
    often = Counter((record["program"], record["candidate"]) for record in records).values()
    least, most = min(often), max(often)
    rounds = f"{least} rounds" if least == most > 1 else "1 round" if most == 1 else f"{least} to {most} rounds"
    others = [record["others"] for record in records]
    busy = sum(share > DISTURBED for share in others)
    lines = [
        f"# {header.get('about', 'Allocators under Python servers')}",
        f"Python {header['python']}, {machine['libc']}, {machine['cores']} x {machine['cpu']}, Linux {machine['kernel']}; "
        + ", ".join(f"{name} {version}" for name, version in header["libraries"].items())
        + f". {rounds}, interleaved.",
    ]
    at_once = header.get("at_once", 1)
    memory = "the PSS of all processes" if at_once == 1 else "what all processes have for themselves, the pages of each file once, whoever else maps it,"
    lines.append(f"Memory is {memory} in MB, the median of the rounds. Ratios are taken within a round: their median, and in brackets the least and the most.")
    if at_once == 1:
        lines.append(f"Other processes used {statistics.median(others):.1%} of one core meanwhile (median of the measurements; at most {max(others):.1%}).")
    else:
        beside = statistics.median(record.get("busy", 0.0) for record in records)
        lines.append(f"{at_once} trials ran side by side: memory is told, and no time. Other processes used about {beside:.0%} of one core meanwhile.")
    # Of a burst its part, of light load its time.
    if header["phases"].get("share", 1) < 1 or header["phases"].get("seconds", WHOLE) < WHOLE:
        lines.append("**A short run, to see that everything works: the figures say nothing.**")
    if busy:
        lines.append(f"**Other programs were at work during {busy} of {len(records)} measurements: the figures are preliminary.**")
    return "\n\n".join(lines)


def _table(own: list[dict], found: dict, header: dict) -> str:
    program = own[0]["program"]
    alone = header.get("at_once", 1) == 1
    heads, figures, ratios_of = (HEADS, MEMORY, RATIOS) if alone else (REST_HEADS, REST, REST)
    rows = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for candidate, about in header["candidates"].items():
        records = [record for record in own if record["candidate"] == candidate]
        if not records:
            continue
        memory = [f"{statistics.median(record[name] for record in records) / 1e6:.0f}" for name in figures]
        spread = [_spread(found[program, candidate][name]) for name in ratios_of]
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
