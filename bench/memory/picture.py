"""The picture: memory at rest of every program under every setting, as bars beside glibc's."""

from __future__ import annotations

import statistics
from html import escape

LABEL, BAR, ROW, GAP, COLUMNS = 350, 300, 18, 40, 2
# The longest bar; what is longer is cut, and its number tells.
MOST = 1.5
OWN = ("balanced", "balanced-hook")
STYLE = "text{font:12px sans-serif;fill:#222;paint-order:stroke;stroke:#fff;stroke-width:3px}.head{font-weight:bold}.glibc{fill:#9aa5b1}.other{fill:#c9b458}.own{fill:#2f855a}.line{stroke:#444;stroke-dasharray:3 3}"


def draw(header: dict, found: dict) -> str:
    programs = [name for name in header["programs"] if any(program == name for program, _ in found)]
    height = ROW * (len(header["candidates"]) + 1) + GAP
    rows = -(-len(programs) // COLUMNS)
    width, total = COLUMNS * (LABEL + BAR + GAP), max(rows, 1) * height + GAP
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" viewBox="0 0 {width} {total}">', f"<style>{STYLE}</style>", f'<rect width="{width}" height="{total}" fill="#fff"/>']
    parts.append('<text class="head" x="10" y="22">Memory at rest after a burst, against glibc (1.0); shorter is better; lines: least and most</text>')
    for place, program in enumerate(programs):
        left = place % COLUMNS * (LABEL + BAR + GAP) + 10
        parts += _program(header, found, program, left, place // COLUMNS * height + GAP)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _program(header: dict, found: dict, program: str, left: int, top: int) -> list[str]:
    parts = [f'<text class="head" x="{left}" y="{top + 12}">{escape(header["programs"][program])}</text>']
    start, y = left + LABEL, top + ROW
    for candidate, about in header["candidates"].items():
        values = found.get((program, candidate), {}).get("idle")
        if values:
            parts += _bar(candidate, about, values, left, start, y)
            y += ROW
    one = start + _length(1)
    # Under the bars and numbers, or it would run through them.
    return [f'<line class="line" x1="{one:.1f}" y1="{top + ROW}" x2="{one:.1f}" y2="{y}"/>', *parts]


def _bar(candidate: str, about: str, values: list[float], left: int, start: int, y: int) -> list[str]:
    middle = statistics.median(values)
    kind = "own" if candidate in OWN else "glibc" if candidate == "glibc" else "other"
    about = about.replace("`", "")
    end = start + _length(max(values))
    return [
        f'<text x="{left}" y="{y + 13}">{escape(about)}</text>',
        f'<rect class="{kind}" x="{start}" y="{y + 3}" width="{_length(middle):.1f}" height="{ROW - 6}"/>',
        f'<line stroke="#222" x1="{start + _length(min(values)):.1f}" y1="{y + ROW / 2}" x2="{end:.1f}" y2="{y + ROW / 2}"/>',
        f'<text x="{max(end, start + _length(middle)) + 5:.1f}" y="{y + 13}">{middle:.2f}</text>',
    ]


def _length(ratio: float) -> float:
    return min(ratio, MOST) / MOST * (BAR - 40)
