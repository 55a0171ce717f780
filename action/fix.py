"""Shows what fixing would change, or fixes and commits it."""

import pathlib
import re
import subprocess
from typing import Dict, List

import runner

AUTHOR = ["-c", "user.name=github-actions[bot]", "-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com"]
MESSAGE = "Fix memory-allocator settings\n\nmalloclint found them, and fixed what is safe to fix."


def main() -> None:
    if runner.given("fix") == "commit":
        commit()
    else:
        diff()


def diff() -> None:
    path = runner.scratch() / "malloclint.diff"
    run = malloclint(["--diff"])
    path.write_bytes(run.stdout)
    changes = run.stdout.decode("utf-8", "surrogateescape")
    runner.show(changes)
    if changes and runner.switched_on("summary"):
        # A fence that is longer than any in the text is not closed by it.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", changes)), default=0))
        readable = run.stdout.decode("utf-8", "replace").rstrip("\n")
        runner.summarise(f"What `malloclint fix` would change:\n\n{fence}diff\n{readable}\n{fence}")
    runner.output("diff-file", path)
    runner.output("code", run.returncode)


def commit() -> None:
    branch = git("symbolic-ref", "--quiet", "--short", "HEAD", may_fail=True).strip()
    if not branch:
        raise runner.Trouble(
            "`fix: commit` needs a branch, and a commit without one is checked out: "
            "let actions/checkout take `ref: ${{ github.head_ref || github.ref_name }}`"
        )
    before = changed()
    run = malloclint([])
    runner.show(run.stdout.decode("utf-8", "surrogateescape"))
    after = changed()
    # Other steps may have changed files, too: those stay out of the commit.
    mixed = sorted(name for name in before if before[name] != after.get(name))
    if mixed:
        raise runner.Trouble(f"fixed, but not committed, since other steps had changed them before: {', '.join(mixed)}")
    fixed = sorted(set(after) - set(before))
    if fixed:
        # A file's name is a name, not a pattern.
        names = [f":(top,literal){name}" for name in fixed]
        git(*AUTHOR, "commit", "--quiet", "--only", "--message", MESSAGE, "--", *names)
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        runner.remark("notice", f"malloclint: committed fixes of {len(fixed)} file{'' if len(fixed) == 1 else 's'} to {branch}")
    runner.output("code", run.returncode)


def changed() -> Dict[str, bytes]:
    """The tracked files that differ from the commit, and what is in them."""
    root = pathlib.Path(git("rev-parse", "--show-toplevel").rstrip("\n"))
    names = [name for name in git("diff", "--name-only", "-z", "HEAD").split("\0") if name]
    return {name: (root / name).read_bytes() if (root / name).is_file() else b"" for name in names}


def malloclint(arguments: List[str]) -> subprocess.CompletedProcess:
    command = ["malloclint", "fix", "--no-progress", *runner.limit(), *arguments]
    run = subprocess.run([*command, "--", *runner.paths()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    runner.show(run.stderr.decode("utf-8", "surrogateescape"))
    if run.returncode not in (0, 1, 2):
        raise runner.Trouble(f"`malloclint fix` ended with {run.returncode}")
    return run


def git(*arguments: str, may_fail: bool = False) -> str:
    command = ["git", "-C", runner.given("working-directory", "."), *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.returncode != 0 and not may_fail:
        runner.show(run.stderr.decode("utf-8", "surrogateescape"))
        hint = ": the job needs `permissions: contents: write`" if "push" in arguments else ""
        raise runner.Trouble(f"Git failed, what it said is above{hint}")
    return run.stdout.decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    runner.step(main)
