"""`fix --inject`: the init container's command really run, and the container's Python started with what it brought.

The pod is played: a folder stands for the `emptyDir`, and both containers run on it as the manifest says.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import probe
from case import Case
from process import Run
from trial import Trial

FOLDER = Path(__file__).parent / "inject"
BRINGS = "registry.example/jemalloc:bookworm"
# Images that this project's own files cannot change, and their Python: with apt, and with next to nothing.
IMAGES = {"python:3.12-slim-bookworm": "python3", "python:3.13-slim-trixie": "python3", "gcr.io/distroless/python3-debian12": "/usr/bin/python3.11"}
CASE = Case(
    name="inject",
    about="images that cannot be rebuilt get jemalloc from an init container",
    seen="",
    before={"build": "ok", "allocator": "glibc"},
    platforms=["amd64", "arm64"],
    sample=["amd64"],
    shows=["init container"],
    source=FOLDER,
)


class Injected(Trial):
    """The trial of manifests: nothing is built but the image that brings the library."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._seen = 0

    def summary(self) -> str:
        return f"{self._seen} images"

    def run(self, before_only: bool) -> None:
        self._lay_out()
        done = self.store.build(self.folder, BRINGS)
        self._note(f"build {BRINGS}", done.both())
        if done.code != 0:
            self.faults.append(f"{BRINGS} cannot be built")
            return
        for image, python in IMAGES.items():
            if self.store.has(image):
                self._image(image, python, before_only)
                self._seen += 1

    def _image(self, image: str, python: str, before_only: bool) -> None:
        found = probe.start(self.store, image, [python])
        self._check(isinstance(found, probe.Process) and found.allocator == "glibc", f"{image}: it does not run on glibc's malloc before")
        if before_only:
            return
        manifest = self._mend(image)
        volume = self.folder / "volume"
        shutil.rmtree(volume, ignore_errors=True)
        volume.mkdir()
        volume.chmod(0o777)
        self._init(manifest, volume)
        self._start(image, python, manifest, volume)

    def _mend(self, image: str) -> str:
        """The manifest after `fix --inject`, which a second time changes nothing."""
        file = self.folder / "deployment.yaml"
        file.write_text((FOLDER / "deployment.yaml").read_text().replace("IMAGE", image))
        arguments = ["fix", "deployment.yaml", "--inject", BRINGS]
        done = self._malloclint(*arguments)
        after = file.read_text()
        self._note(f"manifest for {image}", after)
        self._check(done.code == 0 and BRINGS in after, f"{image}: fix --inject: exit code {done.code}, or nothing is brought")
        again = self._malloclint(*arguments)
        self._check(again.code == 0 and file.read_text() == after, f"{image}: fix --inject a second time: it is not the same")
        checked = self._malloclint("check", "deployment.yaml", "--fail-on", "info")
        self._check(checked.code == 0, f"{image}: check after fix: exit code {checked.code}")
        return after

    def _init(self, manifest: str, volume: Path) -> None:
        found = re.search(r"- sh\n +- -c\n +- (.+)\n", manifest)
        user = re.search(r"runAsUser: (\d+)", manifest)
        if not found:
            self.faults.append("the init container has no command")
            return
        done = self.store.run(BRINGS, ["sh", "-c", found.group(1)], volume=f"{volume}:/malloclint", user=user.group(1) if user else None)
        self._note("init container", done.both())
        self._check(done.code == 0, f"the init container fails: {done.both().strip()}")

    def _start(self, image: str, python: str, manifest: str, volume: Path) -> None:
        environment = dict(re.findall(r'- name: (LD_PRELOAD|MALLOC_CONF)\n +value: "?([^"\n]+)"?\n', manifest))
        self._check(len(environment) == 2, f"{image}: LD_PRELOAD and MALLOC_CONF are not both set")
        asked = f"{environment.get('MALLOC_CONF', '')},confirm_conf:true"
        found = probe.start(self.store, image, [python], {**environment, "MALLOC_CONF": asked}, volume=f"{volume}:/malloclint:ro")
        if isinstance(found, Run):
            self._note(f"python in {image}", found.both())
            self.faults.append(f"{image}: python does not start with what was brought")
            return
        self._note(f"python in {image}", str(found))
        self._check(found.allocator == "jemalloc", f"{image}: python runs on {found.allocator}")
        self._check(any(name.startswith("/malloclint/") for name in found.files), f"{image}: the library is not the one that was brought")
        self.faults += [f"{image}: {line}" for line in probe.refused(asked, found.errors)]
