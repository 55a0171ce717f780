"""Installs the program into a folder of its own and puts that on PATH."""

import os
import pathlib
import re
import subprocess
import sys
from typing import List, Optional

import runner

# The release workflow writes it: the version that belongs to this commit of the action, and the hashes of its wheels.
REQUIREMENTS = pathlib.Path(__file__).with_name("requirements.txt")


def main() -> None:
    wanted, pinned = runner.given("version"), pinned_version()
    if wanted and not re.fullmatch(r"[0-9][0-9A-Za-z.!+-]*", wanted):
        raise runner.Trouble(f"`version` is `{wanted}`: that is no version, such as `0.1.0`")
    folder = runner.scratch()
    if wanted in ("", pinned):
        if pinned is None:
            raise runner.Trouble("this commit of the action belongs to no release: use the tag `v0`, or say which `version` to install")
        pip(folder, ["--require-hashes", "--requirement", str(REQUIREMENTS)])
    else:
        runner.remark("warning", f"malloclint {wanted} is installed without a check of its hash: this commit of the action knows that of {pinned or 'none'}")
        pip(folder, [f"malloclint=={wanted}"])
    runner.append("GITHUB_PATH", f"{folder / 'bin'}\n")


def pinned_version() -> Optional[str]:
    found = re.search(r"^malloclint==(\S+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    return found and found.group(1)


def pip(folder: pathlib.Path, what: List[str]) -> None:
    # Neither is a virtual environment needed, nor leave to change the system's own Python.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--target", str(folder), *what]
    # In a container the job is root, and that is no matter for a folder of our own.
    if subprocess.run(command, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}).returncode != 0:
        raise runner.Trouble("it could not be installed: pip says why above")


if __name__ == "__main__":
    runner.step(main)
