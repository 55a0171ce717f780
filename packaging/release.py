#!/usr/bin/env python3
"""What a release needs to be told: `release.py stamp|check TAG|notes|requirements FOLDER`.

    stamp                 write the version of Cargo.toml wherever else it stands: after changing it there
    check TAG             fail unless the tag, the version and the changelog belong together
    notes                 print what the changelog says of the version
    requirements FOLDER   print what the action installs: the version, and the hashes of the wheels in the folder
"""

import hashlib
import pathlib
import re
import sys
from typing import Dict, List, Tuple

import project

# Files that people copy from, or that other programs read as they are: where the version stands in them.
PLACES = [
    ("packaging/pre-commit/pyproject.toml", r'^version = "(.+)"$'),
    ("packaging/pre-commit/pyproject.toml", r'"malloclint==(.+)"'),
    ("packaging/pre-commit/README.md", r"^ +rev: v(\S+)$"),
    ("packaging/gitlab-ci.yml", r"malloclint==(\S+)$"),
    ("README.md", r"^ +rev: v(\S+)$"),
]


def versions(root: pathlib.Path = project.ROOT) -> List[Tuple[str, str]]:
    """Every place with the version that stands there; a place without any is an error."""
    found = []
    for name, pattern in PLACES:
        matches = re.findall(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        if not matches:
            raise SystemExit(f"{name} has nothing like {pattern}")
        found += [(name, version) for version in matches]
    return found


def stamp(version: str, root: pathlib.Path = project.ROOT) -> None:
    """Writes the version into every place."""

    def stamped(match) -> str:
        start, end = (place - match.start() for place in match.span(1))
        return match.group(0)[:start] + version + match.group(0)[end:]

    for name, pattern in PLACES:
        path = root / name
        before = path.read_text(encoding="utf-8")
        path.write_text(re.sub(pattern, stamped, before, flags=re.MULTILINE), encoding="utf-8")


def notes(version: str, root: pathlib.Path = project.ROOT) -> str:
    """The section of the changelog on that version."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## \[|\Z)", text, re.MULTILINE | re.DOTALL)
    if not found or not found.group(1).strip():
        raise SystemExit(f"CHANGELOG.md says nothing of {version}")
    return found.group(1).strip()


def requirements(version: str, folder: pathlib.Path) -> str:
    """What pip takes with `--require-hashes`."""
    wheels = sorted(folder.glob(f"malloclint-{version}-*.whl"))
    if not wheels:
        raise SystemExit(f"{folder} has no wheel of {version}")
    hashes = sorted(hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    head = (project.ROOT / "action" / "requirements.txt").read_text(encoding="utf-8").splitlines()[0]
    return " \\\n".join([f"{head}\nmalloclint=={version}", *(f"    --hash=sha256:{digest}" for digest in hashes)]) + "\n"


def check(package: Dict, tag: str) -> None:
    """Fails unless the tag is that of the version, and all places say it."""
    version = package["version"]
    if tag != f"v{version}":
        raise SystemExit(f"the tag is {tag}, and Cargo.toml says {version}")
    wrong = [f"{name} says {found}" for name, found in versions() if found != version]
    if wrong:
        raise SystemExit(f"the version is {version}, and {', '.join(wrong)}: run `packaging/release.py stamp`")
    notes(version)


def main() -> None:
    package = project.package()
    what, rest = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if what == "stamp" and not rest:
        stamp(package["version"])
    elif what == "check" and len(rest) == 1:
        check(package, rest[0])
    elif what == "notes" and not rest:
        print(notes(package["version"]))
    elif what == "requirements" and len(rest) == 1:
        print(requirements(package["version"], pathlib.Path(rest[0])), end="")
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
