"""One case on one architecture: build, fix, build again, and look at the image's own Python both times."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import built
import frame
import hook
import probe
from case import Case, Program
from process import Run
from store import Store

# The exit codes of programs that a signal ended.
SIGNALS = range(129, 160)


class Trial:
    """Collects what went wrong, and a log of everything that was said."""

    def __init__(self, case: Case, store: Store, work: Path, malloclint: Path, images: bool = False) -> None:
        self.case, self.store, self.malloclint, self.images = case, store, malloclint, images
        self.folder = work / f"{case.name}-{store.arch}"
        self.log = work / f"{case.name}-{store.arch}.log"
        self._below = work / f"{case.name}-{store.arch}-base"
        self.faults: list[str] = []

    def run(self, before_only: bool) -> None:
        self._lay_out()
        self._before()
        if not before_only and not self.faults and self._fix():
            self._after()

    def summary(self) -> str:
        """What else a passing case has to tell."""
        return f"hook as {self.case.hook}" if self.case.hook else ""

    def look(self, image: str) -> None:
        """What else is to be seen in the built image, before and after."""

    def _lay_out(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.case.folder, self.folder, ignore=shutil.ignore_patterns("base"))
        (self.folder / "case.json").unlink(missing_ok=True)
        if self.case.base:
            shutil.rmtree(self._below, ignore_errors=True)
            shutil.copytree(self.case.folder / "base", self._below)
        self.log.write_text(f"{self.case.name}: {self.case.about}\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._below, ignore_errors=True)

    def _before(self) -> None:
        if self.case.base:
            done = self.store.build(self._below, self.case.base)
            self._note(f"build {self.case.base}", done.both())
            self._check(done.code == 0, "before: the image that it stands on cannot be built")
        expected = self.case.expected(self.store.arch)
        image = self._build("before")
        built = "ok" if image else "fails"
        self._check(built == expected["build"], f"before: the build {built}, expected: {expected['build']}")
        if not image:
            return
        python = self._start(image)
        self.look(image)
        found = python.allocator if isinstance(python, probe.Process) else None
        self._check(found == expected["allocator"], f"before: python runs on {found}, expected: {expected['allocator']}")

    def _fix(self) -> bool:
        file = self.folder / "Dockerfile"
        before = file.read_bytes()
        done = self._malloclint("fix", "--advice", "Dockerfile", *self.case.args)
        after = file.read_bytes()
        self._note("diff", frame.diff(before, after))
        if self.case.refused:
            self._check(done.code == 1 and self.case.refused in done.both(), f"fix: exit code {done.code}, or it does not say: {self.case.refused}")
            self._check(before == after, "fix: it changed what it has to leave")
            return before == after
        self._check(done.code == 0, f"fix: exit code {done.code}")
        self._check(before != after, "fix: nothing was changed")
        self.faults += [f"fix: {fault}" for fault in frame.faults(before, after)]
        if self.case.in_place:
            changed = [(len(removed), len(added)) for removed, added in frame.hunks(before, after)]
            self._check(changed == [(1, 1)], f"fix: not one line in its place: lines taken out and put in: {changed}")
        form = hook.form(after)
        self._check(form == self.case.hook, f"fix: the thread hook is there as {form}, expected: {self.case.hook}")
        checked = self._malloclint("check", "Dockerfile", "--fail-on", "warning")
        self._check(checked.code == 0, f"check after fix: exit code {checked.code}")
        again = self._malloclint("fix", "--advice", "Dockerfile", *self.case.args)
        self._check(again.code == 0 and file.read_bytes() == after, "fix a second time: it is not the same")
        return before != after

    def _after(self) -> None:
        image = self._build("after")
        if not image:
            self.faults.append("after: the build fails")
            return
        for program in self.case.programs:
            if program.emulated or self.store.arch == "amd64":
                self._run_program(image, program)
        for target in self.case.targets:
            self._target(target)
        python = self._start(image, self.case.forced)
        if isinstance(python, Run):
            self.faults.append("after: python does not start")
            return
        if self.case.refused:
            self._check(python.allocator == self.case.after, f"after: python runs on {python.allocator}")
            return
        self._check_process(python)
        self.look(image)
        if self.case.forked:
            threads = probe.forked(self.store, image, self.case.python)
            self._note("threads of a forked child", threads)
            self._check(probe.THREAD in threads, "after: a forked child has no background thread")
        self._check_conf(image, python.environment.get("MALLOC_CONF", ""))

    def _target(self, target: str) -> None:
        image = self._build("after", target)
        python = self._start(image) if image else None
        if not isinstance(python, probe.Process):
            self.faults.append(f"after: stage {target}: the build fails, or its python does not start")
            return
        self._check(python.allocator == self.case.after, f"after: stage {target}: python runs on {python.allocator}")
        self.faults += [f"after: stage {target}: {line}" for line in probe.complaints(python.errors)]

    def _run_program(self, image: str, program: Program) -> None:
        done = self.store.run(image, program.run, program.environment)
        name = " ".join([*(f"{name}={value}" for name, value in program.environment.items()), *program.run])
        self._note(f"{name}: {done.code}", done.both())
        self._check(done.code in SIGNALS if program.dies else done.code == 0, f"after: {name}: exit code {done.code}{', but it should die' * program.dies}")
        self._check(program.says in done.out, f"after: {name}: it does not say {program.says}")
        complains = bool(probe.complaints(done.both()))
        self._check(complains == program.complains, f"after: {name}: the loader {'complains' if complains else 'should complain'}")

    def _check_process(self, python: probe.Process) -> None:
        case = self.case
        preload = python.environment.get("LD_PRELOAD", "")
        self._check(python.allocator == case.after, f"after: python runs on {python.allocator}")
        self.faults += [f"after: {line}" for line in probe.complaints(python.errors)]
        self._check(case.preload in (None, preload), f"after: LD_PRELOAD={preload}, expected: {case.preload}")
        for part in case.keep:
            loaded = any(part in file for file in python.files)
            self._check(part in preload and loaded, f"after: {part} is no longer preloaded: LD_PRELOAD={preload}")
        conf = python.environment.get("MALLOC_CONF", "")
        if case.conf is None:
            self._check(bool(conf), "after: MALLOC_CONF is not set")
        else:
            self._check(conf == case.conf, f"after: MALLOC_CONF={conf}, expected: {case.conf}")

    def _check_conf(self, image: str, conf: str) -> None:
        asked = f"{conf},confirm_conf:true".lstrip(",")
        python = self._start(image, {"MALLOC_CONF": asked})
        if isinstance(python, Run):
            self.faults.append("after: python does not start with confirm_conf")
            return
        self.faults += [f"MALLOC_CONF: {line}" for line in probe.refused(asked, python.errors)]

    def _start(self, image: str, environment: dict[str, str] | None = None) -> probe.Process | Run:
        entry = self.store.config(image)["Entrypoint"] if self.case.entrypoint else []
        python = probe.start(self.store, image, [*entry, *self.case.python], environment)
        self._note("python", str(python) if isinstance(python, probe.Process) else python.both())
        return python

    def _build(self, when: str, target: str | None = None) -> str | None:
        image = "-".join(["localhost/" + self.case.name, when, *([target] if target else [])])
        done = self.store.build(self.folder, image, target)
        self._note(f"build {when} {target or ''}".rstrip(), done.both())
        if self.case.quiet:
            complains = bool(probe.complaints(done.both()))
            self._check(complains == (when == "before"), f"{when}: the loader {'complains' if complains else 'does not complain'} in steps of the build")
        if done.code == 0 and self.images and not target:
            self._compare(image, when)
        return image if done.code == 0 else None

    def _compare(self, image: str, when: str) -> None:
        """Saves the image as docker does, and asks about both."""
        saved = self.folder.with_suffix(".tar")
        self.store.save(image, saved)
        fixed = ("--isolated", "--format", "json")
        rules = self._malloclint("rules", "--format", "json")
        dockerfile = self._malloclint("check", "Dockerfile", *fixed)
        read = self._malloclint("image", "check", f"docker-archive:{saved}", *fixed)
        saved.unlink()
        self._check(read.code in (0, 1), f"{when}: the image is not read: {read.err.strip()}")
        if read.code in (0, 1):
            found = built.differences(rules.out, dockerfile.out, read.out)
            self.faults += [f"{when}: {difference}" for difference in found]

    def _malloclint(self, *arguments: str) -> Run:
        done = subprocess.run([str(self.malloclint), *arguments], cwd=self.folder, capture_output=True, timeout=60, check=False)
        run = Run(done.returncode, done.stdout, done.stderr)
        self._note(f"malloclint {' '.join(arguments)}: {run.code}", run.both())
        return run

    def _check(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)

    def _note(self, title: str, text: str) -> None:
        with self.log.open("a") as log:
            log.write(f"\n== {title}\n{text}\n")
