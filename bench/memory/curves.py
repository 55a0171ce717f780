"""What is no table of settings: from what growth on a setting saves memory, and memory over a long time."""

from __future__ import annotations

import math
import statistics
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 360, 60, 190, 50, 50
COLOURS = ["#9aa5b1", "#b7791f", "#2f855a", "#2b6cb0"]
DASHES = ["", "6 4"]
STYLE = "text{font:12px sans-serif;fill:#222}.head{font-weight:bold}.grid{stroke:#d8dee4}.one{stroke:#444;stroke-dasharray:3 3}.curve{fill:none;stroke-width:2}"


def write(about: str, header: dict, records: list[dict], to: Path) -> None:
    """Writes `to`.md and `to`.svg."""
    is_growth = header["kind"] == "growth"
    text, picture = (_growth if is_growth else _break_even)(header, records)
    to.with_suffix(".md").write_text(f"{about}\n\n{text}\n")
    to.with_suffix(".svg").write_text(picture)
    print(f"{to.with_suffix('.md')} and .svg: {len(records)} measurements")


def break_even(header: dict, records: list[dict]) -> dict[str, list[dict]]:
    """For each program by size: what glibc grows by in each serving process, in bytes, and for each setting the memory at rest against it."""
    points: dict[str, list[dict]] = {}
    for program in header["programs"]:
        for size in header["sizes"]:
            own = [record for record in records if (record["program"], record["size"]) == (program, size)]
            glibc = {record["round"]: record for record in own if record["candidate"] == "glibc"}
            if not glibc:
                continue
            point = {"size": size, "growth": statistics.median(_grown(record) for record in glibc.values()), "ratios": {}}
            for candidate in header["candidates"]:
                pairs = [(record, glibc[record["round"]]) for record in own if record["candidate"] == candidate and record["round"] in glibc]
                if pairs and candidate != "glibc":
                    point["ratios"][candidate] = {name: statistics.median(record[name] / base[name] for record, base in pairs) for name in ("idle", "after_light")}
            points.setdefault(program, []).append(point)
    return points


def _grown(record: dict) -> float:
    """In each process that serves: a master serves nothing."""
    return (record["idle"] - record["base"]) / max(record["processes"] - 1, 1)


def _break_even(header: dict, records: list[dict]) -> tuple[str, str]:
    points = break_even(header, records)
    parts = ["Memory at rest, and after light traffic, of the whole service against glibc's, by what glibc's processes grow by under load."]
    for program, own in points.items():
        settings = list(own[0]["ratios"])
        parts.append(f"## {header['programs'][program]}")
        rows = ["| rows of an answer | growth of each process under glibc, MB | " + " | ".join(header["candidates"][name] for name in settings) + " |", "|---" * (len(settings) + 2) + "|"]
        for point in own:
            least, doublings = map(int, point["size"].split("x"))
            cells = [f"{ratio['idle']:.2f} -> {ratio['after_light']:.2f}" for ratio in (point["ratios"][name] for name in settings)]
            rows.append(f"| {least} to {least << doublings} | {point['growth'] / 1e6:.0f} | " + " | ".join(cells) + " |")
        parts.append("\n".join(rows))
    curves = [
        (f"{program}, {header['candidates'][name]}", place, number, [(math.log10(max(point["growth"] / 1e6, 1)), point["ratios"][name]["idle"]) for point in own])
        for place, (program, own) in enumerate(points.items())
        for number, name in enumerate(own[0]["ratios"], 1)
    ]
    most = max((x for *_, values in curves for x, _ in values), default=3)
    ticks = [(math.log10(value), f"{value:,}") for value in (1, 3, 10, 30, 100, 300, 1000) if math.log10(value) <= most * 1.05]
    return "\n\n".join(parts), _picture("Memory at rest against glibc's (1.0); lower is better", "growth of each process under glibc, MB", curves, ticks, [(value / 5, f"{value / 5:.1f}") for value in range(7)], one=1.0)


def after(curve: list[list[float]], minutes: float) -> float:
    """The memory after so many minutes, in bytes; the last one where it was not watched so long."""
    return next((memory for seconds, memory in curve if seconds >= minutes * 60), curve[-1][1])


def _growth(header: dict, records: list[dict]) -> tuple[str, str]:
    minutes = (0, 1, 2, 5, 10, 15, 20)
    rows = ["| service | setting | " + " | ".join(f"{minute} min" for minute in minutes) + " |", "|---" * (len(minutes) + 2) + "|"]
    curves, programs = [], list(header["programs"])
    for record in sorted(records, key=lambda record: (programs.index(record["program"]), list(header["candidates"]).index(record["candidate"]))):
        curve = [(seconds / 60, memory / 1e6) for seconds, memory in record["curve"]]
        at = [f"{after(record['curve'], minute) / 1e6:.0f}" for minute in minutes]
        rows.append(f"| {header['programs'][record['program']]} | {header['candidates'][record['candidate']]} | " + " | ".join(at) + " |")
        curves.append((f"{record['program']}, {header['candidates'][record['candidate']]}", programs.index(record["program"]), 0 if record["candidate"] == "glibc" else 2, curve))
    top = max((y for *_, values in curves for _, y in values), default=1.0)
    step = 10 ** math.floor(math.log10(top))
    ups = [(value * step, f"{value * step:.0f}") for value in range(int(top / step) + 2)]
    text = "Memory of all processes in MB; every ten seconds twenty light requests and four heavy ones, one or two at a time.\n\n" + "\n".join(rows)
    return text, _picture("Memory under light load, MB", "minutes", curves, [(minute, str(minute)) for minute in (0, 5, 10, 15, 20)], ups)


def _picture(title: str, below: str, curves: list[tuple], ticks: list[tuple[float, str]], ups: list[tuple[float, str]], one: float | None = None) -> str:
    right, high = ticks[-1][0] * 1.05 or 1, ups[-1][0]
    for *_, values in curves:
        right = max(right, *(x for x, _ in values))

    def across(x: float) -> float:
        return LEFT + x / right * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - min(y, high) / high * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">', f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    parts.append(f'<text class="head" x="{LEFT}" y="24">{escape(title)}</text>')
    for y, label in ups:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/><text x="{LEFT - 8}" y="{up(y) + 4:.1f}" text-anchor="end">{label}</text>')
    for x, label in ticks:
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(below)}</text>')
    if one is not None:
        parts.append(f'<line class="one" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(one):.1f}" y2="{up(one):.1f}"/>')
    labels = _apart([up(values[-1][1]) for *_, values in curves])
    for (name, dash, colour, values), y in zip(curves, labels):
        points = " ".join(f"{across(x):.1f},{up(v):.1f}" for x, v in values)
        style = f'stroke="{COLOURS[colour % len(COLOURS)]}" stroke-dasharray="{DASHES[dash % len(DASHES)]}"'
        parts.append(f'<polyline class="curve" {style} points="{points}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4:.1f}" font-size="10">{escape(name.replace("`", "")[:34])}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _apart(places: list[float]) -> list[float]:
    """The places of labels, each at least a line below the one above it."""
    found: dict[int, float] = {}
    last = -math.inf
    for index in sorted(range(len(places)), key=places.__getitem__):
        last = max(places[index], last + 14)
        found[index] = last
    return [found[index] for index in range(len(places))]
