#!/usr/bin/env python3
"""Writes what was measured into README and rule pages: tables between marks, and sentences that are held against the results (claims.toml).

    python3 bench/memory/pages.py
"""

from __future__ import annotations

import itertools
import math
import re
import statistics
import sys
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True

import curves  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results"
QUOTED = ROOT / "src" / "facts" / "measured.toml"
# What is said of a ratio is rounded.
ROUNDED = 0.005
# Where every ratio has to stand in a table or be held by a claim: file, heading.
GUARDED = (("README.md", "## What the settings are worth"), ("rules/allocator-unset.md", "## Why it matters"))
RATIO = re.compile(r"(?<![\w.:])[01]\.\d+(?![\w.])")


def ratios(part: str) -> tuple[dict, dict]:
    """The header of a part, and by program and candidate the ratios against glibc in the same round."""
    header, *records = report.read(RESULTS / f"{part}.jsonl")
    return header, report.ratios(report.settled(records))


def rest() -> str:
    """Memory at rest: each service with small and with large answers."""
    (header, small), (_, heavy) = ratios("rest-small"), ratios("rest-heavy")

    def cell(program: str, candidate: str) -> str:
        both = [found.get((program, candidate), {}).get("idle") for found in (small, heavy)]
        return " / ".join(f"{statistics.median(values):.2f}" if values else "-" for values in both)

    return _table(header, plan.parts()["rest-heavy"], cell)


