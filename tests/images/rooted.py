"""Starts programs in the root of an image, and tells what they had in their memory. As a program it is the part in a namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 120.0  # seconds
# What a program mounts goes with it.
APART = ["unshare", "--mount", "--propagation", "private"]


@dataclass(frozen=True)
class Start:
    """What is started: a program that prints its /proc/self/maps."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    # What /etc/ld.so.preload says meanwhile; nothing where it is not there.
    preloads: str | None = None


@dataclass(frozen=True)
class Started:
    """What came of it."""

    code: int
    files: list[str]
    errors: str

    def has(self, name: str) -> bool:
        return any(name in file.lower().rpartition("/")[2] for file in self.files)


def files_of(maps: str) -> list[str]:
    """What is mapped there (proc(5), "/proc/pid/maps": five fields, and the path)."""
    lines = (line.split(maxsplit=5) for line in maps.splitlines())
    return sorted({fields[5] for fields in lines if len(fields) == 6 and fields[5].startswith("/")})


def start(root: Path, starts: list[Start]) -> list[Started]:
    """One after the other."""
    command = [*APART, sys.executable, "-B", __file__, str(root)]
    given = json.dumps([asdict(one) for one in starts])
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=PATIENCE * 4, check=False)
    if done.returncode != 0:
        raise OSError(f"nothing starts in {root}: {done.stderr.strip()}")
    return [Started(**told) for told in json.loads(done.stdout)]


def present(root: Path, paths: list[str]) -> dict[str, bytes | None]:
    """How each file begins; nothing where none is. Links lead as they do for those inside."""
    command = [sys.executable, "-B", __file__, str(root), "look"]
    done = subprocess.run(command, input=json.dumps(paths), capture_output=True, text=True, timeout=PATIENCE, check=True)
    return {path: None if begins is None else bytes.fromhex(begins) for path, begins in json.loads(done.stdout).items()}


def _start(root: str, one: dict[str, Any]) -> dict[str, Any]:
    def enter() -> None:
        os.chroot(root)
        os.chdir(one["folder"])

    told = Path(root, "etc/ld.so.preload")
    if one["preloads"] is not None:
        told.write_text(one["preloads"])
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", **one["environment"]}
    done = subprocess.run(one["command"], env=environment, preexec_fn=enter, capture_output=True, timeout=PATIENCE, check=False)
    told.unlink(missing_ok=True)
    return {"code": done.returncode, "files": files_of(done.stdout.decode(errors="replace")), "errors": done.stderr.decode(errors="replace")}


def _begins(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return file.read(64).hex()
    except OSError:
        return None


def _inside(root: str, wanted: list[Any], looks: bool) -> Any:
    if looks:
        os.chroot(root)
        return {path: _begins(path) for path in wanted}
    os.makedirs(f"{root}/proc", exist_ok=True)
    subprocess.run(["mount", "-t", "proc", "proc", f"{root}/proc"], check=True)
    return [_start(root, one) for one in wanted]


if __name__ == "__main__":
    print(json.dumps(_inside(sys.argv[1], json.load(sys.stdin), "look" in sys.argv[2:])))
