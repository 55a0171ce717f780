"""Looks at the files once, and writes every report that is asked for. What comes of it, the last step says."""

import json
import pathlib
import shlex
import subprocess

import runner

FIXES = ("none", "diff", "commit", "suggest")


def main() -> None:
    fix = runner.given("fix", "none")
    if fix not in FIXES:
        raise runner.Trouble(f"`fix` is `{fix}`: it takes one of {', '.join(FIXES)}")
    shown, sarif, folder = runner.given("format", "human"), runner.given("sarif"), runner.scratch()
    files = {"json": folder / "findings.json"}
    if runner.switched_on("annotations") and shown != "github":
        files["github"] = folder / "annotations.txt"
    if runner.switched_on("summary"):
        files["markdown"] = folder / "summary.md"
    if sarif:
        files["sarif"] = pathlib.Path(sarif)
        files["sarif"].parent.mkdir(parents=True, exist_ok=True)
    if fix == "suggest":
        files["rdjson"] = folder / "suggestions.rdjson"

    command = ["malloclint", "check", "--no-progress", "--format", shown]
    for name, path in files.items():
        command += ["--format", f"{name}={path}"]
    command += [*runner.limit(), *shlex.split(runner.given("args"))]
    try:
        run = subprocess.run([*command, "--", *runner.paths()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise runner.Trouble("the program is not on PATH: the step that installs it did not run") from None
    said = run.stdout.decode("utf-8", "surrogateescape")
    if shown == "github":
        runner.say(said.rstrip("\n"))
    else:
        runner.show(said)
    if run.returncode not in (0, 1, 2) or not files["json"].is_file():
        raise runner.Trouble(f"it ended with {run.returncode} and without a report: what it said is above")

    # Its own escapes keep a file's text from being an order here.
    if "github" in files:
        runner.say(text(files["github"]).rstrip("\n"))
    if "markdown" in files:
        runner.summarise(text(files["markdown"]))
    summary = json.loads(text(files["json"]))["summary"]
    runner.output("findings", summary["errors"] + summary["warnings"] + summary["infos"])
    runner.output("errors", summary["errors"])
    runner.output("fixable", summary["fixable"])
    runner.output("sarif-file", sarif)
    runner.output("rdjson-file", files.get("rdjson", ""))
    runner.output("code", run.returncode)


def text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""


if __name__ == "__main__":
    runner.step(main)
