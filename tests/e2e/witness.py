"""The behaviour, not the setting: after the fix a threaded service gives memory back that it kept before.

A ratio of two resident sets on the same machine, typically a tenth; never a time.
"""

from __future__ import annotations

from pathlib import Path

from case import Case
from process import Run
from trial import Trial

FOLDER = Path(__file__).parent / "witness"
# 0.44 to 0.53 of what it was, from run to run: what else the machine does decides how many requests meet.
MOST = 2 / 3
CASE = Case(
    name="witness",
    about="a threaded service that has had a burst of requests and rests",
    seen="",
    before={"build": "ok", "allocator": "glibc"},
    platforms=["amd64"],
    sample=["amd64"],
    shows=["memory at rest"],
    source=FOLDER,
)


class Witness(Trial):
    """The trial of a case that also runs the program itself, before and after."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._rest: list[int] = []

    def summary(self) -> str:
        if len(self._rest) < 2:
            return "".join(f"{kilobytes >> 10} MB at rest before" for kilobytes in self._rest)
        before, after = self._rest
        return f"{before >> 10} MB at rest before, {after >> 10} MB after: {after / before:.2f}"

    def look(self, image: str) -> None:
        done = self.store.run(image, ["python3", "burst.py"])
        self._note("burst", done.both())
        rest = _rest(done)
        if rest is None:
            self.faults.append("the burst did not run")
            return
        self._rest.append(rest)
        if len(self._rest) == 2:
            self._check(rest <= self._rest[0] * MOST, f"the memory at rest did not fall by a third: {self.summary()}")


def _rest(done: Run) -> int | None:
    words = done.out.split()
    return int(words[-1]) if done.code == 0 and words[-2:-1] == ["rest"] else None
