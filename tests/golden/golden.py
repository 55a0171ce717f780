"""What malloclint prints about every input of the tests, and about sixty public repositories, as hashes.

A change that means to move code only leaves all of them as they are. A change of judgement shows here what it
touches, before anyone reads the code.

    golden.py suite  --malloclint PATH                    inputs of the tests: compared with suite.txt
    golden.py public --malloclint PATH --folder FOLDER    clones, each in FOLDER/OWNER+NAME: compared with public.txt
    ... --update                                          write what came out, instead

What is printed is kept below target/golden/. Where it differs from what the last `--update` on this machine kept,
the difference is shown line by line; elsewhere the names of what differs have to do.
"""

import argparse
import difflib
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
KEPT = ROOT / "target" / "golden"
COMMANDS = {
    "json": ["check", "--format", "json", "--fail-on", "never"],
    "human": ["check", "--fail-on", "never"],
    "fix": ["fix", "--diff", "--fail-on", "never"],
    "unsafe": ["fix", "--diff", "--advice", "--unsafe", "--thread-hook", "--fail-on", "never"],
    "units": ["units"],
}
# The language of a fence, and the file that its text makes.
FENCES = {
    "dockerfile": "Dockerfile",
    "kubernetes": "manifest.yaml",
    "compose": "compose.yaml",
    "yaml": "manifest.yaml",
}
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = 40


def short(data):
    return hashlib.sha256(data).hexdigest()[:12]


def fences(page):
    """The examples of a Markdown page: a name, and the files of each."""
    beside = {}
    for language, rest, text in FENCE.findall(page.read_text()):
        named = re.search(r"file=(\S+)", rest)
        if named:
            beside[named[1]] = text
        elif language in FENCES:
            yield short("\0".join([text, *beside.values()]).encode()), {FENCES[language]: text, **beside}
            beside = {}


def folders(parent):
    """The folders of a kind of case; a file `NAME.without` takes the place of NAME in a twin."""
    for folder in sorted(path for path in parent.iterdir() if path.is_dir()):
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        plain = {name: data for name, data in files.items() if not name.endswith(".without")}
        yield folder.name, plain
        twins = {name.removesuffix(".without"): data for name, data in files.items() if name.endswith(".without")}
        if twins:
            yield f"{folder.name}.without", {**plain, **twins}