def workers() -> str:
    """The same of two services, as the page of a rule shows it."""
    (header, small), (_, heavy) = ratios("rest-small"), ratios("rest-heavy")
    rows = ["| setting | 2 workers of 8 threads | 4 workers of one thread |", "|---|---|---|"]
    for candidate in ("glibc", "arena-max-2", "balanced", "balanced-hook"):
        cells = [" / ".join(f"{statistics.median(found[program, candidate]['idle']):.2f}" for found in (small, heavy)) for program in ("flask-gthread", "flask-sync")]
        rows.append(f"| {header['candidates'][candidate]} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def times() -> str:
    """CPU time and p99 under load, each service alone on the machine."""
    header, found = ratios("times")

    def cell(program: str, candidate: str) -> str:
        values = found.get((program, candidate), {})
        return " / ".join(f"{statistics.median(values[name]):.2f}" if values.get(name) else "-" for name in ("cpu", "p99"))

    return _table(header, plan.parts()["times"], cell)


def growth() -> str:
    """Memory in MB after minutes of light load."""
    header, *records = report.read(RESULTS / "growth.jsonl")
    minutes = (0, 1, 5, 10, 20)
    rows = ["| service | setting | " + " | ".join(f"{minute} min" for minute in minutes) + " |", "|---" * (len(minutes) + 2) + "|"]
    for record in sorted(records, key=lambda one: [list(header["programs"]).index(one["program"]), one["candidate"] != "glibc"]):
        cells = [f"{curves.after(record['curve'], minute) / 1e6:,.0f}" for minute in minutes]
        rows.append(f"| {record['program']} | {header['candidates'][record['candidate']]} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def others() -> str:
    """Memory at rest and CPU time under all that is advised elsewhere."""
    header, found = ratios("raw")
    own = {candidate.name for candidate in plan.candidates() if candidate.profile or candidate.hook}
    names = {name: about for name, about in header["candidates"].items() if name not in own}

    def cell(program: str, candidate: str) -> str:
        values = found.get((program, candidate), {})
        return " / ".join(f"{statistics.median(values[name]):.2f}" if values.get(name) else "-" for name in ("idle", "cpu"))

    programs = [name for name in header["programs"] if (name, "glibc") in found]
    return _rows(programs, names, cell)


def _table(header: dict, part: plan.Part, cell) -> str:
    names = {candidate: header["candidates"][candidate] for candidate in part.candidates if candidate != "former"}
    return _rows(part.programs, names, cell)


def _rows(programs: list[str], names: dict[str, str], cell) -> str:
    rows = ["| setting | " + " | ".join(programs) + " |", "|---" * (len(programs) + 1) + "|"]
    rows += [f"| {about} | " + " | ".join(cell(program, name) for program in programs) + " |" for name, about in names.items()]
    return "\n".join(rows) + "\n"


def quoted() -> str:
    """src/facts/measured.toml, with the figures that results hold."""
    sync = statistics.median(ratios("rest-heavy")[1]["flask-sync", "balanced"]["idle"])
    times = ratios("times")[1]
    cpu = statistics.median(times["flask-sync", "balanced"]["cpu"])
    text = re.sub(r'(?m)^sync_memory = ".*"$', f'sync_memory = "{sync:.2f}"', QUOTED.read_text())
    text = re.sub(r'(?m)^sync_cpu = ".*"$', f'sync_cpu = "{cpu:.2f}"', text)
    for name, figure in (("threads_memory", "idle"), ("threads_cpu", "cpu")):
        found = sorted(statistics.median(times[program, "balanced"][figure]) for program in ("flask-gthread", "fastapi-threads"))
        text = re.sub(rf"(?m)^{name} = .*$", f'{name} = ["{found[0]:.2f}", "{found[-1]:.2f}"]', text)
    return re.sub(r"(?m)^(tenth_from_mib = \[\d+, )\d+\]$", rf"\g<1>{tenth_from()}]", text)


def tenth_from() -> int:
    """By how much each process has grown when a tenth is saved, in the service where that comes last: whole tens of MiB."""
    header, *records = report.read(RESULTS / "break-even.jsonl")
    points = curves.break_even(header, report.settled(records))
    last = max(_crossing([(point["growth"], point["ratios"]["balanced"]["idle"]) for point in own]) for own in points.values())
    return 10 * math.ceil(last / 2**20 / 10)


def _crossing(curve: list[tuple[float, float]], ratio: float = 0.9) -> float:
    """Where a falling curve comes to a ratio; growth counts by its logarithm."""
    for (less, above), (more, below) in itertools.pairwise(curve):
        if above >= ratio > below:
            return less * (more / less) ** ((above - ratio) / (above - below))
    raise ValueError(f"no part of the curve leads from above {ratio} to below: {curve}")


TABLES = {"rest": rest, "times": times, "growth": growth, "workers": workers, "others": others}
FILES = ("README.md", "rules/allocator-unset.md")


def filled(text: str) -> str:
    """The text with its tables as they are now."""
    for name, table in TABLES.items():
        mark, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, after = text.partition(mark)
        if found:
            text = before + mark + table() + end + after.partition(end)[2]
    return text


def claims() -> list[dict]:
    return tomllib.loads((HERE / "claims.toml").read_text())["claim"]


def broken() -> list[str]:
    """What pages say and the results do not hold: sentences that are not there, figures out of their bounds, ratios that nobody holds."""
    faults = []
    said: dict[str, list[str]] = {}
    for claim in claims():
        for file in claim["files"]:
            said.setdefault(file, []).append(claim["text"])
            if claim["text"] not in (ROOT / file).read_text():
                faults.append(f"{file}: it does not say `{claim['text']}`")
        for check in claim["checks"]:
            faults += [f"`{claim['text']}`: {fault}" for fault in _out_of_bounds(check)]
    for file, heading in GUARDED:
        section = (ROOT / file).read_text().partition(f"\n{heading}\n")[2].partition("\n## ")[0]
        prose = "\n".join(line for line in section.splitlines() if not line.startswith("|"))
        for text in said.get(file, []):
            prose = prose.replace(text, "")
        faults += [f"{file}, {heading}: nothing holds the figure {figure}" for figure in RATIO.findall(prose)]
    return faults


def _out_of_bounds(check: dict) -> list[str]:
    _, found = ratios(check["part"])
    faults = []
    for program in check["programs"]:
        values = found.get((program, check["candidate"]), {}).get(check["figure"])
        if not values:
            faults.append(f"{check['part']} has no {check['figure']} of {program}, {check['candidate']}")
            continue
        middle = statistics.median(values)
        if not check.get("least", 0.0) - ROUNDED <= middle <= check.get("most", 99.0) + ROUNDED:
            faults.append(f"{program}, {check['candidate']}: {check['figure']} is {middle:.2f}")
    return faults


def main() -> int:
    for file in FILES:
        path = ROOT / file
        path.write_text(filled(path.read_text()))
    QUOTED.write_text(quoted())
    faults = broken()
    for fault in faults:
        print(f"error: {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
