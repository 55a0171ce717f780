"""`tune --docker`: a service in containers of an image is measured under several settings, and one on another C library is refused."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

from case import Case
from process import Run
from trial import Trial

FOLDER = Path(__file__).parent / "tune"
IMAGE, MUSL = "malloclint-e2e-tuned", "malloclint-e2e-musl"
CASE = Case(
    name="tune",
    about="a service in a container is measured, without jemalloc in its image",
    seen="",
    before={"build": "ok", "allocator": "glibc"},
    platforms=["amd64"],
    sample=["amd64"],
    shows=["tune --docker"],
    source=FOLDER,
)
# Seconds of load and of rest, and of all; memory at the end counts.
QUICK = ["--load-time", "2s", "--settle", "1s", "--rounds", "3", "--budget", "75s", "--candidates", "1", "--memory", "end"]
# The engine has no network of its own.
HOST = "--network=host"


class Tuned(Trial):
    """The trial of an image: nothing is fixed, but for the copy that is measured."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._found = ""

    def summary(self) -> str:
        return self._found

    def run(self, before_only: bool) -> None:
        self._lay_out()
        done = self.store.build(self.folder, IMAGE)
        self._note(f"build {IMAGE}", done.both())
        self._check(done.code == 0, "the image cannot be built")
        if before_only or self.faults:
            return
        self._measured()
        self._refused()
        left = self.store.containers("malloclint-")
        self._check(not left, f"containers stay: {left}")

    def _measured(self) -> None:
        done = self._tune("--docker", IMAGE, "--build", HOST, "--format", "json", *QUICK, "--", HOST)
        self._note("tune", done.err)
        self._check(done.code == 0, f"tune: exit code {done.code}: {done.err.strip()}")
        if done.code != 0:
            return
        found = json.loads(done.out)
        settings = {one["name"]: one for one in found["candidates"]}
        fix, glibc = settings[found["fix"]], settings["glibc"]
        self._found = found["answer"]
        self._check(found["image"] == IMAGE and found["command"] == ["python3", "/app/app.py"], "tune: it does not say what it measured")
        loaded = fix["runs"][0]["proof"]["library"] or ""
        self._check("libjemalloc" in loaded and glibc["runs"][0]["proof"]["library"] is None, "tune: the allocators are not those of the settings")
        self._check(fix["memory_ratio"]["mean"] > 0 and len(found["answer"]) > 10, "tune: nothing is said of the memory")
        counted = fix["runs"][0]["container"]
        self._check(bool(counted) and counted["memory_bytes"] > 5e6, f"tune: the container's control group is not read: {counted}")

    def _refused(self) -> None:
        """Alpine as far as it is looked at: nothing of it is run."""
        with io.BytesIO() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for name, text in (("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n"), ("lib/ld-musl-x86_64.so.1", ""), ("usr/bin/python3.12", "")):
                    entry = tarfile.TarInfo(name)
                    entry.size = len(text)
                    tar.addfile(entry, io.BytesIO(text.encode()))
            archive = self.folder / "musl.tar"
            archive.write_bytes(file.getvalue())
        with archive.open("rb") as file:
            self.store.make(file, [MUSL], ['CMD ["python3.12", "app.py"]', "LABEL malloclint.e2e=case"], "none")
        done = self._tune("--docker", MUSL, "--", HOST)
        self._note("tune of musl", done.err)
        self._check(done.code == 2 and "runs on musl" in done.err, f"tune of an image on musl: exit code {done.code}: {done.err.strip()}")

    def _tune(self, *arguments: str) -> Run:
        """malloclint where the engine is: in its own root, and among its processes."""
        program = self.folder / "malloclint"
        if not program.exists():
            shutil.copy2(self.malloclint, program)
        return self.store.beside(str(program), "tune", "--engine", "docker", "--no-progress", *arguments)