def texts(listed, file):
    """The cases of a list in which `=== NAME` stands above each."""
    for part in re.split(r"^=== ", listed.read_text(), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        yield re.sub(r"\W+", "-", title), {"compose.yaml" if text.startswith("services:") else file: text}


def cases():
    tests = ROOT / "tests"
    pages = [ROOT / "README.md", *sorted((ROOT / "rules").glob("*.md")), *sorted(tests.rglob("*.md"))]
    for page in pages:
        for name, files in fences(page):
            yield f"{page.relative_to(ROOT)}/{name}", files
    for kind in ["silent", "demo", "kustomizations", "e2e/cases"]:
        for name, files in folders(tests / kind):
            yield f"tests/{kind}/{name}", files
    for whole in ["story", "e2e/inject"]:
        folder = tests / whole
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        yield f"tests/{whole}", files
    for path in sorted((tests / "dockerfile" / "fixtures").iterdir()):
        yield f"tests/dockerfile/fixtures/{path.stem}", {"Dockerfile": path.read_bytes()}
    for listed in ["cases.txt", "inject.txt"]:
        for name, files in texts(tests / "yaml" / listed, "manifest.yaml"):
            yield f"tests/yaml/{listed}/{name}", files


def lay_out(top):
    """Writes every case into a project of its own below `top`; returns their names."""
    shutil.rmtree(top, ignore_errors=True)
    names = []
    for name, files in cases():
        if (top / name).exists():
            continue
        names.append(name)
        (top / name / ".git").mkdir(parents=True)
        for path, data in files.items():
            (top / name / path).parent.mkdir(parents=True, exist_ok=True)
            (top / name / path).write_bytes(data if isinstance(data, bytes) else data.encode())
    return names


def run(program, folder, arguments):
    command = [program, *arguments, "."]
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS"}}
    done = subprocess.run(command, cwd=folder, capture_output=True, env=plain, check=False)
    if done.returncode not in (0, 1, 2):
        sys.exit(f"{' '.join(command)} in {folder} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done.stdout + b"--- standard error\n" + done.stderr


def all_outputs(program, folder):
    with ThreadPoolExecutor() as pool:
        outputs = pool.map(lambda arguments: run(program, folder, arguments), COMMANDS.values())
        return dict(zip(COMMANDS, outputs))


def parts(kind, output):
    """What was printed, by the case that it is about; what is about none of them under ``."""
    out, _, err = output.partition(b"--- standard error\n")
    found = {}

    def add(path, data):
        found.setdefault(path, bytearray()).extend(data)

    if kind == "json":
        for finding in json.loads(out)["findings"]:
            add(finding["path"], json.dumps(finding, indent=1).encode() + b"\n")
    elif kind in ("fix", "unsafe"):
        for part in re.split(rb"^(?=diff --git )", out, flags=re.MULTILINE):
            path = re.match(rb"diff --git a/(\S+)", part)
            add(path[1].decode() if path else "", part)
    elif kind == "units":
        for part in re.split(rb"(?<=\n\n)(?=\S)", out):
            add(part.split(b":")[0].decode(), part)
    else:
        add("", out)
    for line in err.splitlines(keepends=True):
        path = re.match(rb"(?:malloclint: )?(\S+?):", line)
        add(path[1].decode() if path else "", line)
    return found


def suite(program):
    top = KEPT / "suite"
    names = lay_out(top)
    said = {name: bytearray() for name in ["all", *names]}
    for kind, output in all_outputs(program, top).items():
        for path, data in parts(kind, output).items():
            folders_above = [str(above) for above in pathlib.PurePosixPath(path).parents]
            name = next((above for above in folders_above if above in said), "all")
            said[name].extend(b"### " + kind.encode() + b"\n" + bytes(data))
    return {name: (short(data), bytes(data)) for name, data in said.items()}


def public(program, folder, listed):
    found = {}
    for name, commit in listed:
        clone = folder / name.replace("/", "+")
        if not clone.is_dir():
            sys.exit(f"{clone} is not there: clone https://github.com/{name} and check out {commit}")
        at = subprocess.run(["git", "-C", clone, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        if not at.stdout.startswith(commit):
            sys.exit(f"{clone} is at {at.stdout.strip()}, not at {commit}")
        outputs = all_outputs(program, clone)
        data = b"".join(b"### " + kind.encode() + b"\n" + output for kind, output in outputs.items())
        found[f"{name}@{commit}"] = (short(data), data)
    return found


def kept(kind, name):
    return KEPT / f"{kind}.kept" / (name.replace("/", "+") + ".txt")


def difference(kind, name, data):
    before = kept(kind, name)
    if not before.exists():
        return []
    lines = [text.decode(errors="replace").splitlines() for text in (before.read_bytes(), data)]
    return list(difflib.unified_diff(*lines, "before", "now", lineterm="", n=1))[2:SHOWN]


def compare(kind, listed, found):
    """Prints what differs; whether nothing does."""
    changed = [name for name in found if name in listed and listed[name] != found[name][0]]
    new = [name for name in found if name not in listed]
    gone = [name for name in listed if name not in found]
    for what, names in (("other output", changed), ("new", new), ("gone", gone)):
        for name in names:
            print(f"{what}: {name}")
            for line in difference(kind, name, found[name][1]) if name in changed else []:
                print(f"    {line}")
    if changed or new or gone:
        print(f"{kind}: {len(changed)} of {len(found)} differ, {len(new)} are new, {len(gone)} are gone.")
        print(f"Where that is meant, say why in the commit, after `make golden UPDATE=1`.")
        return False
    print(f"{kind}: {len(found)} as before")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["suite", "public"])
    parser.add_argument("--malloclint", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    program = options.malloclint.resolve()
    hashes = HERE / f"{options.kind}.txt"
    lines = hashes.read_text().splitlines() if hashes.exists() else []
    listed = dict(line.split() for line in lines if line and not line.startswith("#"))
    # The tests' own program has more of its dependencies' features than the one that users get: here it is theirs.
    asked = subprocess.run([program, "explain", "<jemalloc>: Invalid conf pair: a:b"], check=False, capture_output=True)
    if asked.returncode or b"has no option" not in asked.stdout:
        sys.exit(f"explain does not know a line that it must know: {asked.stderr.decode()}")
    if options.kind == "suite":
        found = suite(program)
    elif options.folder is None:
        parser.error("public takes --folder FOLDER: the clones that tests/golden/public.txt names")
    else:
        found = public(program, options.folder.resolve(), [name.split("@") for name in listed])
    if not options.update:
        sys.exit(0 if compare(options.kind, listed, found) else 1)
    head = [line for line in lines if line.startswith("#")]
    hashes.write_text("".join(f"{line}\n" for line in [*head, *(f"{name} {one[0]}" for name, one in found.items())]))
    shutil.rmtree(KEPT / f"{options.kind}.kept", ignore_errors=True)
    for name, (_, data) in found.items():
        path = kept(options.kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{hashes.relative_to(ROOT)}: {len(found)} written")


if __name__ == "__main__":
    main()
