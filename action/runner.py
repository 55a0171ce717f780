"""What a step may ask of the runner, and tell it."""

import os
import pathlib
import posixpath
import secrets
import sys
import tempfile
from typing import List

# More than this the runner does not take of one step: a megabyte, of which the rest of the step may need some.
SUMMARY_BYTES = 1000 * 1000


class Trouble(Exception):
    """What keeps a step from its work, in words for people."""


def given(name: str, default: str = "") -> str:
    """An input of the action. Inputs come by the environment alone: no shell ever reads them."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip() or default


def switched_on(name: str) -> bool:
    """An input that is `true` or `false`."""
    value = given(name, "false").lower()
    if value not in ("true", "false"):
        raise Trouble(f"`{name}` is `{value}`: it takes `true` or `false`")
    return value == "true"


def paths() -> List[str]:
    """What is to be looked at, as seen from the root of the workspace: reports name files as the repository does."""
    folder = given("working-directory", ".")
    if not pathlib.Path(folder).is_dir():
        raise Trouble(f"`working-directory` is `{folder}`: there is no such folder in the workspace")
    lines = [line.strip() for line in given("paths", ".").splitlines()]
    return [posixpath.normpath(posixpath.join(folder, line)) for line in lines if line]


def limit() -> List[str]:
    """What makes the job fail, where the input says it; else the configuration of the project does."""
    severity = given("fail-on")
    return [f"--fail-on={severity}"] if severity else []


def output(name: str, value: object) -> None:
    """Sets an output of the step."""
    mark = f"end-{secrets.token_hex(16)}"
    append("GITHUB_OUTPUT", f"{name}<<{mark}\n{value}\n{mark}\n")


def summarise(markdown: str) -> None:
    """Adds to the page that GitHub shows of the run."""
    if len(markdown.encode()) > SUMMARY_BYTES:
        cut = markdown.encode()[:SUMMARY_BYTES].decode(errors="ignore").rsplit("\n", 1)[0]
        markdown = f"{cut}\n\nThe rest is left out: it is longer than GitHub shows.\n"
    append("GITHUB_STEP_SUMMARY", markdown.rstrip("\n") + "\n\n")


def append(variable: str, text: str) -> None:
    """Adds to one of the files that the runner reads."""
    with open(os.environ[variable], "a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def show(text: str) -> None:
    """Prints what quotes files of the repository. A line of theirs may look like an order to the runner: it is to be none."""
    if not text.strip():
        return
    mark = secrets.token_hex(16)
    say(f"::stop-commands::{mark}")
    say(text.rstrip("\n"))
    say(f"::{mark}::")


def say(text: str) -> None:
    """Prints as it is."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.flush()


def remark(kind: str, text: str) -> None:
    """An `error`, `warning` or `notice` that belongs to no file."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    say(f"::{kind}::{escaped}")


def scratch() -> pathlib.Path:
    """A new folder that is gone with the job."""
    return pathlib.Path(tempfile.mkdtemp(prefix="malloclint-", dir=os.environ.get("RUNNER_TEMP")))


def step(main) -> None:
    """Runs a step, from the root of the workspace; trouble is told and ends it."""
    try:
        os.chdir(os.environ["GITHUB_WORKSPACE"])
        code = main()
    except Trouble as trouble:
        remark("error", f"malloclint: {trouble}")
        code = 2
    sys.exit(code or 0)
