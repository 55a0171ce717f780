"""Asks `malloclint image check`, and gives its answers a form in which they can be compared."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

PATIENCE = 300.0  # seconds
# What it finds where jemalloc is not loaded, beside all rules about what is named to the loader.
UNLOADED = {"allocator-unset", "jemalloc-not-preloaded", "malloc-conf-without-jemalloc"}


@dataclass(frozen=True)
class Answer:
    """What it said of one reference; what it calls that is left out."""

    code: int
    # LINE:COLUMN: SEVERITY[RULE] MESSAGE
    findings: tuple[str, ...] = ()
    # What came of each image, with why.
    verdicts: tuple[str, ...] = ()
    # Of standard error.
    notes: str = ""

    @property
    def rules(self) -> set[str]:
        return {finding.partition("[")[2].partition("]")[0] for finding in self.findings}

    @property
    def loads(self) -> bool:
        """Whether it holds that the image's Python runs on what is preloaded."""
        return self.code in (0, 1) and not any(rule.startswith("preload-") or rule in UNLOADED for rule in self.rules)

    def of(self, platform: str) -> Answer:
        """Its part of what was said of an index, in the words that an image alone has."""
        own = f"({platform}):"
        findings = tuple(finding.removeprefix(own) for finding in self.findings if finding.startswith(own))
        verdicts = tuple(verdict.removeprefix(own) for verdict in self.verdicts if verdict.startswith(own))
        return Answer(int(any("error[" in finding or "warning[" in finding for finding in findings)), findings, verdicts, self.notes)

    def same(self, other: Answer) -> bool:
        """Notes may differ: they name the store."""
        return (self.code, self.findings, self.verdicts) == (other.code, other.findings, other.verdicts)

    def __str__(self) -> str:
        return f"exit code {self.code}: " + ("; ".join(self.findings or self.verdicts) or self.notes.strip() or "nothing")


class Judge:
    """The program under test, with nothing in its environment but what it is given."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self._environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home)}

    def ask(self, reference: str, *options: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Answer:
        return self.ask_all([reference], *options, environment=environment, before=before)[reference]

    def ask_all(self, references: Sequence[str], *options: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> dict[str, Answer]:
        """In one run. `before`: what starts it."""
        done = self.run([*references, *options], environment=environment, before=before)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return {reference: Answer(done.returncode, notes=done.stderr.decode(errors="replace")) for reference in references}
        notes = done.stderr.decode(errors="replace")
        answers = {reference: _answer(report, reference, notes) for reference in references}
        if max(answer.code for answer in answers.values()) != done.returncode:
            return {reference: Answer(done.returncode, notes=f"its exit code is not that of its report; {notes}") for reference in references}
        return answers

    def run(
        self, arguments: Sequence[str], given: bytes = b"", environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        command = [*before, str(self.program), "image", "check", "--isolated", "--format", "json", *arguments]
        told = {**self._environment, **(environment or {})}
        return subprocess.run(command, input=given, env=told, capture_output=True, timeout=PATIENCE, check=False)


def _answer(report: dict[str, Any], reference: str, notes: str) -> Answer:
    """What a report says of one of its references; the exit code is what it would have been alone."""
    own = [finding for finding in report["findings"] if _is_of(finding["path"], reference)]
    units = [unit for unit in report["units"] if _is_of(unit["path"], reference)]
    failed = any(_is_of(failure["path"], reference) for failure in report["failures"])
    found = tuple(_line(finding, reference) for finding in own)
    alone = 2 if failed else int(any(finding["severity"] in ("error", "warning") for finding in own))
    verdicts = tuple(f"{_part(unit['path'], reference)}{unit['name']}: {unit['verdict']}: {unit['reason']}" for unit in units)
    return Answer(alone, found, verdicts, notes)


def _is_of(path: str, reference: str) -> bool:
    """Files inside are called REFERENCE!/PATH, platforms of an index REFERENCE (PLATFORM)."""
    return path.startswith(reference) and path[len(reference) : len(reference) + 1] in ("", "!", " ", "@", "#", "?")


def _line(finding: dict[str, Any], reference: str) -> str:
    place = f"{_part(finding['path'], reference)}{finding['line']}:{finding['column']}"
    return f"{place}: {finding['severity']}[{finding['rule']}] {finding['message'].replace(reference, 'IMAGE')}"


def _part(path: str, reference: str) -> str:
    part = path[len(reference) :].strip()
    return f"{part}:" if part else ""
